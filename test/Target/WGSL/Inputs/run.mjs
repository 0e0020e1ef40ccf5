// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs one WGSL kernel: node run.mjs JOB.json
//
// The job names the shader, the entry, the grid, the buffers (files in binding
// order; `write` ones are written back) and the parameters (32-bit fields).
// Uses Dawn from npm's `webgpu` on whatever Vulkan driver is configured.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const job = JSON.parse(readFileSync(process.argv[2]));
const require = createRequire(job.modules + '/');
const { create, globals } = require('webgpu');
Object.assign(globalThis, globals);

const gpu = create(['backend=vulkan']);
const adapter = await gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
const wanted = ['shader-f16'].filter((f) => adapter.features.has(f));
// Summaries and tables are buffers, too: more than the 8 that every device has.
const { maxStorageBuffersPerShaderStage } = adapter.limits;
const device = await adapter.requestDevice({
  requiredFeatures: wanted,
  requiredLimits: { maxStorageBuffersPerShaderStage },
});
device.addEventListener('uncapturederror', (e) => {
  console.error(e.error.message);
  process.exitCode = 1;
});

const module = device.createShaderModule({ code: readFileSync(job.shader, 'utf8') });
for (const m of (await module.getCompilationInfo()).messages)
  console.error(`${m.type}: ${job.shader}:${m.lineNum}: ${m.message}`);
const pipeline = device.createComputePipeline({
  layout: 'auto',
  compute: { module, entryPoint: job.entry },
});

const pad = (bytes) => Math.max(4, Math.ceil(bytes.length / 4) * 4);
const entries = [];
const results = [];
job.buffers.forEach((buffer, binding) => {
  const bytes = readFileSync(buffer.file);
  const storage = device.createBuffer({
    size: pad(bytes),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  const padded = new Uint8Array(pad(bytes));
  padded.set(bytes);
  device.queue.writeBuffer(storage, 0, padded);
  entries.push({ binding, resource: { buffer: storage } });
  if (buffer.write) results.push({ file: buffer.file, storage, size: bytes.length });
});
if (job.params.length) {
  const view = new DataView(new ArrayBuffer(Math.ceil(job.params.length / 4) * 16));
  job.params.forEach(([type, value], k) =>
    type === 'f32' ? view.setFloat32(4 * k, value, true) : view.setInt32(4 * k, value, true));
  const uniform = device.createBuffer({
    size: view.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(uniform, 0, view.buffer);
  entries.push({ binding: job.buffers.length, resource: { buffer: uniform } });
}

const group = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: entries.filter((e) => !job.unused?.includes(e.binding)),
});
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.setPipeline(pipeline);
pass.setBindGroup(0, group);
pass.dispatchWorkgroups(...job.grid);
pass.end();
for (const result of results) {
  result.staging = device.createBuffer({
    size: result.storage.size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  encoder.copyBufferToBuffer(result.storage, 0, result.staging, 0, result.storage.size);
}
device.queue.submit([encoder.finish()]);
for (const { file, staging, size } of results) {
  await staging.mapAsync(GPUMapMode.READ);
  writeFileSync(file, new Uint8Array(staging.getMappedRange()).slice(0, size));
}
console.log(adapter.info.description || adapter.info.vendor);
process.exit(process.exitCode ?? 0);
