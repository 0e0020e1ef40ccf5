// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call on the processor, where there is no GPU: kernels of WebAssembly, a
// point of the grid after the other.

import { Binding, gatherBytes, scatterBytes } from './binding.js';
import { fail, refuse } from './error.js';
import { checkData, countElements, denseStrides, DTYPE_BYTES, makeArray, makeTensor, rangeOf } from './tensor.js';

const PAGE = 65536, ALIGN = 64, EMPTY_BYTES = 16;

/** What an engine has of the features that code may need. */
const PROBES = {
  // A function of v128.const and of f32x4.relaxed_madd.
  simd128: [0x41, 0x00, 0xfd, 0x0f, 0x1a],
  'relaxed-simd': [0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x85, 0x02, 0x1a],
};

export function findWasmFeatures() {
  if (typeof WebAssembly === 'undefined') return new Set();
  return new Set(Object.keys(PROBES).filter((feature) => {
    const body = [0, ...PROBES[feature], 0x0b];
    return WebAssembly.validate(Uint8Array.from([
      0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, body.length + 2, 1, body.length, ...body]));
  }));
}

/** Compiled kernels and the memory that they work in. */
export async function instantiate(code) {
  const module = await WebAssembly.compile(code);
  // As much as the module declares: its stack and constants.
  for (let pages = 257; ; pages *= 2) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: PAGE });
    try {
      const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
      return { memory, exports };
    } catch (error) {
      if (!(error instanceof WebAssembly.LinkError) || pages * 2 > PAGE) throw error;
    }
  }
}

export class WasmCall extends Binding {
  #engine;
  #indices = [];
  #temporaries = [];

  constructor(program, engine, bound) {
    super(program.description);
    this.#engine = engine;
    this.prepare(bound);
    for (const { name, bytes, align = ALIGN, zero } of this.description.temporaries) {
      const size = Number(bytes(this));
      if (size < 0) refuse(`temporary '${name}' would have ${size} bytes`);
      this.#temporaries.push({ name, size, align, zero });
    }
    this.steps = this.getSteps();
  }

  //===-- Tensors and checks ------------------------------------------------===//

  makeTensor(value, { dtype }, written, who) {
    const { data } = value;
    checkData(data, dtype, who);
    return { data, ...makeTensor(value, dtype, written, who, data.byteLength, 1) };
  }

  makeResult({ dtype }, shape) { return { shape, data: makeArray(dtype, countElements(shape)) }; }

  get canCopy() { return true; }

  isSameMemory(one, other) { return one.data.buffer === other.data.buffer; }

  /** Arrays may be views of one buffer. */
  placeOf(tensor) {
    const range = rangeOf(tensor), { byteOffset } = tensor.data;
    return range && { begin: byteOffset + range.begin, end: byteOffset + range.end };
  }

  threads() { return 1; }
  index(loop) { return this.#indices[loop]; }
  /** An integer of an argument, for a check. */
  load(name, distance) {
    const tensor = this.tensor(name), { data, offset, who, dtype, shape } = tensor;
    let position = Number(distance);
    if (tensor.isCopied) {
      const steps = denseStrides(shape);
      position = shape.reduce((sum, size, axis) =>
        sum + (Math.floor(Number(distance) / steps[axis]) % size) * tensor.strides[axis], 0);
    }
    const at = offset / DTYPE_BYTES[dtype] + position;
    if (!(at >= 0 && at < data.length))
      refuse(`a check asks for element ${distance} from the first of ${who}, which lies outside of it`);
    return BigInt(data[at]);
  }

  /** What buffers hold may change from run to run. */
  #checkContents(check) {
    const visit = (depth) => {
      if (depth === check.loops.length) {
        this.require(check);
        return;
      }
      const extent = check.loops[depth](this);
      for (this.#indices[depth] = 0n; this.#indices[depth] < extent; ++this.#indices[depth]) visit(depth + 1);
    };
    visit(0);
  }

  //===-- Running -----------------------------------------------------------===//

  /** Lays tensors and temporaries out behind the code's own memory. */
  #layOut() {
    const { memory, exports } = this.#engine, places = new Map();
    let end = exports.__heap_base.value;
    const reserve = (bytes, align = ALIGN) => {
      const begin = Math.ceil(end / align) * align;
      end = begin + Math.max(bytes, EMPTY_BYTES);
      return begin;
    };
    for (const [name, tensor] of this.tensors) {
      const range = rangeOf(tensor);
      let bytes = range ? range.end - range.begin : 0;
      if (tensor.isCopied) bytes = countElements(tensor.shape) * DTYPE_BYTES[tensor.dtype];
      const begin = reserve(bytes);
      places.set(name, { begin, bytes, first: range && !tensor.isCopied ? begin + tensor.offset - range.begin : begin });
    }
    for (const { name, size, align } of this.#temporaries) {
      const begin = reserve(size, align);
      places.set(name, { begin, bytes: size, first: begin });
    }
    const words = Math.max(0, ...this.steps.map(({ launch }) => launch.args.length)) + 3;
    const slots = reserve(8 * words);
    const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
    try {
      if (missing > 0) memory.grow(missing);
    } catch (cause) {
      fail('OUT_OF_MEMORY', `no memory for a call of ${end} bytes`, { cause });
    }
    return { places, slots };
  }

  #copyIn(places) {
    const { memory } = this.#engine;
    for (const [name, tensor] of this.tensors) {
      const { begin, bytes } = places.get(name), target = new Uint8Array(memory.buffer, begin, Math.max(bytes, EMPTY_BYTES));
      if (!bytes) target.fill(0);
      else target.set(tensor.isCopied ? gatherBytes(tensor, bytesOf(tensor), rangeOf(tensor).begin) : bytesOf(tensor));
    }
    for (const { name, size, zero } of this.#temporaries)
      if (zero) new Uint8Array(memory.buffer, places.get(name).begin, size).fill(0);
  }

  #writeSlot(view, at, argument, places) {
    if (argument.kind === 'buffer') {
      const { buffer, offset } = argument;
      const result = this.description.results.find(({ name, argument: owner }) => name === buffer && owner !== undefined);
      const place = places.get(buffer) ?? places.get(this.description.arguments[result.argument].name);
      view.setBigUint64(at, BigInt(place.first + (offset && place.bytes ? Number(offset(this)) : 0)), true);
      return;
    }
    view.setBigInt64(at, 0n, true);
    if (argument.kind === 'scalar') {
      const value = this.scalar(argument.scalar), dtype = this.dtypeOf(argument.scalar);
      if (dtype === 'f32') view.setFloat32(at, value, true);
      else if (dtype === 'f64') view.setFloat64(at, value, true);
      else view.setBigInt64(at, value, true);
      return;
    }
    const value = argument.compute(this);
    if (argument.type === 'f32') view.setFloat32(at, Number(value), true);
    else view.setBigInt64(at, value, true);
  }

  /** Computes, and leaves what is written in the arrays that were bound. */
  async run() {
    for (const check of this.description.checks) if (check.loops) this.#checkContents(check);
    const { places, slots } = this.#layOut(), { memory, exports } = this.#engine;
    this.#copyIn(places);
    for (const { launch, grid } of this.steps) {
      const view = new DataView(memory.buffer);
      launch.args.forEach((argument, k) => this.#writeSlot(view, slots + 8 * k, argument, places));
      const kernel = exports[launch.kernel];
      for (let z = 0n; z < grid[2]; ++z)
        for (let y = 0n; y < grid[1]; ++y)
          for (let x = 0n; x < grid[0]; ++x) kernel(slots, x, y, z);
    }
    for (const [name, tensor] of this.tensors) {
      const { begin, bytes } = places.get(name);
      if (!tensor.written || !bytes) continue;
      const computed = new Uint8Array(memory.buffer, begin, bytes);
      if (tensor.isCopied) scatterBytes(tensor, computed, bytesOf(tensor), rangeOf(tensor).begin);
      else bytesOf(tensor).set(computed);
    }
  }

  encode() {
    fail('UNSUPPORTED_DEVICE', 'the program runs on the processor, which takes no commands: use run()');
  }

  /** The elements of a tensor, dense, as bytes. */
  async read(tensor) {
    const range = rangeOf(tensor);
    return range ? gatherBytes(tensor, bytesOf(tensor), range.begin) : new Uint8Array();
  }

  get allocatedBytes() { return this.#temporaries.reduce((sum, { size }) => sum + size, 0); }

  destroy() {}
}

/** The bytes of the array that a tensor lies in. */
function bytesOf(tensor) {
  const { begin, end } = rangeOf(tensor);
  // An array that was sent elsewhere since then has none.
  if (begin < 0 || end > tensor.data.byteLength)
    refuse(`${tensor.who}: its elements lie in bytes ${begin} to ${end}, but the array has ${tensor.data.byteLength} now`);
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset + begin, end - begin);
}
