// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host whose device is that of a page in Chromium, as
// scripts/install-web-checks.sh installs it: SwiftShader's, or a driver's that
// ATTN_CHROMIUM_DRIVER names (docs/webgpu.md).

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Browser, serve } from './browser.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Commands as makeCommands has them, each run in a page, and an end to it. The
 * browser starts with the first. */
export function openChromium() {
  const folder = process.env.ATTN_CHROMIUM ?? at('../../../.cache/web');
  const driver = process.env.ATTN_CHROMIUM_DRIVER;
  const libraries = process.env.ATTN_CHROMIUM_LIBRARIES ?? at('../../../.cache/mesa');
  let browser, server;

  async function start() {
    const needs = { Chromium: [folder, 'chromium'], 'Vulkan driver': driver && [driver], 'C library': driver && [libraries, 'ld-linux-x86-64.so.2'] };
    for (const [what, path] of Object.entries(needs))
      if (path && !existsSync(join(...path))) throw new Error(`there is no ${what} in ${path[0]} (docs/webgpu.md)`);
    server = await serve(at('..'));
    browser = await Browser.launch(folder, driver && { driver, libraries });
    await browser.open(`${server.url}host/page.html`);
    await browser.until('window.runCommand');
  }
  async function run(command, operand = null) {
    if (!browser) await start();
    const reply = await browser.evaluate(`runCommand('${command}', ${JSON.stringify(operand)})`);
    if (reply.error) throw new Error(reply.error);
    return reply;
  }
  const encode = (file) => readFileSync(file).toString('base64');
  const commands = {
    async open() {
      const reply = await run('open');
      if (driver && reply.device === 'google') throw new Error(`Chromium does not take the driver ${driver}`);
      return reply;
    },
    load: (file) => run('load', encode(file)),
    bind: (bound) => run('bind', bound.map((argument) => (argument.file ? { ...argument, file: encode(argument.file) } : argument))),
    launch: () => run('launch'),
    async read({ file, ...what }) {
      writeFileSync(file, Buffer.from((await run('read', what)).data, 'base64'));
    },
  };
  const close = async () => {
    await browser?.close();
    server?.close();
  };
  return { commands, close };
}
