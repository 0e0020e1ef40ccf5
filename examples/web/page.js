// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs compiled variants, and what the visitor types, on the visitor's device,
// checks and times them, and draws what they attend.

import {
  chooseVariant, compileHoles, describeDevice, loadProgram, loadVariant, openVariants, printRegions,
} from './attn-web/index.js';
import { rowOf, slopesOf, tilesOf, VARIANTS, weightsOf } from './attention.js';

const HEADS = 4, SIZE = 64, TILE = 32;
/** Rule 20 for f32 and inputs like these: what the order of sums may change. */
const TOLERANCE = 2e-5;
const element = (id) => document.getElementById(id);

let device = null, deviceName = '';
const programs = new Map();

/** Numbers around 0 that are the same on every visit. */
function makeNumbers(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 3.4;
  });
}

async function openDevice(artifact) {
  if (!navigator.gpu) throw new Error('this browser has no WebGPU: choose the processor');
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('this browser offers no WebGPU adapter: choose the processor');
  const descriptor = await describeDevice(adapter, artifact);
  if (adapter.features.has('timestamp-query')) descriptor.requiredFeatures.push('timestamp-query');
  device = await adapter.requestDevice(descriptor);
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  deviceName = description || [vendor, architecture].filter(Boolean).join(' ') || 'GPU';
  if (isFallbackAdapter) deviceName += ' (software)';
  device.lost.then(({ reason, message }) => {
    device = null;
    programs.clear();
    if (reason !== 'destroyed') showError(new Error(`the device is lost (${message.replace(/\.$/, '')}): Run opens another`));
  });
}

async function fetchFile(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
}

/** Code of a variant for the GPU, on a device for it, or for the processor. */
async function fetchArtifact(name, where) {
  const artifact = await (await fetchFile(`${name}.${where === 'gpu' ? 'gpu' : 'wasm'}.attn`)).arrayBuffer();
  if (where === 'gpu' && !device) await openDevice(artifact);
  return artifact;
}

async function getProgram(name, where) {
  const artifact = await fetchArtifact(name, where), key = `${name} ${where}`;
  if (!programs.has(key)) programs.set(key, await loadProgram(where === 'gpu' ? device : null, artifact));
  return programs.get(key);
}

/** The median of a few times in milliseconds. */
const RUNS = 5;
async function median(measure) {
  const times = [];
  for (let n = 0; n < RUNS; ++n) times.push(await measure());
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

/** An engine compiles code for the processor again once it has run for a while. */
const WARM_MS = 200;
/** The GPU's own time of a launch where it has timestamps, else the page's. */
async function time(call, onGpu) {
  for (const end = performance.now() + WARM_MS; !onGpu && performance.now() < end;) await call.run();
  if (!onGpu || !device.features.has('timestamp-query'))
    return median(async () => {
      const begin = performance.now();
      await call.run();
      if (onGpu) await device.queue.onSubmittedWorkDone();
      return performance.now() - begin;
    });
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const milliseconds = await median(async () => {
    const encoder = device.createCommandEncoder();
    call.encode(encoder, { timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } });
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, read, 0, 16);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(GPUMapMode.READ);
    const [begin, end] = new BigInt64Array(read.getMappedRange().slice(0));
    read.unmap();
    return Number(end - begin) / 1e6;
  });
  for (const object of [querySet, resolved, read]) object.destroy();
  return milliseconds;
}

/** The largest difference from the formula, on some rows of every head. */
function compare(variant, inputs, output) {
  const { rows, size } = inputs, step = Math.max(1, Math.floor(rows / 48));
  let largest = 0, compared = 0, undefinedRows = 0;
  for (let h = 0; h < HEADS; ++h)
    for (let i = h % step; i < rows; i += step) {
      const row = rowOf(variant, inputs, h, i);
      if (!row) {
        ++undefinedRows;
        continue;
      }
      ++compared;
      for (let d = 0; d < size; ++d) {
        const difference = Math.abs(row[d] - output[(h * rows + i) * size + d]);
        // NaN is a difference, too.
        if (!(difference <= largest)) largest = difference;
      }
    }
  return { error: largest, compared, undefinedRows };
}

/** Draws again what was drawn last: pictures may be lost with a device. */
let draw = () => {};

function openCanvas(canvas, count) {
  canvas.width = canvas.height = count;
  return canvas.getContext('2d');
}

function drawMask(variant, inputs) {
  const { count, tiles } = tilesOf(variant, inputs, TILE), context = openCanvas(element('mask'), count);
  tiles.forEach((kind, n) => {
    context.fillStyle = ['#ffffff', '#a9bff0', '#2457c5'][kind];
    context.fillRect(n % count, Math.floor(n / count), 1, 1);
  });
  const visited = tiles.filter(Boolean).length;
  element('visited').textContent = `${visited} of ${tiles.length} are visited.`;
}

function drawWeights(variant, inputs) {
  const PIXELS = 160, { rows } = inputs, count = Math.min(rows, PIXELS);
  const context = openCanvas(element('weights'), count), image = context.createImageData(count, count);
  for (let y = 0; y < count; ++y) {
    const weights = weightsOf(variant, inputs, 0, Math.floor((y * rows) / count));
    if (!weights) continue;
    const largest = weights.reduce((a, b) => Math.max(a, b), 1e-30);
    for (let x = 0; x < count; ++x) {
      const value = weights[Math.floor((x * rows) / count)] / largest;
      const light = Math.round(255 * Math.sqrt(value));
      image.data.set([light, Math.round(light * 0.85), Math.round(60 + light * 0.4), 255], 4 * (y * count + x));
    }
  }
  context.putImageData(image, 0, 0);
}

function addRow({ title, place, rows, milliseconds, gflops, error, compared, undefinedRows }) {
  const row = element('results').insertRow(0), right = error <= TOLERANCE;
  for (const text of [title, place, rows, Number(milliseconds.toPrecision(3)), gflops.toFixed(1), error.toExponential(1)])
    row.insertCell().textContent = text;
  const verdict = row.insertCell();
  verdict.className = right ? 'right' : 'wrong';
  verdict.textContent = compared ? verdict.className : '';
  if (undefinedRows)
    verdict.textContent += ` ${undefinedRows} of ${compared + undefinedRows} rows have scores that are no finite numbers`;
}

/** An output of `count` floats where kernels reach it. */
function makeOutput(onGpu, count, shape) {
  if (!onGpu) return { data: new Float32Array(count), shape };
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  return { buffer: device.createBuffer({ size: 4 * count, usage }), shape };
}

async function runVariant(name, rows, where) {
  const program = await getProgram(name, where);
  await runProgram(program, VARIANTS[name], rows);
  element('source').textContent = await (await fetchFile(`${name}.mlir`)).text();
}

/** Runs, checks, times and draws. */
async function runProgram(program, variant, rows) {
  const onGpu = program.device !== null;
  const [q, k, v] = [1, 2, 3].map((seed) => makeNumbers(HEADS * rows * SIZE, seed));
  const extra = variant.extra?.(HEADS, rows) ?? {};
  const inputs = { q, k, v, heads: HEADS, rows, size: SIZE, extra }, shape = [1, HEADS, rows, SIZE];
  const o = makeOutput(onGpu, HEADS * rows * SIZE, shape);
  // In the order of the function: q, k, v, what the variant takes, o.
  const call = program.bind([...[q, k, v].map((data) => ({ data, shape })), ...Object.values(extra), o]);
  await call.run();
  const output = new Float32Array((await call.read(call.results[0])).buffer);
  const milliseconds = await time(call, onGpu), gflops = call.metric('flops') / milliseconds / 1e6;
  call.destroy();
  o.buffer?.destroy();
  const place = onGpu ? deviceName : 'processor';
  addRow({ title: variant.title, place, rows, milliseconds, gflops, ...compare(variant, inputs, output) });
  element('pictured').textContent = `${variant.title}, ${rows} tokens`;
  element('reason').textContent = program.reason;
  draw = () => {
    drawMask(variant, inputs);
    drawWeights(variant, inputs);
  };
  draw();
  element('output').hidden = false;
}

/** What the visitor typed as functions of shaders, fused, and as a variant in
 * JavaScript. */
async function runTyped(rows) {
  const artifact = await fetchArtifact('live', 'gpu');
  if (!programs.has('live')) programs.set('live', chooseVariant(await openVariants(artifact), device));
  const choice = programs.get('live'), begin = performance.now();
  const { bodies, score, mask } = readTyped(choice.variant.description);
  const typed = performance.now();
  const program = await loadVariant(device, choice, bodies);
  const built = performance.now();
  element('typed-times').textContent = `text to shader: ${(typed - begin).toFixed(1)} ms; shader to pipeline: ${(built - typed).toFixed(1)} ms`;
  const valuesOf = (s, { h, i, j, extra }) => ({ s, b: 0, h, i, j, slope: extra.slopes.data[h] });
  await runProgram(program, {
    title: `${score.text} if ${mask.text}`,
    score: (s, place) => score.evaluate(valuesOf(s, place)),
    attends: (place) => mask.evaluate(valuesOf(0, place)),
    extra: slopesOf,
  }, rows);
  element('source').textContent =
    `// In the shader\n${Object.entries(bodies).map(([name, body]) => `// ${name}\n${body}`).join('\n')}\n\n` +
    `// For the compiler\n${printRegions({ score, mask }, [{ name: 'slope', dtype: 'f32', heads: HEADS }])}`;
}

/** Compiles both fields; what is wrong with one is said beneath it, and where. */
function readTyped(description) {
  const result = { bodies: {} };
  let wrong = null;
  for (const field of ['score', 'mask']) {
    element(`${field}-error`).textContent = '';
    try {
      const compiled = compileHoles(description, { [field]: element(`typed-${field}`).value });
      result[field] = compiled[field];
      Object.assign(result.bodies, compiled.bodies);
    } catch (error) {
      if (!error.column) throw error;
      element(`${field}-error`).textContent = `${' '.repeat(error.column - 1)}^\n${error.message}`;
      wrong ??= new Error(`the ${field}: ${error.message}`);
    }
  }
  if (wrong) throw wrong;
  return result;
}

function showError(error) {
  element('status').textContent = error.message;
  element('status').className = 'error';
}

/** Runs tasks ({text, run}) one after the other; the page says how far it is. */
async function run(tasks) {
  const buttons = [element('run'), element('run-all'), element('run-typed')], rows = Number(element('rows').value);
  buttons.forEach((button) => { button.disabled = true; });
  element('status').className = '';
  try {
    for (const task of tasks) {
      element('status').textContent = `${task.text} …`;
      await task.run(rows);
    }
    element('status').textContent = 'done';
  } catch (error) {
    showError(error);
  }
  buttons.forEach((button) => { button.disabled = button.id === 'run-typed' && !hasGpu; });
}

/** Whether there is WebGPU; what does not run without it is said before anybody
 * presses a button. */
let hasGpu = true;
async function findGpu() {
  hasGpu = Boolean(await navigator.gpu?.requestAdapter().catch(() => null));
  if (hasGpu) return;
  element('notice').textContent = `This browser ${navigator.gpu ? 'offers no WebGPU device' : 'has no WebGPU'}: the variants run on ` +
    'the processor, as WebAssembly. What is typed needs a GPU.';
  element('notice').hidden = false;
  element('where').value = 'processor';
  element('where').options[0].disabled = element('run-typed').disabled = true;
}

const taskOf = (name) => ({
  text: `${VARIANTS[name].title}: ${VARIANTS[name].text}`,
  run: (rows) => runVariant(name, rows, element('where').value),
});

for (const [name, { title }] of Object.entries(VARIANTS)) element('variant').add(new Option(title, name));
findGpu();
for (const id of ['mask', 'weights']) element(id).addEventListener('contextrestored', () => draw());
element('run').addEventListener('click', () => run([taskOf(element('variant').value)]));
element('run-all').addEventListener('click', () => run(Object.keys(VARIANTS).map(taskOf)));
element('live').addEventListener('submit', (event) => {
  event.preventDefault();
  run([{ text: 'your score and mask', run: runTyped }]);
});
