// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs artifacts for attn-run and attn-test: host.mjs webgpu, or host.mjs wasm.
// A JSON object a line in, one out; tensors are files.
//
//   {"open": true}                -> {"device", "features"}, limits as chips have them
//   {"load": "F.attn"}            -> {"reason"}
//   {"bind": [ARGUMENT, ...]}     -> {"results": [[1, 8, 100], ...], "bytes": 0}
//     ARGUMENT: {"file", "shape", "strides", "first"} in elements, or {"value"}
//   {"launch": true}              -> {}
//   {"read": {"argument" or "result": 0, "file"}} -> {}, dense, to a file
//
// What goes wrong is {"error": "..."}. WebGPU is Dawn, or with ATTN_WEBGPU in the
// environment `wgpu`, or `chromium`, where all of it happens in a page.

import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { openChromium } from './chromium.mjs';
import { makeCommands } from './commands.mjs';
import { requestAdapter as requestDawn } from './dawn.mjs';
import { requestAdapter as requestWgpu } from './wgpu.mjs';

function chooseAdapter() {
  if (process.argv[2] === 'wasm') return null;
  return process.env.ATTN_WEBGPU === 'wgpu' ? requestWgpu : requestDawn;
}
const isRemote = process.argv[2] !== 'wasm' && process.env.ATTN_WEBGPU === 'chromium';
const { commands, close } = isRemote ? openChromium()
  : { commands: makeCommands({ requestAdapter: chooseAdapter(), readFile: readFileSync, writeFile: writeFileSync }) };

/** What `work` gives. Dawn in Node asks at every turn of the loop whether the
 * device is done: once that takes a while, as where a driver compiles for the
 * processor, turns last a millisecond and leave that processor to the driver. */
async function restWhile(work) {
  const begin = performance.now(), clock = new Int32Array(new SharedArrayBuffer(4));
  let isDone = false;
  const turn = () => {
    if (performance.now() - begin > 20) Atomics.wait(clock, 0, 0, 1);
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    return await work;
  } finally {
    isDone = true;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [[command, operand]] = Object.entries(JSON.parse(line));
  let reply;
  try {
    reply = (await restWhile(commands[command](operand))) ?? {};
  } catch (error) {
    reply = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await close?.();
// Dawn's threads would keep the process.
process.exit(0);
