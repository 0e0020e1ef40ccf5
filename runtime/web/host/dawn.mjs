// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device of Dawn in Node, from npm's `webgpu` as
// scripts/install-web-checks.sh installs it.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const modules = process.env.ATTN_WEB_MODULES ??
  fileURLToPath(new URL('../../../.cache/web/node_modules/', import.meta.url));

/** Dawn must outlive what it made: nothing else keeps it. */
const instances = [];

/** What Dawn hides unless it is asked for by name: ATTN_DAWN_FEATURES=allow_unsafe_apis
 * for the experiments of Chromium. */
const features = process.env.ATTN_DAWN_FEATURES ? [`enable-dawn-features=${process.env.ATTN_DAWN_FEATURES}`] : [];

/** An adapter of the Vulkan driver that the environment names; `toggles` are
 * Dawn's, `backend=null` a device that validates and runs nothing. */
export async function requestAdapter(toggles = ['backend=vulkan', ...features]) {
  if (!existsSync(modules))
    throw new Error(`no Dawn in ${modules}: scripts/install-web-checks.sh installs it in the sources; else npm's ` +
                    'webgpu is it, and ATTN_WEB_MODULES names the node_modules it is in');
  const { create, globals } = createRequire(`${modules}/`)('webgpu');
  Object.assign(globalThis, globals);
  const instance = create(toggles);
  instances.push(instance);
  const adapter = await instance.requestAdapter();
  if (!adapter) throw new Error('Dawn finds no Vulkan device: run under `env $(cat .cache/web/environment)`');
  // Its devices forget the shapes of matrices.
  const requestDevice = adapter.requestDevice.bind(adapter);
  adapter.requestDevice = async (descriptor) =>
    Object.defineProperty(await requestDevice(descriptor), 'adapterInfo', { value: adapter.info });
  return adapter;
}
