// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times artifacts through Dawn on a GPU, and compares rows of their outputs with
// sums in float64:
//
//   node gpu.mjs FOLDER [--seconds N] [--only TEXT] [--toggles NAME,NAME]
//
// FOLDER is what gpu.py writes: artifacts, and cases.json. Prints a JSON object
// a line: microseconds of the GPU by timestamps around the compute pass, and by
// the clock over many passes and one wait.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { requestAdapter } from '../../runtime/web/host/dawn.mjs';
import { loadProgram } from '../../runtime/web/index.js';

const argument = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const folder = process.argv[2], seconds = Number(argument('--seconds', '0.3'));
const only = new RegExp(argument('--only', '')), toggles = argument('--toggles', '');

const adapter = await requestAdapter(['backend=vulkan', 'disable-dawn-features=timestamp_quantization',
                                      ...(toggles ? [`enable-dawn-features=${toggles}`] : [])]);
const { limits } = adapter, requiredLimits = {};
for (const limit in limits)
  if (typeof limits[limit] === 'number') requiredLimits[limit] = limits[limit];
const device = await adapter.requestDevice({ requiredFeatures: [...adapter.features], requiredLimits });
console.log(JSON.stringify({ device: adapter.info.description || adapter.info.vendor, toggles,
                             features: [...adapter.features].sort() }));

//===-- Numbers ---------------------------------------------------------------//

const bits = new Uint32Array(1), float = new Float32Array(bits.buffer);

/** The bits of the f16 nearest to a number that is normal as one, or 0. */
function toHalf(x) {
  float[0] = x;
  const sign = (bits[0] >>> 16) & 0x8000, rest = (bits[0] & 0x7fffffff) - (112 << 23);
  if (rest < 0x800000) return sign;
  return sign | ((rest + 0xfff + ((rest >>> 13) & 1)) >>> 13);
}
function fromHalf(half) {
  const sign = half & 0x8000 ? -1 : 1, exponent = (half >> 10) & 31, mantissa = half & 1023;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + mantissa / 1024) : 2 ** -24 * mantissa);
}

let state = 12345;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state + 0.5) / 2 ** 32;
};
const normals = Float32Array.from({ length: 1000003 }, () =>
  Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
const halves = Uint16Array.from(normals, toHalf), rounded = Float32Array.from(halves, fromHalf);

/** A tensor of normally distributed numbers, from somewhere in the pool on. */
class Numbers {
  constructor(dtype, shape) {
    this.dtype = dtype;
    this.shape = shape;
    this.first = Math.floor(uniform() * normals.length);
    this.count = shape.reduce((a, b) => a * b, 1);
    const pool = dtype === 'f16' ? halves : normals, width = pool.BYTES_PER_ELEMENT;
    this.buffer = device.createBuffer({ size: Math.ceil(this.count * width / 16) * 16,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    const part = new pool.constructor(1 << 21);
    for (let at = 0; at < this.count; at += part.length) {
      const number = Math.min(part.length, this.count - at);
      for (let k = 0; k < number;) {
        const from = (this.first + at + k) % pool.length;
        const some = pool.subarray(from, from + number - k);
        part.set(some, k);
        k += some.length;
      }
      device.queue.writeBuffer(this.buffer, at * width, part, 0, number + number % 2);
    }
  }
  at(index) { return (this.dtype === 'f16' ? rounded : normals)[(this.first + index) % normals.length]; }
}

function poison(buffer) {
  const part = new Uint8Array(Math.min(buffer.size, 1 << 22)).fill(0xff);
  for (let at = 0; at < buffer.size; at += part.length)
    device.queue.writeBuffer(buffer, at, part, 0, Math.min(part.length, buffer.size - at));
}

//===-- One case ----------------------------------------------------------------//

const stamps = device.createQuerySet({ type: 'timestamp', count: 512 });
const resolved = device.createBuffer({ size: 4096, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });

/** Seconds of the GPU of passes over `calls` in turn, each: the median. */
async function timeOnDevice(calls, count) {
  const encoder = device.createCommandEncoder();
  for (let n = 0; n < count; ++n)
    calls[n % calls.length].encode(encoder, { timestampWrites: {
      querySet: stamps, beginningOfPassWriteIndex: 2 * n, endOfPassWriteIndex: 2 * n + 1 } });
  const host = device.createBuffer({ size: 4096, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  encoder.resolveQuerySet(stamps, 0, 2 * count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, host, 0, 16 * count);
  device.queue.submit([encoder.finish()]);
  await host.mapAsync(GPUMapMode.READ, 0, 16 * count);
  const times = new BigUint64Array(host.getMappedRange(0, 16 * count).slice(0));
  host.destroy();
  const spans = Array.from({ length: count }, (_, n) => Number(times[2 * n + 1] - times[2 * n]) * 1e-9);
  return spans.sort((a, b) => a - b)[count >> 1];
}

async function timeByClock(calls, count) {
  const begin = performance.now();
  const encoder = device.createCommandEncoder();
  for (let n = 0; n < count; ++n) calls[n % calls.length].encode(encoder);
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  return (performance.now() - begin) / 1e3 / count;
}

/** |o - reference| / |reference| over some rows; null for cases whose score the
 * reference does not know. */
function compare({ q, k, causal }, [query, key, value], output) {
  let difference = 0, norm = 0;
  const [batches, heads, rows, width] = q, [, keyHeads, keys] = k;
  for (let sample = 0; sample < 4; ++sample) {
    const b = sample % 2 ? batches - 1 : 0, h = Math.floor(uniform() * heads);
    const s = sample === 0 ? 0 : sample === 1 ? rows - 1 : Math.floor(uniform() * rows);
    const queryAt = ((b * heads + h) * rows + s) * width, keyHead = Math.floor(h / (heads / keyHeads));
    const keyAt = (j) => ((b * keyHeads + keyHead) * keys + j) * width;
    const weights = new Float64Array(causal ? s + keys - rows + 1 : keys);
    weights.forEach((_, j) => {
      for (let d = 0; d < width; ++d) weights[j] += query.at(queryAt + d) * key.at(keyAt(j) + d) / Math.sqrt(width);
    });
    const top = weights.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    weights.forEach((weight, j) => { sum += weights[j] = Math.exp(weight - top); });
    for (let d = 0; d < width; ++d) {
      let o = 0;
      weights.forEach((weight, j) => { o += weight / sum * value.at(keyAt(j) + d); });
      difference += (output[queryAt + d] - o) ** 2;
      norm += o ** 2;
    }
  }
  return Math.sqrt(difference / norm);
}

async function readOutput(call, tensor) {
  const bytes = await call.read(call.tensor(tensor.name));
  return tensor.dtype === 'f16' ? Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), fromHalf)
    : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

async function measure(entry) {
  const begin = performance.now();
  const program = await loadProgram(device, readFileSync(join(folder, entry.artifact)));
  const line = { name: entry.name, chip: program.description.chip };
  const made = [], calls = [];
  const make = (dtype, shape) => { made.push(new Numbers(dtype, shape)); return made.at(-1); };
  const [q, k] = [entry.q, entry.k], extra = (entry.extra ?? []).map((shape) => make('f32', shape));
  let inputs;
  // Keys that a pass reads have left the cache since it ran last.
  for (let set = 0; set < (entry.sets ?? 1); ++set) {
    const operands = [make(entry.dtype, q), make(entry.dtype, k), make(entry.dtype, k)];
    const output = make(entry.dtype, q);
    poison(output.buffer);
    inputs ??= operands;
    calls.push(program.bind([...operands, ...extra, output].map(({ buffer, shape }) => ({ buffer, shape }))));
  }
  await calls[0].run();
  await device.queue.onSubmittedWorkDone();
  line.first_ms = Math.round(performance.now() - begin);
  const output = await readOutput(calls[0], program.arguments.at(-1));
  line.finite = output.every(Number.isFinite);
  if (!entry.unknown) line.rel = Number(compare(entry, inputs, output).toExponential(2));

  // Clocks fall while the host prepares, to a sixth, and take half a second to
  // rise: until three rounds agree within 3 % then.
  let one = await timeByClock(calls, 1);
  const few = Math.max(1, Math.min(50, Math.round(0.02 / one)));
  for (let start = performance.now(), a = 0, b = 0; performance.now() - start < 900;) {
    one = await timeByClock(calls, few);
    if (performance.now() - start > 500 && Math.max(a, b, one) < 1.03 * Math.min(a, b, one)) break;
    a = b;
    b = one;
  }
  const runs = Math.max(1, Math.min(200, Math.round(seconds / one / 4)));
  const gpu = [], wall = [];
  for (let round = 0; round < 4; ++round) {
    gpu.push(await timeOnDevice(calls, Math.min(runs, 250)));
    wall.push(await timeByClock(calls, runs));
  }
  // The clocks of the GPU move: the least of the medians, and how far the others are.
  const best = Math.min(...gpu);
  line.gpu_us = Number((best * 1e6).toPrecision(4));
  line.worst_us = Number((Math.max(...gpu) * 1e6).toPrecision(4));
  line.wall_us = Number((Math.min(...wall) * 1e6).toPrecision(4));
  const pairs = entry.pairs ?? q[0] * q[1] * q[2] * k[2] * (entry.causal ? 0.5 : 1);
  line.tflops = Number((4 * pairs * q[3] / best * 1e-12).toPrecision(4));
  line.gbps = Number((2 * k.reduce((a, b) => a * b) * (entry.dtype === 'f16' ? 2 : 4) / best * 1e-9).toPrecision(4));
  made.forEach(({ buffer }) => buffer.destroy());
  calls.forEach((call) => call.destroy());
  return line;
}

for (const entry of JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'))) {
  if (!only.test(entry.name)) continue;
  if (entry.dtype === 'f16' && !adapter.features.has('shader-f16')) continue;
  try {
    console.log(JSON.stringify(await measure(entry)));
  } catch (error) {
    console.log(JSON.stringify({ name: entry.name, error: String(error.message ?? error).slice(0, 400) }));
  }
}
process.exit(0);
