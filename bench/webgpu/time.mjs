// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times artifacts of one work in turn, on Dawn as the tests have it, or with
// ATTN_WEBGPU=wgpu in the environment on wgpu:
//
//   node time.mjs ROUNDS SHAPES A.attn B.attn ...
//
// SHAPES: JSON, [[1,8,512,64], ...], one an argument, f32 or f16; the last is the
// output. Prints a JSON object: the least milliseconds of each artifact, its
// variant, how long its pipelines and its first launch took (drivers compile in
// either), and how far its output is from the first one's.

import { readFileSync } from 'node:fs';

import { poison } from '../../runtime/web/host/commands.mjs';
import { requestAdapter as requestDawn } from '../../runtime/web/host/dawn.mjs';
import { requestAdapter as requestWgpu } from '../../runtime/web/host/wgpu.mjs';
import { describeDevice, loadProgram } from '../../runtime/web/index.js';

const [rounds, shapes, ...files] = process.argv.slice(2);
const artifacts = files.map((file) => readFileSync(file));
const adapter = await (process.env.ATTN_WEBGPU === 'wgpu' ? requestWgpu() : requestDawn());
const device = await adapter.requestDevice(await describeDevice(adapter, ...artifacts));
poison(device);

/** Numbers in [-1, 1) that repeat from run to run. */
function makeNumbers(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** The bits of the nearest f16 of numbers below 1, as far as 11 bits say. */
const toHalves = (numbers) => Uint16Array.from(numbers, (x) => {
  const scaled = Math.round(Math.abs(x) * 1024) / 1024, sign = x < 0 ? 0x8000 : 0;
  if (scaled === 0) return sign;
  const exponent = Math.floor(Math.log2(scaled));
  return sign | ((exponent + 15) << 10) | Math.round((scaled / 2 ** exponent - 1) * 1024);
});

const calls = [];
for (const artifact of artifacts) {
  const begin = performance.now();
  const program = await loadProgram(device, artifact);
  const loaded = performance.now() - begin;
  const bound = JSON.parse(shapes).map((shape, n) => {
    const numbers = makeNumbers(shape.reduce((a, b) => a * b, 1), n + 1);
    return { shape, data: program.arguments[n].dtype === 'f16' ? toHalves(numbers) : numbers };
  });
  const call = program.bind(bound);
  calls.push({ program, call, loaded, best: Infinity });
}

for (let round = 0; round <= Number(rounds); ++round)
  for (const entry of calls) {
    const begin = performance.now();
    await entry.call.run();
    await device.queue.onSubmittedWorkDone();
    // The first round compiles.
    if (round) entry.best = Math.min(entry.best, performance.now() - begin);
    else entry.first = performance.now() - begin;
  }

async function readOutput({ program, call }) {
  const name = program.arguments.at(-1).name, bytes = await call.read(call.tensor(name));
  if (program.arguments.at(-1).dtype === 'f32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return Float64Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), (bits) => {
    const exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + mantissa / 1024) : mantissa * 2 ** -24;
    return bits & 0x8000 ? -size : size;
  });
}

const first = await readOutput(calls[0]);
const results = [];
for (const entry of calls) {
  const output = await readOutput(entry);
  let distance = 0;
  output.forEach((x, k) => { distance = Math.max(distance, Number.isNaN(x) ? Infinity : Math.abs(x - first[k])); });
  results.push({ ms: entry.best, loaded: entry.loaded, first: entry.first, variant: entry.program.description.chip, distance });
}
console.log(JSON.stringify({ device: adapter.info.description || adapter.info.vendor, results }));
process.exit(0);
