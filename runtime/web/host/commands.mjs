// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a host is asked for (host.mjs lists it), where its device is: in Node, or
// in a page of a browser.

import { loadProgram } from '../index.js';
import { findWasmFeatures } from '../wasm-call.js';

const LIMITS = ['maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize',
                'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX', 'maxStorageBufferBindingSize',
                'maxBufferSize'];
const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];

const ARRAYS = {
  f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, f64: Float64Array, i1: Uint8Array, i8: Int8Array,
  i32: Int32Array, i64: BigInt64Array,
};
const BYTES = { f32: 4, f16: 2, bf16: 2, f64: 8, i1: 1, i8: 1, i32: 4, i64: 8 };

/** New memory of `device` holds NaN, so that who reads what nobody wrote is
 * found out. */
export function poison(device) {
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    if (!descriptor.mappedAtCreation && descriptor.usage & GPUBufferUsage.COPY_DST && descriptor.usage & GPUBufferUsage.STORAGE)
      device.queue.writeBuffer(buffer, 0, new Uint8Array(descriptor.size).fill(0xff));
    return buffer;
  };
}

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

/** The commands of a host. `requestAdapter` is null for one whose device is the
 * processor; `readFile` and `writeFile` are for bytes in files. */
export function makeCommands({ requestAdapter, readFile, writeFile }) {
  let device = null, program, call;

  function bindArgument(argument, { dtype, kind, narrowed }) {
    if (kind === 'scalar') return /^i|index/.test(dtype) ? BigInt(argument.value) : Number(argument.value);
    const bytes = readFile(argument.file), { shape, strides, first } = argument;
    const view = () => new ARRAYS[dtype](new Uint8Array(bytes).buffer);
    if (!requestAdapter) return { data: view(), shape, strides, offset: first * BYTES[dtype] };
    if (narrowed) return { shape, data: gather(view(), argument) };
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

  return {
    async open() {
      if (!requestAdapter) {
        const present = findWasmFeatures();
        return { device: 'processor', features: present.has('relaxed-simd') ? 'wasm32-relaxed' : 'wasm32' };
      }
      const adapter = await requestAdapter();
      const { limits } = adapter;
      device = await adapter.requestDevice({
        requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
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
      program = await loadProgram(device, readFile(file));
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
      return writeFile(file, await call.read(tensor));
    },
  };
}
