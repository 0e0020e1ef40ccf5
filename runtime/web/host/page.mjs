// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The end of a host in a page, for chromium.mjs: bytes come and go as base64.

import { makeCommands } from './commands.mjs';

const commands = makeCommands({
  requestAdapter: async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) throw new Error('the browser has no WebGPU adapter');
    return adapter;
  },
  readFile: (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
  writeFile: (_, bytes) => {
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { data: btoa(text) };
  },
});

/** Runs a command for the other end. */
window.runCommand = async (command, operand) => {
  try {
    return (await commands[command](operand)) ?? {};
  } catch (error) {
    return { error: error.message };
  }
};
