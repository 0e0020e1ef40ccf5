// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times artifacts for WebAssembly and models of ONNX Runtime Web in turn, one
// thread each, in Node:
//
//   node wasm.mjs NODE_MODULES ROUNDS SHAPE A.attn ... A.onnx ...
//
// SHAPE: JSON, [1,8,1024,64], of all operands, f32; a model takes them as
// `query`, `key` and `value` of this shape, or, if the head size is not a
// dimension of its input, with heads side by side. Prints a JSON object: the
// least milliseconds of each file, and how far its output is from the first's.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { loadProgram } from '../../runtime/web/index.js';

const [modules, rounds, shapeText, ...files] = process.argv.slice(2);
const shape = JSON.parse(shapeText), [batches, heads, rows, width] = shape;
const ort = createRequire(`${modules}/`)('onnxruntime-web');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Numbers in [-1, 1) that repeat from run to run. */
function makeNumbers(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
const count = batches * heads * rows * width;
const operands = [1, 2, 3].map((seed) => makeNumbers(count, seed));

/** Between (batch, head, row, column) and (batch, row, head, column). */
function swapHeads(numbers, outer, inner) {
  const result = new Float32Array(numbers.length);
  for (let b = 0; b < batches; ++b)
    for (let i = 0; i < outer; ++i)
      for (let j = 0; j < inner; ++j) {
        const from = ((b * outer + i) * inner + j) * width, to = ((b * inner + j) * outer + i) * width;
        result.set(numbers.subarray(from, from + width), to);
      }
  return result;
}

async function prepareArtifact(file) {
  const program = await loadProgram(null, readFileSync(file));
  const call = program.bind([...operands, new Float32Array(count)].map((data) => ({ shape, data })));
  return {
    run: () => call.run(),
    read: async () => {
      const bytes = await call.read(call.tensor(program.arguments.at(-1).name));
      return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    },
  };
}

async function prepareModel(file) {
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(file)), { executionProviders: ['wasm'] });
  const sideBySide = session.inputMetadata[0].shape.length === 3;
  const dims = sideBySide ? [batches, rows, heads * width] : shape;
  const feeds = Object.fromEntries(['query', 'key', 'value'].map((name, n) => [name, new ort.Tensor(
    'float32', sideBySide ? swapHeads(operands[n], heads, rows) : operands[n], dims)]));
  let output;
  return {
    run: async () => { ({ output } = await session.run(feeds)); },
    read: async () => (sideBySide ? swapHeads(output.data, rows, heads) : output.data),
  };
}

const entries = [];
for (const file of files)
  entries.push({ ...await (file.endsWith('.onnx') ? prepareModel(file) : prepareArtifact(file)), best: Infinity });
for (let round = 0; round <= Number(rounds); ++round)
  for (const entry of entries) {
    const begin = performance.now();
    await entry.run();
    // Engines compile while the first round runs.
    if (round) entry.best = Math.min(entry.best, performance.now() - begin);
  }
const first = await entries[0].read();
const results = [];
for (const { read, best } of entries) {
  let distance = 0;
  (await read()).forEach((x, k) => { distance = Math.max(distance, Number.isNaN(x) ? Infinity : Math.abs(x - first[k])); });
  results.push({ ms: best, distance });
}
console.log(JSON.stringify(results));
process.exit(0);
