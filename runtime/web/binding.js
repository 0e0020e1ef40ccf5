// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is bound for one call, checked, and what expressions ask of it. Devices
// add where tensors lie and how kernels run.

import { fail, refuse } from './error.js';
import { checkFields, checkShape, countElements, denseStrides, DTYPE_BYTES, rangeOf, spanOf } from './tensor.js';

const SCALARS = { i1: [0n, 1n], i8: [-128n, 127n], i32: [-(2n ** 31n), 2n ** 31n - 1n] };
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n];

export class Binding {
  /** Results in the order of the function, as tensor() gives them. */
  results = [];
  tensors = new Map();
  scalars = new Map();
  symbols = new Map();

  constructor(description) {
    this.description = description;
  }

  //===-- What expressions ask ----------------------------------------------===//

  dim(name, axis) { return this.tensors.get(name).shape[axis]; }
  stride(name, axis) {
    const tensor = this.tensors.get(name);
    // Never stepped along, so that any number may be bound.
    if (tensor.shape[axis] <= 1 || tensor.shape.includes(0)) return 0;
    return (tensor.isCopied ? denseStrides(tensor.shape) : tensor.strides)[axis];
  }
  scalar(name) { return this.scalars.get(name); }
  symbol(name) {
    const known = this.symbols.get(name);
    if (typeof known !== 'function') return known;
    // Computed where it is used: what fails elsewhere does not matter.
    const value = known(this);
    this.symbols.set(name, value);
    return value;
  }

  /** An argument or result that is no scalar: {shape, strides, offset, dtype}
   * and the buffer or data that it lies in. */
  tensor(name) {
    if (!this.tensors.has(name)) fail('NOT_FOUND', `there is no tensor '${name}'`);
    return this.tensors.get(name);
  }

  /** A named quantity of the artifact, such as `flops`. */
  metric(name) {
    const compute = this.description.metrics[name];
    if (!compute)
      fail('NOT_FOUND', `the artifact has no metric '${name}'; it has: ` +
           (Object.keys(this.description.metrics).join(', ') || 'none'));
    return Number(compute(this));
  }

  //===-- Arguments, results, checks ----------------------------------------===//

  /** Devices give makeTensor(given, declared, written, who), a tensor in memory
   * that kernels reach, makeResult(result, shape), one in new memory, and
   * isSameMemory(tensor, other); and they say whether a tensor whose strides the
   * code does not take is copied into a dense one, and back (canCopy). */
  prepare(bound) {
    const given = this.nameAll(bound);
    this.description.arguments.forEach((argument, n) => {
      const who = `argument ${n} '${argument.name}'`;
      const value = given.get(argument.name);
      if (value === undefined || value === null) refuse(`${who} is not set`);
      if (argument.kind === 'scalar') this.setScalar(argument, value, who);
      else this.setArgument(argument, value, who);
    });
    for (const { name, compute } of this.description.symbols) this.symbols.set(name, compute);
    const { checks, results } = this.description;
    for (const check of checks) if (!check.loops && !check.asksResults) this.require(check);
    results.forEach((result, n) => this.setResult(result, n, given.get(result.name)));
    for (const check of checks) if (!check.loops && check.asksResults) this.require(check);
    this.checkOverlaps();
  }

  /** Entries by name; a name that the program does not have is an error. */
  nameAll(bound) {
    const names = this.description.arguments.map(({ name }) => name);
    const own = this.description.results.filter(({ argument }) => argument === undefined);
    if (typeof bound !== 'object' || !bound) refuse(`bind takes ${names.join(', ')} by name, or an array of them`);
    if (Array.isArray(bound)) {
      if (bound.length > names.length + own.length)
        refuse(`${bound.length} are bound: the program has ${names.length} arguments`);
      return new Map(bound.map((value, n) => [[...names, ...own.map(({ name }) => name)][n], value]));
    }
    for (const name of Object.keys(bound))
      if (!names.includes(name) && !own.some((result) => result.name === name))
        refuse(`there is no argument '${name}': the program has ${names.join(', ')}`);
    return new Map(Object.entries(bound));
  }

  setScalar({ name, dtype }, value, who) {
    if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean')
      refuse(`${who} is a scalar, not a buffer`);
    if (dtype === 'f32' || dtype === 'f64') {
      const number = Number(value);
      if (Number.isFinite(number) && !Number.isFinite(Math.fround(number))) refuse(`${who}: ${value} does not fit f32`);
      this.scalars.set(name, number);
      return;
    }
    if (typeof value === 'number' && !Number.isInteger(value)) refuse(`${who}: ${value} does not fit ${dtype}`);
    const integer = BigInt(value), [low, high] = SCALARS[dtype] ?? INT64;
    if (integer < low || integer > high) refuse(`${who}: ${integer} does not fit ${dtype}`);
    this.scalars.set(name, integer);
  }

  setArgument(argument, value, who) {
    if (typeof value !== 'object') refuse(`${who} is a buffer, not a scalar`);
    const { dtype, narrowed, name } = argument, written = argument.access !== 'read';
    if (value.dtype && value.dtype !== dtype && value.dtype !== narrowed)
      refuse(`${who}: dtype ${value.dtype}, expected ${dtype}`);
    if (!Array.isArray(value.shape)) refuse(`${who}: the shape is missing`);
    checkFields(value, who);
    checkShape(value.shape, argument.shape, who);
    const tensor = { ...this.makeTensor(value, argument, written, who), written, who };
    this.fitStrides(tensor, argument.strides ?? []);
    this.tensors.set(name, tensor);
  }

  /** Makes sure that kernels get the strides that they need. */
  fitStrides(tensor, needed) {
    const { shape, who } = tensor;
    const findMisfit = (strides) =>
      needed.findIndex((stride, axis) => stride !== '?' && shape[axis] > 1 && strides[axis] !== stride);
    const axis = findMisfit(tensor.strides);
    if (axis < 0 || !spanOf(tensor)) return;
    tensor.isCopied = this.canCopy && findMisfit(denseStrides(shape)) < 0;
    if (!tensor.isCopied)
      refuse(`${who}: rule 1: the code needs stride ${needed[axis]} in dimension ${axis} (stride = ${tensor.strides[axis]})`);
  }

  require({ holds, message, values }) {
    if (holds(this)) return;
    const found = values.map(({ name, compute }) => `${name} = ${compute(this)}`).join(', ');
    refuse(message + (found ? ` (${found})` : ''));
  }

  setResult(result, n, given) {
    const who = `result ${n} '${result.name}'`;
    const shape = result.shape.map((size, axis) => {
      const value = size(this);
      if (value < 0n) refuse(`${who}: dimension ${axis} would have the negative size ${value}`);
      return Number(value);
    });
    const owner = this.description.arguments[result.argument];
    if (owner) {
      checkShape(this.tensors.get(owner.name).shape, shape, `argument ${result.argument} '${owner.name}'`);
      this.results.push(this.tensors.get(owner.name));
      return;
    }
    if (given && given.dtype && given.dtype !== result.dtype)
      refuse(`${who}: dtype ${given.dtype}, expected ${result.dtype}`);
    if (given) checkFields(given, who);
    const value = given ?? this.makeResult(result, shape, countElements(shape) * DTYPE_BYTES[result.dtype]);
    const tensor = { ...this.makeTensor(value, result, true, who), written: true, who };
    checkShape(tensor.shape, shape, who);
    if (result.dense) this.fitStrides(tensor, denseStrides(shape));
    this.tensors.set(result.name, tensor);
    this.results.push(tensor);
  }

  /** The bytes that a tensor takes of the memory that isSameMemory compares. */
  placeOf(tensor) { return rangeOf(tensor); }

  /** What is written shares memory with nothing else. */
  checkOverlaps() {
    const tensors = [...this.tensors.values()].map((tensor) => ({ tensor, range: this.placeOf(tensor) }));
    for (const one of tensors)
      for (const other of tensors)
        if (one !== other && one.tensor.written && one.range && other.range &&
            this.isSameMemory(one.tensor, other.tensor) &&
            one.range.begin < other.range.end && other.range.begin < one.range.end)
          refuse(`${one.tensor.who}, which is written, shares memory with ${other.tensor.who}`);
  }

  //===-- Launches ----------------------------------------------------------===//

  /** The launches that these sizes need, with their grids. */
  getSteps() {
    const steps = [];
    this.description.launches.forEach((launch, n) => {
      if (launch.when && !launch.when(this)) return;
      const grid = launch.grid.map((extent, axis) => {
        const value = extent(this);
        if (value < 0n) refuse(`$.launches[${n}].grid[${axis}]: the grid would have ${value} points`);
        return value;
      });
      if (grid.includes(0n)) return;
      if (!launch.code)
        fail('NOT_FOUND', `the artifact holds no code of the kernel '${launch.kernel}', which these sizes need: it was ` +
             'compiled for others first');
      steps.push({ n, launch, grid });
    });
    return steps;
  }

  /** The tensor behind a launch's buffer, and how many bytes it is given later. */
  resolveBuffer({ buffer, offset }) {
    const result = this.description.results.find(({ name, argument }) => name === buffer && argument !== undefined);
    const name = this.tensors.has(buffer) ? buffer : this.description.arguments[result.argument].name;
    return { tensor: this.tensors.get(name), skipped: offset ? Number(offset(this)) : 0 };
  }

  /** The dtype of a scalar among the arguments. */
  dtypeOf(scalar) {
    return this.description.arguments.find(({ name }) => name === scalar).dtype;
  }
}

/** Visits the elements of a tensor in row-major order: their numbers, and where
 * they lie in bytes that begin at `begin`. */
function walk({ shape, strides, offset, dtype }, begin, visit) {
  const size = DTYPE_BYTES[dtype], steps = denseStrides(shape);
  for (let n = 0; n < countElements(shape); ++n)
    visit(n * size, offset - begin + size *
      shape.reduce((sum, extent, axis) => sum + (Math.floor(n / steps[axis]) % extent) * strides[axis], 0), size);
}

/** The elements of a tensor, dense: `bytes` begin where `begin` is. */
export function gatherBytes(tensor, bytes, begin) {
  const dense = new Uint8Array(countElements(tensor.shape) * DTYPE_BYTES[tensor.dtype]);
  walk(tensor, begin, (to, from, size) => dense.set(bytes.subarray(from, from + size), to));
  return dense;
}

export function scatterBytes(tensor, dense, bytes, begin) {
  walk(tensor, begin, (from, to, size) => bytes.set(dense.subarray(from, from + size), to));
}
