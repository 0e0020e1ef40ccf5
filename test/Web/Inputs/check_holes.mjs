// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expressions for a score and a mask, each twice: as text in the holes of a
// kernel that was compiled once, run on Dawn, and as regions that the compiler
// is given. Both have to give the same numbers.
//   node check_holes.mjs LIVE.attn RUNTIME_FOLDER WORK_FOLDER ATTN_RUN

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [artifact, runtime, work, attnRun] = process.argv.slice(2);
const { chooseVariant, compileHoles, loadVariant, openVariants, printRegions } = await import(`${runtime}/index.js`);
const { poison } = await import(`${runtime}/host/commands.mjs`);
const { requestAdapter } = await import(`${runtime}/host/dawn.mjs`);

const CASES = [
  ['s + slope * (j - i)', 'i >= j && j > i - 128'],
  ['tanh(s / 30) * 30 - abs(i - j) / (h + 2)', 'i / 16 == j / 16 || j % 32 < 3 || abs(i - j) < 9'],
  ['i % 7 == 0 ? -s : max(s, -1) + log(1 + exp(s)) * 0.25', '!(i < j) && (i - j) % 5 != 3'],
  ['s * sqrt(float(h + 1)) + exp2(-abs(s))', 'h % 2 == 0 ? j <= i : j >= i - 3'],
  ['clamp(s, -0.5, 0.75) - round(s) / 4 + (i - 60) / 7 * 0.1',
   '(j - 70) % 9 > 2 && (i - 50) / 13 != (j - 50) / 13 || (j - i) * (j - i) < 100'],
  // Rows that attend nothing.
  ['int(s * 8) / 4 + floor(s)', 'slope > 0.1 && i > 50 && j < i'],
];
const HEADS = 4, SIZE = 64, ROWS = 97, KEYS = 130;

/** A file of NumPy. */
function writeNpy(name, data, shape) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.from(`\x93NUMPY\x01\0\0\0${padded}`, 'latin1');
  head.writeUInt16LE(padded.length, 8);
  const file = join(work, `${name}.npy`);
  writeFileSync(file, Buffer.concat([head, Buffer.from(data.buffer)]));
  return file;
}

let state = 1;
const makeNumbers = (count) => Float32Array.from({ length: count }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state / 2 ** 32 - 0.5) * 3.4;
});
const tensors = {
  q: [makeNumbers(HEADS * ROWS * SIZE), [1, HEADS, ROWS, SIZE]],
  k: [makeNumbers(HEADS * KEYS * SIZE), [1, HEADS, KEYS, SIZE]],
  v: [makeNumbers(HEADS * KEYS * SIZE), [1, HEADS, KEYS, SIZE]],
  slopes: [Float32Array.of(0.5, 0.25, 0.0625, 0.03125), [HEADS]],
  o: [new Float32Array(HEADS * ROWS * SIZE), [1, HEADS, ROWS, SIZE]],
};
const inputs = Object.entries(tensors).map(([name, [data, shape]]) => `--input=${writeNpy(name, data, shape)}`);

const adapter = await requestAdapter(), device = await adapter.requestDevice();
poison(device);
const choice = chooseVariant(await openVariants(readFileSync(artifact)), device);

/** The output of the kernel with both holes filled. */
async function runFilled(bodies) {
  const program = await loadVariant(device, choice, bodies);
  const call = program.bind(Object.values(tensors).map(([data, shape]) => ({ data, shape })));
  await call.run();
  const output = new Float32Array((await call.read(call.results[0])).buffer);
  call.destroy();
  return output;
}

function run(file, ...options) {
  const { status, stdout, stderr } = spawnSync(attnRun, [file, ...inputs, ...options], { encoding: 'utf8' });
  assert.equal(status, 0, `${file} ${options.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

for (const [number, [scoreText, maskText]] of CASES.entries()) {
  const begin = performance.now();
  const { bodies, score, mask } = compileHoles(choice.variant.description, { score: scoreText, mask: maskText });
  const compiled = performance.now() - begin;
  const output = await runFilled(bodies);
  const filled = writeNpy(`filled${number}`, output, tensors.o[1]);
  const type = (rows) => `tensor<1x${HEADS}x${rows}x${SIZE}xf32>`, q = type(ROWS), k = type(KEYS);
  const module = `func.func @typed(%q: ${q}, %k: ${k}, %v: ${k}, %slopes: tensor<${HEADS}xf32>, %o: ${q}) -> ${q} {
    %r = attn.attention ins(%q, %k, %v : ${q}, ${k}, ${k}) captures(%slopes : tensor<${HEADS}xf32>) outs(%o : ${q})
    ${printRegions({ score, mask }, [{ name: 'slope', dtype: 'f32', heads: HEADS }])} -> ${q}
    return %r : ${q}
  }\n`;
  const file = join(work, `typed${number}.mlir`);
  writeFileSync(file, module);
  // What rule 20 allows the compiled region is what it allows the hole.
  const [, allowed] = /allowed ([\d.e+-]+)/.exec(run(file, '--backend=cpu', '--check=reference'));
  run(file, '--backend=reference', `--expect=${filled}`, '--rtol=0', `--atol=${allowed}`);
  console.log(`same: ${scoreText} if ${maskText} (text to WGSL ${compiled.toFixed(2)} ms)`);
}

// The test of a tile is asked: nobody is visited.
assert.ok((await runFilled({ tile_hole: 'return false;' })).every((value) => value === 0));

// Unfilled, the kernel is plain attention; one hole may be filled alone.
const plain = await runFilled({});
assert.deepEqual(await runFilled(compileHoles(choice.variant.description, { score: 's' }).bodies), plain);
assert.ok(plain.some((value) => value !== 0));
assert.throws(() => compileHoles(choice.variant.description, { mask: 's > 0' }), /column 1: there is no 's'; there are b, h, i, j, slope/);
await assert.rejects(() => loadVariant(device, choice, { nowhere: 'return true;' }),
  /there is no hole 'nowhere': the program has tile_hole, score_hole, mask_hole/);
await assert.rejects(() => loadVariant(device, choice, { score_hole: 'return nonsense;' }), /the device does not compile the kernel .*nonsense/s);
console.log('same: unfilled holes, and wrong ones are refused');
process.exit(0);
