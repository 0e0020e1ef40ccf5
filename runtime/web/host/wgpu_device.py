# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The device behind wgpu.mjs: PyPI's `wgpu`, which scripts/install-web-checks.sh
# installs. A command a line, as JSON; commands that make an object say which
# number it has. What goes wrong is told when somebody asks for errors.

import base64
import json
import re
import sys

import wgpu

FEATURES = {"shader-f16": "shader-f16", "subgroups": "subgroup"}
LIMITS = """maxStorageBuffersPerShaderStage maxComputeWorkgroupStorageSize
maxComputeInvocationsPerWorkgroup maxComputeWorkgroupSizeX
maxComputeWorkgroupSizeY maxComputeWorkgroupSizeZ
maxComputeWorkgroupsPerDimension maxStorageBufferBindingSize maxBufferSize
minStorageBufferOffsetAlignment minUniformBufferOffsetAlignment""".split()


def to_kebab(name):
    """maxBufferSize as wgpu-py says it: max-buffer-size."""
    return re.sub("[A-Z]", lambda found: "-" + found[0].lower(), name)


class Device:
    def __init__(self):
        adapters = wgpu.gpu.enumerate_adapters_sync()
        self.adapter = next(a for a in adapters if a.info["backend_type"] == "Vulkan")
        self.objects, self.problems = {}, []

    def find(self, reference):
        return self.objects[reference["id"]]

    # What is answered.

    def adapter_(self, _):
        info, features = self.adapter.info, self.adapter.features
        return {
            "limits": {name: self.adapter.limits[to_kebab(name)] for name in LIMITS},
            "features": [web for web, own in FEATURES.items() if own in features],
            "info": {
                "description": info["device"],
                "subgroupMinSize": info["stackgroup_min_size"],
            },
        }

    def device_(self, command):
        self.device = self.adapter.request_device_sync(
            required_features=[FEATURES[name] for name in command["features"]],
            required_limits={
                to_kebab(name): value
                for name, value in command["limits"].items()
                if not name.startswith("min")
            },
        )
        return {}

    def read_(self, command):
        data = self.device.queue.read_buffer(self.find(command["buffer"]))
        return {"data": base64.b64encode(data).decode()}

    def wait_(self, _):
        # What is read was submitted last (wgpu-py 0.32 cannot wait otherwise).
        usage = wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
        self.device.queue.read_buffer(self.device.create_buffer(size=4, usage=usage))
        return {}

    def errors_(self, _):
        problems, self.problems = self.problems, []
        return {"error": problems[0]} if problems else {}

    # What makes objects.

    def buffer(self, command):
        usage = command["usage"]
        # What the host maps to read is read through a copy here.
        if usage & wgpu.BufferUsage.MAP_READ:
            usage = wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
        return self.device.create_buffer(
            size=command["size"], usage=usage | wgpu.BufferUsage.COPY_DST
        )

    def shader(self, command):
        # The feature is enabled; naga has no directive for it.
        code = command["code"].replace("enable subgroups;\n", "")
        return self.device.create_shader_module(code=code)

    def group_layout(self, command):
        entries = []
        for entry in command["entries"]:
            buffer = {"type": entry["buffer"]["type"]}
            if entry["buffer"].get("hasDynamicOffset"):
                buffer["has_dynamic_offset"] = True
            entries.append({**entry, "buffer": buffer})
        return self.device.create_bind_group_layout(entries=entries)

    def layout(self, command):
        return self.device.create_pipeline_layout(
            bind_group_layouts=[self.find(group) for group in command["groups"]]
        )

    def pipeline(self, command):
        return self.device.create_compute_pipeline(
            layout=self.find(command["layout"]),
            compute={
                "module": self.find(command["module"]),
                "entry_point": command["entry"],
            },
        )

    def group(self, command):
        entries = [
            {
                "binding": entry["binding"],
                "resource": {
                    "buffer": self.find(entry["resource"]["buffer"]),
                    "offset": entry["resource"].get("offset", 0),
                    "size": entry["resource"]["size"],
                },
            }
            for entry in command["entries"]
        ]
        return self.device.create_bind_group(
            layout=self.find(command["layout"]), entries=entries
        )

    def encode(self, command):
        encoder = self.device.create_command_encoder()
        compute = None
        for kind, *operands in command["commands"]:
            if kind == "clear":
                encoder.clear_buffer(self.find(operands[0]))
            elif kind == "copy":
                source, at, target, target_at, size = operands
                encoder.copy_buffer_to_buffer(
                    self.find(source), at, self.find(target), target_at, size
                )
            elif kind == "begin":
                compute = encoder.begin_compute_pass()
            elif kind == "pipeline":
                compute.set_pipeline(self.find(operands[0]))
            elif kind == "group":
                index, group, offsets = operands
                compute.set_bind_group(index, self.find(group), offsets)
            elif kind == "dispatch":
                compute.dispatch_workgroups(*operands)
            else:
                compute.end()
        return encoder.finish()

    # What is done to them.

    def write(self, command):
        data = base64.b64decode(command["data"])
        # Nothing at the end of a buffer is refused.
        if data:
            buffer = self.find(command["buffer"])
            self.device.queue.write_buffer(buffer, command["at"], data)

    def submit(self, command):
        self.device.queue.submit([self.find(buffer) for buffer in command["buffers"]])

    def destroy(self, command):
        self.objects.pop(command["buffer"]["id"]).destroy()


def main():
    device = Device()
    answered = {
        name: getattr(device, name + "_")
        for name in ("adapter", "device", "read", "wait", "errors")
    }
    for line in sys.stdin:
        if not line.endswith("\n"):  # whoever wrote it has ended
            break
        command = json.loads(line)
        name = command["command"]
        try:
            if name in answered:
                answer = answered[name](command)
            else:
                made = getattr(device, to_kebab(name).replace("-", "_"))(command)
                if "result" in command:
                    device.objects[command["result"]] = made
        except Exception as error:  # what wgpu says is for the module
            device.problems.append(str(error))
            answer = {"error": str(error)}
        if name in answered:
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
