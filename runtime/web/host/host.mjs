// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs artifacts for attn-run and attn-test: host.mjs webgpu, or host.mjs wasm.
// A JSON object a line in, one out; tensors are files.
//
//   {"open": true}                -> {"device", "features"}, limits as chips have them
//   {"load": "F.attn"}            -> {"reason"}
//   {"bind": [ARGUMENT, ...]}     -> {"results": [[1, 8, 100], ...], "bytes": 0}
//     ARGUMENT: {"file", "shape", "strides", "first"} in elements, or {"value"}
//   {"launch": true}              -> {}
//   {"read": {"argument" or "result": 0, "file"}} -> {}, dense, to a file
//
// What goes wrong is {"error": "..."}. WebGPU is Dawn, or with ATTN_WEBGPU=wgpu in
// the environment wgpu.

import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { loadProgram } from '../index.js';
import { findWasmFeatures } from '../wasm-call.js';
import { poison, requestAdapter as requestDawn } from './dawn.mjs';
import { requestAdapter as requestWgpu } from './wgpu.mjs';

const isWasm = process.argv[2] === 'wasm';
let device = null, program, call;

const LIMITS = ['maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize',
                'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX', 'maxStorageBufferBindingSize',
                'maxBufferSize'];

const ARRAYS = {
  f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, f64: Float64Array, i1: Uint8Array, i8: Int8Array,
  i32: Int32Array, i64: BigInt64Array,
};
const BYTES = { f32: 4, f16: 2, bf16: 2, f64: 8, i1: 1, i8: 1, i32: 4, i64: 8 };

/** The elements of a strided block in row-major order. */
function gather(block, { shape, strides, first }) {
  const dense = new block.constructor(shape.reduce((a, b) => a * b, 1));
  let n = 0;
  const visit = (axis, at) => {
    if (axis === shape.length) dense[n++] = block[at];
    else for (let i = 0; i < shape[axis]; ++i) visit(axis + 1, at + i * strides[axis]);
  };
  visit(0, first);
  return dense;
}

function bindArgument(argument, { dtype, kind, narrowed }) {
  if (kind === 'scalar') return /^i|index/.test(dtype) ? BigInt(argument.value) : Number(argument.value);
  const bytes = readFileSync(argument.file), { shape, strides, first } = argument;
  if (isWasm) {
    const data = new ARRAYS[dtype](new Uint8Array(bytes).buffer);
    return { data, shape, strides, offset: first * BYTES[dtype] };
  }
  if (narrowed) return { shape, data: gather(new ARRAYS[dtype](new Uint8Array(bytes).buffer), argument) };
  // Tensors begin anywhere in their buffers.
  const lead = 4 * BYTES[dtype];
  const buffer = device.createBuffer({
    size: Math.ceil((lead + bytes.length) / 4) * 4,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  const padded = new Uint8Array(buffer.size - lead);
  padded.set(bytes);
  device.queue.writeBuffer(buffer, lead, padded);
  return { buffer, shape, strides, offset: lead + first * BYTES[dtype], dtype };
}

const commands = {
  async open() {
    if (isWasm) {
      const present = findWasmFeatures();
      return { device: 'processor', features: present.has('relaxed-simd') ? 'wasm32-relaxed' : 'wasm32' };
    }
    const adapter = await (process.env.ATTN_WEBGPU === 'wgpu' ? requestWgpu() : requestDawn());
    const { limits } = adapter;
    device = await adapter.requestDevice({
      requiredFeatures: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'].filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, limits[limit]])),
    });
    poison(device);
    return {
      device: adapter.info.description || adapter.info.vendor,
      features: `storageBuffers=${limits.maxStorageBuffersPerShaderStage},` +
        `threads=${limits.maxComputeInvocationsPerWorkgroup},workgroupBytes=${limits.maxComputeWorkgroupStorageSize},` +
        `f16=${Number(device.features.has('shader-f16'))},` +
        `subgroup=${device.features.has('subgroups') ? adapter.info.subgroupMinSize : 0}`,
    };
  },
  async load(file) {
    program = await loadProgram(device, readFileSync(file));
    return { reason: program.reason };
  },
  bind(bound) {
    call?.destroy();
    call = program.bind(bound.map((argument, n) => bindArgument(argument, program.arguments[n])));
    return { results: call.results.map(({ shape }) => shape), bytes: call.allocatedBytes };
  },
  async launch() {
    await call.run();
    await device?.queue.onSubmittedWorkDone();
  },
  async read({ argument, result, file }) {
    const tensor = result === undefined ? call.tensor(program.arguments[argument].name) : call.results[result];
    writeFileSync(file, await call.read(tensor));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [[command, operand]] = Object.entries(JSON.parse(line));
  let reply;
  try {
    reply = (await commands[command](operand)) ?? {};
  } catch (error) {
    reply = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
// Dawn's threads would keep the process.
process.exit(0);
