// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs an artifact for WebGPU: node run.mjs JOB.json
//
// The job names the artifact and, for each argument of the program in order, a
// file and its shape, dense (what the program writes is written back), or a
// number. All else the artifact says itself (docs/artifact.md). Uses Dawn from
// npm's `webgpu` on whatever Vulkan driver is configured.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const job = JSON.parse(readFileSync(process.argv[2]));
const require = createRequire(job.modules + '/');
const { create, globals } = require('webgpu');
Object.assign(globalThis, globals);

// The container: a table of sections.
const artifact = readFileSync(job.artifact);
const sections = {};
for (let n = 0; n < artifact.readUInt32LE(40); ++n) {
  const entry = 48 + 64 * n;
  const name = artifact.toString('utf8', entry, entry + 48).replace(/\0+$/, '');
  const offset = Number(artifact.readBigUInt64LE(entry + 48));
  sections[name] = artifact.toString('utf8', offset, offset + Number(artifact.readBigUInt64LE(entry + 56)));
}
const description = JSON.parse(sections.json);
if (description.target !== 'wgsl') throw new Error(`the artifact is for ${description.target}`);

// Sizes of a call.
const bound = Object.fromEntries(description.arguments.map(({ name }, k) => [name, job.arguments[k]]));
const symbols = Object.fromEntries((description.symbols ?? []).map(({ name, expr }) => [name, expr]));
const operators = {
  add: (...x) => x.reduce((a, b) => a + b),
  mul: (...x) => x.reduce((a, b) => a * b),
  min: Math.min,
  max: Math.max,
  sub: (a, b) => a - b,
  floordiv: (a, b) => Math.floor(a / b),
  ceildiv: (a, b) => Math.ceil(a / b),
  mod: (a, b) => a - b * Math.floor(a / b),
  lt: (a, b) => +(a < b),
  le: (a, b) => +(a <= b),
  gt: (a, b) => +(a > b),
  ge: (a, b) => +(a >= b),
  eq: (a, b) => +(a === b),
  ne: (a, b) => +(a !== b),
  and: (...x) => +x.every(Boolean),
  or: (...x) => +x.some(Boolean),
  not: (a) => +!a,
};
function evaluate(expr) {
  if (!Array.isArray(expr)) return expr;
  const [name, ...rest] = expr;
  switch (name) {
    case 'dim':
      return bound[rest[0]].shape[rest[1]];
    case 'stride':
      return bound[rest[0]].shape.slice(rest[1] + 1).reduce((a, b) => a * b, 1);
    case 'scalar':
      return bound[rest[0]].value;
    case 'symbol':
      return evaluate(symbols[rest[0]]);
    case 'select':
      return evaluate(evaluate(rest[0]) ? rest[1] : rest[2]);
  }
  if (!operators[name]) throw new Error(`no host of WebGPU knows ${name}`);
  return operators[name](...rest.map(evaluate));
}
for (const { expr, message } of description.checks ?? [])
  if (!evaluate(expr)) throw new Error(message);

const gpu = create(['backend=vulkan']);
const adapter = await gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
const requiredLimits = {};
for (const limit of ['maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize',
                     'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX'])
  requiredLimits[limit] = adapter.limits[limit];
const device = await adapter.requestDevice({
  requiredFeatures: ['shader-f16'].filter((f) => adapter.features.has(f)),
  requiredLimits,
});
device.addEventListener('uncapturederror', (e) => {
  console.error(e.error.message);
  process.exitCode = 1;
});

// Buffers by name. A part of one is not bound: the tests pass whole ones.
function allocate(size) {
  return device.createBuffer({
    size: Math.max(4, Math.ceil(size / 4) * 4),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
}
function narrow(bytes, name) {
  const wide = new BigInt64Array(new Uint8Array(bytes).buffer);
  if (wide.some((x) => x !== BigInt.asIntN(32, x))) throw new Error(`a value of ${name} does not fit into 32 bits`);
  return new Uint8Array(Int32Array.from(wide, Number).buffer);
}
const buffers = {};
const written = [];
for (const { name, kind, dtype, access, narrowed } of description.arguments) {
  if (kind !== 'buffer') continue;
  let bytes = readFileSync(bound[name].file);
  const size = bytes.length;
  if (dtype === 'i64' && narrowed === 'i32') bytes = narrow(bytes, name);
  else if (narrowed) throw new Error(`${name}: cannot narrow ${dtype}`);
  buffers[name] = allocate(bytes.length);
  const padded = new Uint8Array(buffers[name].size);
  padded.set(bytes);
  device.queue.writeBuffer(buffers[name], 0, padded);
  if (access !== 'read') written.push({ file: bound[name].file, buffer: buffers[name], size });
}
for (const { name, bytes } of description.temporaries ?? []) {
  buffers[name] = allocate(evaluate(bytes));
  // Whoever reads what nobody wrote finds NaN.
  device.queue.writeBuffer(buffers[name], 0, new Uint8Array(buffers[name].size).fill(0xff));
}

/// The fields of the uniform struct: all that is no buffer, in order.
function makeParameters(args) {
  const view = new DataView(new ArrayBuffer(Math.max(16, Math.ceil(args.length / 4) * 16)));
  args.forEach((argument, k) => {
    const scalar = argument.scalar && bound[argument.scalar];
    const value = scalar ? scalar.value : evaluate(argument.value);
    if (scalar?.dtype.startsWith('f') || argument.type === 'f32') view.setFloat32(4 * k, value, true);
    else if (value !== (value | 0)) throw new Error(`${value} does not fit into 32 bits`);
    else view.setInt32(4 * k, value, true);
  });
  const uniform = device.createBuffer({
    size: view.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(uniform, 0, view.buffer);
  return uniform;
}

const shaders = {};
const encoder = device.createCommandEncoder();
for (const { kernel, code, grid, when, args } of description.launches) {
  const groups = grid.map(evaluate);
  if ((when !== undefined && !evaluate(when)) || groups.includes(0)) continue;
  const module = (shaders[code] ??= device.createShaderModule({ code: sections[code] }));
  for (const m of (await module.getCompilationInfo()).messages)
    console.error(`${m.type}: ${job.artifact}:${code}:${m.lineNum}: ${m.message}`);
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module, entryPoint: kernel },
  });
  const bindings = args.filter((argument) => argument.buffer);
  const entries = bindings.map((argument, binding) => {
    if (argument.offset) throw new Error('parts of buffers are not bound');
    return { binding, resource: { buffer: buffers[argument.buffer] } };
  });
  const parameters = args.filter((argument) => !argument.buffer);
  // An automatic layout has no place for parameters that nothing reads.
  if (parameters.length && sections[code].includes(`${kernel}_params.`))
    entries.push({ binding: bindings.length, resource: { buffer: makeParameters(parameters) } });
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...groups);
  pass.end();
}
for (const result of written) {
  result.staging = device.createBuffer({
    size: result.buffer.size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  encoder.copyBufferToBuffer(result.buffer, 0, result.staging, 0, result.buffer.size);
}
device.queue.submit([encoder.finish()]);
for (const { file, staging, size } of written) {
  await staging.mapAsync(GPUMapMode.READ);
  writeFileSync(file, new Uint8Array(staging.getMappedRange()).slice(0, size));
}
console.log(adapter.info.description || adapter.info.vendor);
process.exit(process.exitCode ?? 0);
