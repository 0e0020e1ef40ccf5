// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs an artifact on operands that lie in memory in several ways, and says
// which memory its kernel was compiled for and whether the result is that of
// dense operands:
//
//   node vectors.mjs RUNTIME_WEB ARTIFACT

import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [runtime, artifact] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${runtime}/${name}`));
const { requestAdapter } = await load('host/dawn.mjs');
const { openVariants, widen } = await load('device.js');
const { describeDevice, loadProgram } = await load('index.js');

const data = readFileSync(artifact), adapter = await requestAdapter();
const device = await adapter.requestDevice(await describeDevice(adapter, data));
const texts = (await openVariants(data)).flatMap(({ codes }) => [...codes.values()]);
const buffers = widen(texts[0]).matchAll(/ (\w+): array<vec4<f32>>;/g);
console.log('vectors:', ...Array.from(buffers, ([, name]) => name));

let elements = 0;
const create = device.createComputePipeline.bind(device);
device.createComputePipeline = (descriptor) => { ++elements; return create(descriptor); };

const rows = 20, width = 16, shape = [1, 1, rows, width];
const value = (n, i, j) => Math.sin(1 + 37 * n + 5 * i + 3 * j);
let dense;
for (const [name, pitch, offset] of [['dense', 16, 0], ['rows of 20', 20, 0], ['rows of 19', 19, 0], ['from 1 on', 16, 1],
                                     ['from 4 on', 16, 4]]) {
  elements = 0;
  const program = await loadProgram(device, data);
  const bound = [0, 1, 2].map((n) => {
    const buffer = device.createBuffer({ size: 4 * (offset + rows * pitch), usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    const numbers = new Float32Array(offset + rows * pitch).fill(NaN);
    for (let i = 0; i < rows; ++i)
      for (let j = 0; j < width; ++j) numbers[offset + i * pitch + j] = value(n, i, j);
    device.queue.writeBuffer(buffer, 0, numbers);
    return { buffer, shape, strides: [rows * pitch, rows * pitch, pitch, 1], offset: 4 * offset };
  });
  const call = program.bind([...bound, { shape, data: new Float32Array(rows * width) }]);
  await call.run();
  const bytes = await call.read(call.tensor(program.arguments.at(-1).name));
  const output = Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, rows * width));
  dense ??= output;
  console.log(`${name}: ${elements ? 'elements' : 'vectors'}, ${output.every((x, n) => x === dense[n])}`);
}
process.exit(0);
