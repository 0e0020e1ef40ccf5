// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts how often Dawn bounds an index of workgroup memory or of an array of a
// thread, as it does where it cannot tell that the index is in range:
//
//   node index-checks.mjs RUNTIME_WEB ARTIFACT

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [runtime, artifact, dump] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${runtime}/${name}`));

/** Has Dawn print the SPIR-V of all kernels. */
async function compile() {
  const { requestAdapter } = await load('host/dawn.mjs');
  const { openVariants } = await load('device.js');
  const adapter = await requestAdapter(['backend=vulkan', 'enable-dawn-features=dump_shaders']);
  const device = await adapter.requestDevice({ requiredFeatures: ['subgroups'],
    requiredLimits: { maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize,
                      maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage } });
  for (const { codes } of await openVariants(readFileSync(artifact)))
    for (const code of codes.values()) {
      const module = device.createShaderModule({ code });
      for (const [, entryPoint] of code.matchAll(/@compute [^\n]*\nfn (\w+)\(/g))
        device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint } });
    }
  process.exit(0);
}

function count() {
  const run = spawnSync(process.execPath, [process.argv[1], runtime, artifact, 'dump'],
                        { encoding: 'utf8', maxBuffer: 1 << 28 });
  const bounded = new Set(Array.from(run.stdout.matchAll(/(%\w+) = OpExtInst \S+ \S+ UMin/g), ([, name]) => name));
  const indices = Array.from(run.stdout.matchAll(/OpAccessChain %_ptr_(?:Workgroup|Function)_\w+ %\w+ (%\w+)/g), ([, name]) => name);
  const checked = indices.filter((name) => bounded.has(name));
  console.log(`${indices.length} indices, ${checked.length} checked`);
}

if (dump) await compile();
else count();
