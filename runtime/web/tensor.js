// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors in GPUBuffers: types, where elements lie, what may be bound.

import { refuse } from './error.js';

export const DTYPE_BYTES = { f32: 4, f16: 2, bf16: 2, f64: 8, i1: 1, i8: 1, i32: 4, i64: 8 };

export const formatShape = (sizes) => `[${sizes.map((size) => (size === '?' || size < 0 ? '?' : size)).join(',')}]`;

const formatStrides = (strides) => `[${strides.join(',')}]`;

export const countElements = (shape) => shape.reduce((a, b) => a * b, 1);

export function denseStrides(shape) {
  const strides = [];
  for (let axis = shape.length, next = 1; axis-- > 0; next *= shape[axis]) strides[axis] = next;
  return strides;
}

/** The first and the last element of a tensor, from the one with indices 0;
 * null if it has none. */
export function spanOf({ shape, strides }) {
  if (shape.includes(0)) return null;
  const span = { first: 0, last: 0 };
  shape.forEach((size, axis) => {
    const reach = (size - 1) * strides[axis];
    span[reach < 0 ? 'first' : 'last'] += reach;
  });
  return span;
}

/** The bytes of its buffer that a tensor lies in: [begin, end). */
export function rangeOf(tensor) {
  const span = spanOf(tensor);
  if (!span) return null;
  const bytes = DTYPE_BYTES[tensor.dtype];
  return { begin: tensor.offset + span.first * bytes, end: tensor.offset + (span.last + 1) * bytes };
}

export function checkShape(shape, expected, who) {
  const shapes = ` (shape ${formatShape(shape)}, expected ${formatShape(expected)})`;
  if (shape.length !== expected.length)
    refuse(`${who}: rank ${shape.length}, expected ${expected.length} (expected shape ${formatShape(expected)})`);
  expected.forEach((size, axis) => {
    if (size !== '?' && size !== shape[axis])
      refuse(`${who}: dimension ${axis} is ${shape[axis]}, expected ${size}${shapes}`);
  });
}

export function checkBuffer(buffer, who) {
  const STORAGE = 0x80;
  if (typeof buffer?.size !== 'number' || typeof buffer.usage !== 'number')
    refuse(`${who}: expected {buffer: a GPUBuffer, shape, strides?, offset?}`);
  if (!(buffer.usage & STORAGE)) refuse(`${who}: the buffer was not created with GPUBufferUsage.STORAGE`);
}

/** What a caller may say of a tensor, and what a call's own tensors say. */
const FIELDS = ['buffer', 'data', 'shape', 'strides', 'offset', 'dtype', 'written', 'who', 'isCopied'];

/** A misspelt `strides` would be a dense tensor. */
export function checkFields(given, who) {
  for (const name of Object.keys(given))
    if (!FIELDS.includes(name))
      refuse(`${who}: a tensor has no '${name}'; it has ${FIELDS.slice(0, 6).join(', ')}`);
}

/** Shape, strides, offset and dtype of `given` in memory of `memoryBytes`, of
 * which kernels read whole words of `wordBytes`; `written` if they write it. */
export function makeTensor(given, dtype, written, who, memoryBytes, wordBytes) {
  const { shape } = given, offset = given.offset ?? 0;
  if (!Array.isArray(shape)) refuse(`${who}: the shape is missing`);
  if (!Number.isSafeInteger(offset)) refuse(`${who}: the offset ${offset} is no integer`);
  shape.forEach((size, axis) => {
    if (!Number.isSafeInteger(size)) refuse(`${who}: dimension ${axis} is ${size}, which is no integer`);
    if (size < 0) refuse(`${who}: dimension ${axis} has the negative size ${size}`);
  });
  const strides = given.strides ?? denseStrides(shape), bytes = DTYPE_BYTES[dtype];
  if (!Array.isArray(strides)) refuse(`${who}: strides are an array`);
  if (strides.length !== shape.length) refuse(`${who}: ${strides.length} strides for rank ${shape.length}`);
  if (strides.some((stride) => !Number.isSafeInteger(stride))) refuse(`${who}: strides are integers`);
  const tensor = { shape, strides, offset, dtype };
  const range = rangeOf(tensor);
  if (!range) return tensor;
  if (offset % bytes) refuse(`${who}: the offset ${offset} is not a multiple of the ${bytes} bytes of ${dtype}`);
  const end = Math.ceil(range.end / wordBytes) * wordBytes;
  const layout = `(shape ${formatShape(shape)}, strides ${formatStrides(strides)})`;
  if (range.begin < 0 || end > memoryBytes)
    refuse(`${who}: its elements lie in bytes ${range.begin} to ${range.end}` +
           `${end > range.end ? `, in words to ${end}` : ''}, but the buffer has ${memoryBytes} ${layout}`);
  if (!written) return tensor;
  shape.forEach((size, axis) => {
    if (size > 1 && strides[axis] === 0)
      refuse(`${who}: dimension ${axis} of size ${size} has stride 0, but the tensor is written`);
  });
  if (overlapsItself(tensor)) refuse(`${who}: elements share memory, but it is written ${layout}`);
  return tensor;
}

/** Whether strides nest: each steps over all that the smaller ones reach. */
function overlapsItself({ shape, strides }) {
  const steps = shape.map((size, axis) => [Math.abs(strides[axis]), size - 1]).filter(([, last]) => last > 0);
  steps.sort(([a], [b]) => a - b);
  let reach = 0;
  for (const [stride, last] of steps) {
    if (stride <= reach) return true;
    reach += stride * last;
  }
  return false;
}

//===-- Data of the host --------------------------------------------------===//

const ARRAYS = {
  f32: ['Float32Array'], f64: ['Float64Array'], i64: ['BigInt64Array'], i32: ['Int32Array'],
  i8: ['Int8Array'], i1: ['Uint8Array'], f16: ['Float16Array', 'Uint16Array'], bf16: ['Uint16Array'],
};

/** Values of 64 bits as kernels take them; an element that does not fit is an
 * error (rule 8). */
function narrow(data, dtype, shape, who) {
  const refuseElement = (n, value) => {
    const indices = denseStrides(shape).map((stride, axis) => Math.floor(n / stride) % shape[axis]);
    refuse(`${who}: element ${formatShape(indices)} = ${value} does not fit ${dtype === 'i64' ? 'i32' : 'f32'}`);
  };
  if (dtype === 'i64')
    return Int32Array.from(data, (value, n) =>
      (value === BigInt.asIntN(32, value) ? Number(value) : refuseElement(n, value)));
  return Float32Array.from(data, (value, n) =>
    (Number.isFinite(value) && !Number.isFinite(Math.fround(value)) ? refuseElement(n, value) : value));
}

export function checkData(data, dtype, who) {
  if (!ARRAYS[dtype].includes(data?.constructor?.name))
    refuse(`${who}: its data is a ${data?.constructor?.name}, expected ${ARRAYS[dtype].join(' or ')}`);
}

/** An array of the elements of `dtype`. */
export function makeArray(dtype, elements) {
  return new (globalThis[ARRAYS[dtype].at(-1)])(elements);
}

/** Puts a dense array into a buffer of its own, in words. */
export function upload(device, { data, shape, strides }, { name, dtype, narrowed }, who) {
  checkData(data, dtype, who);
  if (strides) refuse(`${who}: data of the host is dense`);
  if (data.length !== countElements(shape))
    refuse(`${who}: its data has ${data.length} elements (shape ${formatShape(shape)})`);
  const values = narrowed ? narrow(data, dtype, shape, who) : data;
  const buffer = device.createBuffer({
    label: name,
    size: Math.max(4, Math.ceil(values.byteLength / 4) * 4),
    usage: 0x80 | 0x8 | 0x4, // STORAGE, COPY_DST, COPY_SRC
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange())
    .set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  buffer.unmap();
  return buffer;
}
