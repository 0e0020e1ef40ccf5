// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call on a GPUDevice: buffers, parameters and dispatches (docs/artifact.md).

import { Binding, gatherBytes } from './binding.js';
import { fail, refuse } from './error.js';
import { checkBuffer, DTYPE_BYTES, makeTensor, rangeOf, upload } from './tensor.js';

const USAGE = { copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 };
const MAX_INT = 2n ** 31n - 1n;
/** The number of the first group and the extents of the grid. */
const GRID_FIELDS = 6;

export class GpuCall extends Binding {
  #program;
  #kernels;
  #owned = [];
  #clears = [];
  #dispatches = [];
  #uniforms = null;

  constructor(program, kernels, bound) {
    super(program.description);
    this.#program = program;
    this.#kernels = kernels;
    try {
      this.prepare(bound);
      this.#allocateTemporaries();
      this.#plan();
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  get #device() { return this.#program.device; }

  #createBuffer(label, bytes, usage) {
    const { maxBufferSize } = this.#device.limits;
    if (bytes > maxBufferSize)
      fail('OUT_OF_MEMORY', `'${label}' needs ${bytes} bytes; a buffer of the device has at most ${maxBufferSize}`);
    const buffer = this.#device.createBuffer({ label, size: Math.max(16, Math.ceil(bytes / 4) * 4), usage });
    this.#owned.push(buffer);
    return buffer;
  }

  //===-- Tensors -----------------------------------------------------------===//

  makeTensor(value, { name, dtype, narrowed }, written, who) {
    let given = value;
    if (value.data) {
      const buffer = upload(this.#device, value, { name, dtype, narrowed }, who);
      this.#owned.push(buffer);
      given = { buffer, shape: value.shape };
    } else {
      checkBuffer(value.buffer, who);
      // Whoever binds a GPUBuffer for 64 bits has values of 32 in it.
      if (narrowed && value.dtype !== narrowed)
        refuse(`${who}: kernels take ${dtype} as ${narrowed}: bind {data}, or a buffer that holds ${narrowed} ` +
               `with dtype: '${narrowed}'`);
    }
    // Kernels read whole words.
    return { buffer: given.buffer, ...makeTensor(given, narrowed ?? dtype, written, who, given.buffer.size, 4) };
  }

  makeResult({ name }, shape, bytes) {
    return { shape, buffer: this.#createBuffer(name, bytes, USAGE.storage | USAGE.copySource | USAGE.copyTarget) };
  }

  /** The host sees no buffers. */
  get canCopy() { return false; }

  isSameMemory(one, other) { return one.buffer === other.buffer; }

  /** A buffer for each: WebGPU binds one for reading or for writing. */
  #allocateTemporaries() {
    for (const { name, bytes, zero } of this.description.temporaries) {
      const size = Number(bytes(this));
      if (size < 0) refuse(`temporary '${name}' would have ${size} bytes`);
      const buffer = this.#createBuffer(name, size, USAGE.storage | USAGE.copyTarget | USAGE.copySource);
      this.tensors.set(name, { buffer, shape: [buffer.size], strides: [1], offset: 0 });
      if (zero) this.#clears.push(buffer);
    }
  }

  //===-- Dispatches --------------------------------------------------------===//

  /** The part of its buffer that holds a launch's buffer, from where the device
   * binds it, and the distance in elements of its first element from there. */
  #bindBuffer(argument, kernel) {
    const { tensor, skipped } = this.resolveBuffer(argument);
    const who = `'${argument.buffer}', which the kernel '${kernel}' gets,`;
    const align = this.#device.limits.minStorageBufferOffsetAlignment;
    // Of temporaries kernels alone know the elements.
    const element = tensor.dtype ? DTYPE_BYTES[tensor.dtype] : 0;
    const range = element ? rangeOf(tensor) : { begin: skipped, end: tensor.buffer.size };
    const first = tensor.offset + skipped;
    if (!range || range.begin >= range.end || (element && (first < range.begin || first >= range.end)))
      return { buffer: this.#createBuffer('empty', 16, USAGE.storage), offset: 0, size: 16, base: 0, who };
    if (!element && skipped % align)
      fail('MALFORMED_ARTIFACT', `malformed artifact: ${who} starts ${skipped} bytes into a temporary; ` +
           `the device binds multiples of ${align}`);
    const offset = Math.floor(range.begin / align) * align;
    const size = Math.ceil((range.end - offset) / 4) * 4;
    const most = this.#device.limits.maxStorageBufferBindingSize;
    if (size > most)
      refuse(`${who} spans ${size} bytes; the device binds at most ${most} (maxStorageBufferBindingSize)`);
    if (element && size / element > Number(MAX_INT))
      refuse(`${who} spans ${Math.floor(size / element)} elements; kernels count up to 2^31 - 1`);
    // Whether all rows begin at multiples of four elements.
    const isAligned = element > 0 && (first / element) % 4 === 0 && tensor.strides.at(-1) === 1 &&
      tensor.strides.slice(0, -1).every((stride) => stride % 4 === 0);
    return { buffer: tensor.buffer, offset, size, base: element ? (first - offset) / element : 0, who, isAligned };
  }

  /** The 32 bits of an argument that is no buffer, written at `at`. */
  #writeWord(view, at, argument) {
    const isScalar = argument.kind === 'scalar';
    const value = isScalar ? this.scalar(argument.scalar) : argument.compute(this);
    if (argument.type === 'f32' || typeof value === 'number') {
      view.setFloat32(at, Number(value), true);
      return;
    }
    if (value !== BigInt.asIntN(32, value))
      refuse(`${argument.who} = ${value} does not fit the 32 bits that kernels on ` +
             'WebGPU count with');
    if (argument.multiple && value % BigInt(argument.multiple))
      refuse(`${argument.path} = ${value} is no multiple of ${argument.multiple}, as the kernel needs it to copy ` +
             'elements together');
    view.setInt32(at, Number(value), true);
  }

  /** WebGPU takes a buffer for reading or for writing in a dispatch. */
  #checkBindings(bindings, access) {
    bindings.forEach((one, n) => {
      if (access[n] === 'read') return;
      bindings.forEach((other, k) => {
        if (k === n || one.buffer !== other.buffer) return;
        if (access[k] === 'read')
          refuse(`${one.who} is written and lies in the buffer of ${other.who} which is read; WebGPU takes a buffer ` +
                 'for one of both in a dispatch: use another buffer');
        if (one.offset < other.offset + other.size && other.offset < one.offset + one.size)
          refuse(`${one.who} and ${other.who} are written within the same 256 bytes that WebGPU binds: ` +
                 'use another buffer');
      });
    });
  }

  #plan() {
    const { maxComputeWorkgroupsPerDimension: most, minUniformBufferOffsetAlignment: align } = this.#device.limits;
    const blocks = [];
    let bytes = 0;
    for (const { n, launch, grid: extents } of this.getSteps()) {
      const tooLarge = extents.find((extent) => extent > MAX_INT);
      if (tooLarge)
        refuse(`the grid of the kernel '${launch.kernel}' would have ${tooLarge} workgroups in a dimension; ` +
               'kernels count up to 2^31 - 1');
      const grid = extents.map(Number), bindings = [];
      let kernel = this.#kernels[n];
      const words = new DataView(new ArrayBuffer(Math.ceil((GRID_FIELDS + launch.args.length) / 4) * 16));
      launch.args.forEach((argument, k) => {
        const at = 4 * (GRID_FIELDS + k);
        if (argument.kind !== 'buffer') {
          this.#writeWord(words, at, argument);
          return;
        }
        const binding = this.#bindBuffer(argument, launch.kernel);
        bindings.push(binding);
        words.setUint32(at, binding.base, true);
      });
      this.#checkBindings(bindings, kernel.access);
      if (!kernel.vectors.every((binding) => bindings[binding].isAligned)) kernel = kernel.plain();
      grid.forEach((extent, axis) => words.setInt32(4 * (3 + axis), extent, true));
      // A grid beyond the limit is several dispatches.
      for (let z = 0; z < grid[2]; z += most)
        for (let y = 0; y < grid[1]; y += most)
          for (let x = 0; x < grid[0]; x += most) {
            [x, y, z].forEach((first, axis) => words.setInt32(4 * axis, first, true));
            blocks.push({ at: bytes, words: new Uint8Array(words.buffer.slice(0)) });
            this.#dispatches.push({
              kernel, bindings, at: bytes, bytes: words.byteLength,
              groups: [grid[0] - x, grid[1] - y, grid[2] - z].map((extent) => Math.min(extent, most)),
            });
            bytes += Math.ceil(words.byteLength / align) * align;
          }
    }
    if (bytes === 0) return;
    this.#uniforms = this.#createBuffer('parameters', bytes, USAGE.uniform | USAGE.copyTarget);
    const data = new Uint8Array(bytes);
    for (const { at, words } of blocks) data.set(words, at);
    this.#device.queue.writeBuffer(this.#uniforms, 0, data);
    this.#createGroups();
  }

  /** Dispatches of one launch share a bind group. */
  #createGroups() {
    const groups = new Map();
    for (const dispatch of this.#dispatches) {
      const { kernel, bindings } = dispatch;
      if (!groups.has(bindings)) {
        const entries = bindings.map(({ buffer, offset, size }, binding) =>
          ({ binding, resource: { buffer, offset, size } }));
        entries.push({ binding: bindings.length, resource: { buffer: this.#uniforms, size: dispatch.bytes } });
        groups.set(bindings, this.#device.createBindGroup({ layout: kernel.group, entries }));
      }
      dispatch.group = groups.get(bindings);
    }
  }

  /** Bytes of memory that the call allocated beside what was bound. */
  get allocatedBytes() { return this.#owned.reduce((sum, { size }) => sum + size, 0); }

  /** Adds the computation to the caller's encoder; `pass` as beginComputePass
   * takes it. May be called again. */
  encode(encoder, pass = {}) {
    this.#program.checkDevice();
    for (const buffer of this.#clears) encoder.clearBuffer(buffer);
    const compute = encoder.beginComputePass({ label: this.description.entry, ...pass });
    for (const { kernel, group, at, groups } of this.#dispatches) {
      compute.setPipeline(kernel.pipeline);
      compute.setBindGroup(0, group, [at]);
      compute.dispatchWorkgroups(...groups);
    }
    compute.end();
  }

  /** Encodes and submits; what the device says of it is an error. */
  async run() {
    const device = this.#device;
    this.#program.checkDevice();
    const scopes = ['out-of-memory', 'internal', 'validation'];
    scopes.forEach((filter) => device.pushErrorScope(filter));
    let asked;
    try {
      const encoder = device.createCommandEncoder();
      this.encode(encoder);
      device.queue.submit([encoder.finish()]);
    } finally {
      asked = scopes.map(() => device.popErrorScope().catch((error) => error));
    }
    const error = (await Promise.all(asked)).find((found) => found);
    // A device that was lost meanwhile reports no error.
    this.#program.checkDevice();
    if (error) fail('DEVICE_ERROR', error.message, { cause: error });
  }

  /** The elements of a tensor that was created with COPY_SRC, dense. */
  async read(tensor) {
    this.#program.checkDevice();
    const range = rangeOf(tensor);
    if (!range) return new Uint8Array();
    if (!(tensor.buffer.usage & USAGE.copySource))
      refuse(`${tensor.who}: the buffer was not created with GPUBufferUsage.COPY_SRC, and cannot be read`);
    const begin = Math.floor(range.begin / 4) * 4, bytes = Math.ceil((range.end - begin) / 4) * 4;
    const staging = this.#device.createBuffer({ size: bytes, usage: 0x1 | USAGE.copyTarget }); // MAP_READ
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, begin, staging, 0, bytes);
    this.#device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(1);
    } catch (error) {
      staging.destroy();
      this.#program.checkDevice();
      fail('DEVICE_ERROR', error.message, { cause: error });
    }
    const dense = gatherBytes(tensor, new Uint8Array(staging.getMappedRange()), begin);
    staging.destroy();
    return dense;
  }

  /** Frees what the call allocated; results that were not bound go with it. */
  destroy() {
    this.#owned.forEach((buffer) => buffer.destroy());
    this.#owned = [];
  }
}
