// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A GPUDevice that records what it is asked, and artifacts for it.

import { hash128 } from '../artifact.js';

export const LIMITS = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
};

export const STORAGE = 0x80;

export class FakeBuffer {
  constructor({ size, usage, label }) {
    Object.assign(this, { size, usage, label, bytes: new Uint8Array(Math.min(size, 2 ** 20)), destroyed: false });
  }
  getMappedRange() { return this.bytes.buffer; }
  unmap() {}
  destroy() { this.destroyed = true; }
}

/** `device.passes` has the dispatches of each pass that was encoded. */
export class FakeDevice {
  constructor({ limits = {}, features = [] } = {}) {
    this.limits = { ...LIMITS, ...limits };
    this.features = new Set(features);
    this.buffers = [];
    this.passes = [];
    this.scopes = 0;
    this.cleared = [];
    this.lost = new Promise((resolve) => { this.lose = (info) => resolve(info); });
    this.queue = {
      writeBuffer: (buffer, at, data) => buffer.bytes.set(data, at),
      submit() {},
    };
  }
  createBuffer(descriptor) {
    const buffer = new FakeBuffer(descriptor);
    this.buffers.push(buffer);
    return buffer;
  }
  /** Errors that nobody asks for are printed: a module is created in a scope. */
  pushErrorScope() { ++this.scopes; }
  async popErrorScope() {
    --this.scopes;
    return null;
  }
  createShaderModule({ code }) {
    if (!this.scopes) throw new Error('a module is created outside of an error scope');
    return { code, getCompilationInfo: async () => ({ messages: [{ type: 'error', lineNum: 3, message: 'no such type' }] }) };
  }
  createBindGroupLayout(descriptor) { return descriptor; }
  createPipelineLayout(descriptor) { return descriptor; }
  async createComputePipelineAsync({ compute }) {
    if (compute.module.code.includes('wrong')) throw new Error('invalid pipeline');
    return { entry: compute.entryPoint };
  }
  createBindGroup(descriptor) { return descriptor; }
  createCommandEncoder() {
    const device = this;
    return {
      copyBufferToBuffer() {},
      clearBuffer: (buffer) => device.cleared.push(buffer),
      beginComputePass() {
        const dispatches = [];
        let pipeline, group, offset;
        device.passes.push(dispatches);
        return {
          setPipeline: (given) => { pipeline = given; },
          setBindGroup: (_, given, [at]) => { group = given; offset = at; },
          dispatchWorkgroups: (...groups) => dispatches.push({
            kernel: pipeline.entry,
            groups,
            entries: group.entries.map(({ resource }) => resource),
            words: new Int32Array(group.entries.at(-1).resource.buffer.bytes.buffer, offset, 24),
          }),
          end() {},
        };
      },
      finish() {},
    };
  }
}

/** A container with these sections. */
export function makeContainer(sections) {
  const encoded = Object.entries(sections).map(([name, content]) =>
    [name, typeof content === 'string' ? new TextEncoder().encode(content) : content]);
  const up = (at) => Math.ceil(at / 64) * 64;
  let at = 48 + 64 * encoded.length;
  const places = encoded.map(([, content]) => { const place = up(at); at = place + content.length; return place; });
  const bytes = new Uint8Array(at), view = new DataView(bytes.buffer);
  bytes.set([0x89, 0x41, 0x54, 0x54, 0x4e, 0x0d, 0x0a, 0x1a]);
  view.setUint32(8, 1, true);
  view.setBigUint64(16, BigInt(at), true);
  view.setUint32(40, encoded.length, true);
  encoded.forEach(([name, content], n) => {
    bytes.set(new TextEncoder().encode(name), 48 + 64 * n);
    view.setBigUint64(96 + 64 * n, BigInt(places[n]), true);
    view.setBigUint64(104 + 64 * n, BigInt(content.length), true);
    bytes.set(content, places[n]);
  });
  if (at > 280) {
    const [low, high] = hash128(bytes.subarray(40));
    view.setBigUint64(24, low, true);
    view.setBigUint64(32, high, true);
  }
  return bytes;
}

export const SHADER = `// k
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: P;
var<workgroup> tile: array<f32, 1024>;
@compute @workgroup_size(32)
fn k(
) {
}
// second
@group(0) @binding(0) var<storage, read_write> z: array<i32>;
@group(0) @binding(1) var<uniform> p2: P;
@compute @workgroup_size(32)
fn second(
) {
}
`;

/** y = k(x, n, c), then second(t), with sizes in all places. */
export function describe(changes = {}) {
  return {
    format: 'attn-artifact', version: 1, target: 'wgsl', chip: 'webgpu', entry: 'f',
    arguments: [
      { name: 'x', kind: 'buffer', dtype: 'f32', shape: ['?', 4], access: 'read', strides: ['?', 1] },
      { name: 'y', kind: 'buffer', dtype: 'f32', shape: ['?', 4], access: 'readwrite' },
      { name: 'n', kind: 'scalar', dtype: 'i64' },
      { name: 'c', kind: 'scalar', dtype: 'f32' },
    ],
    symbols: [{ name: 'rows', expr: ['dim', 'x', 0] }],
    results: [{ name: 'y', dtype: 'f32', shape: [['dim', 'x', 0], 4], argument: 1 }],
    temporaries: [{ name: 't', bytes: ['mul', ['symbol', 'rows'], 4], zero: true }],
    launches: [
      { kernel: 'k', code: 'code/kernels', block: [32, 1, 1], grid: [['ceildiv', ['symbol', 'rows'], 32], 1, 1],
        args: [{ buffer: 'x' }, { value: ['stride', 'x', 0], type: 'i32' }, { scalar: 'n' }, { scalar: 'c' }, { buffer: 'y' }] },
      { kernel: 'second', code: 'code/kernels', block: [32, 1, 1], grid: [1, 1, 1], when: ['lt', 1, ['scalar', 'n']],
        args: [{ buffer: 't' }] },
    ],
    checks: [{ expr: ['le', ['dim', 'x', 0], 1000000], message: 'rule 21: dimension 0 of x is too large',
               values: [{ name: 'size', expr: ['dim', 'x', 0] }] }],
    metrics: { flops: ['mul', ['symbol', 'rows'], 8] },
    ...changes,
  };
}

export function makeArtifact(changes, code = SHADER) {
  return makeContainer({ json: JSON.stringify(describe(changes)), 'code/kernels': code });
}

/** A kernel of WebAssembly for `describe`: y[p] = c * x[p] at each point p. */
export function makeWasm() {
  const name = (text) => [text.length, ...new TextEncoder().encode(text)];
  const section = (id, ...content) => [id, content.length, ...content];
  const element = [0x20, 1, 0xa7, 0x41, 4, 0x6c, 0x6a]; // + 4 * i32.wrap_i64(p)
  const body = [0, 0x20, 0, 0x28, 2, 32, ...element, // slots[4]
    0x20, 0, 0x28, 2, 0, ...element, 0x2a, 2, 0, // f32.load of slots[0]
    0x20, 0, 0x2a, 2, 24, 0x94, 0x38, 2, 0, 0x0b]; // * slots[3], f32.store
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 1, 0x60, 4, 0x7f, 0x7e, 0x7e, 0x7e, 0),
    ...section(2, 1, ...name('env'), ...name('memory'), 2, 0, 1),
    ...section(3, 1, 0),
    ...section(6, 1, 0x7f, 0, 0x41, 0x80, 8, 0x0b),
    ...section(7, 2, ...name('k'), 0, 0, ...name('__heap_base'), 3, 0),
    ...section(10, 1, body.length, ...body)]);
}
