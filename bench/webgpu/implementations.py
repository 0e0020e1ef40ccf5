# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a kernel takes on two implementations of WebGPU, Dawn and wgpu, where the
driver is one for processors: until its first launch is done, and from then on.

  implementations.py ATTN_COMPILE [--rounds N]

Rows go to bench/results/webgpu.json. The implementations and drivers are those
of scripts/install-web-checks.sh and scripts/install-vulkan-checks.sh; caches of
shaders are off."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from compile_time import program  # noqa: E402
from rows import load_average, processor, replace_rows, time_row  # noqa: E402

DRIVERS = {"SwiftShader": ".cache/web/environment", "lavapipe": ".cache/vulkan/environment"}
SHAPE = [1, 8, 256, 64]


def measure(artifact, driver, implementation, rounds):
    """Milliseconds to the end of the first launch, and of a later one."""
    environment = dict(os.environ, ATTN_WEBGPU=implementation, MESA_SHADER_CACHE_DISABLE="true")
    for line in (ROOT / DRIVERS[driver]).read_text(encoding="utf-8").split():
        name, _, value = line.partition("=")
        environment[name] = value
    command = ["node", ROOT / "bench/webgpu/time.mjs", str(rounds), json.dumps([SHAPE] * 4), artifact]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    [result] = json.loads(run.stdout)["results"]
    return result["loaded"] + result["first"], result["ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compiler")
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    command = f"bench/webgpu/implementations.py ATTN_COMPILE --rounds {arguments.rounds}, {load_average()}"
    tensor = "tensor<" + "x".join(map(str, SHAPE)) + "xf32>"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source, artifact = pathlib.Path(folder) / "f.mlir", pathlib.Path(folder) / "f.attn"
        source.write_text(program(tensor), encoding="utf-8")
        subprocess.run([arguments.compiler, source, "--target=wgsl:webgpu", "-o", artifact], check=True)
        for driver in DRIVERS:
            ours = measure(artifact, driver, "wgpu", arguments.rounds)
            peers = measure(artifact, driver, "dawn", arguments.rounds)
            for what, one, other in zip(("until the first launch is done", "a later launch"), ours, peers):
                rows.append(time_row(f"f32 {'x'.join(map(str, SHAPE))}, {what}, wgpu on {driver}", "ms", round(one, 1),
                                     round(other, 1), f"Dawn on {driver}", None, processor(), command))
    replace_rows(ROOT / "bench/results/webgpu.json", rows)
    for row in rows:
        print(f"{row['work']}: {row['ours']} ms, {row['peer_name']} {row['peer']} ms")


if __name__ == "__main__":
    main()
