// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chromium without a window, spoken to through a pipe (Chrome's DevTools
// protocol), on a server of files.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' };

/** Serves `folder` on a port that is free. */
export async function serve(folder) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://x').pathname);
    try {
      const content = readFileSync(join(folder, path.endsWith('/') ? `${path}index.html` : path));
      response.writeHead(200, { 'Content-Type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream' });
      response.end(content);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** WebGPU on the processor, by Chromium's own driver. */
const SWIFTSHADER = ['--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

/** Lays out a Chromium in `place` that runs with the C library and the Vulkan
 * driver of other folders: the processes that it starts find their files beside
 * the program that the kernel started, which is the loader of that library. */
function layOut(place, chromium, { driver, libraries }, more) {
  const folder = join(place, 'chromium'), start = join(folder, 'start');
  mkdirSync(folder);
  for (const name of readdirSync(chromium)) symlinkSync(join(chromium, name), join(folder, name));
  copyFileSync(join(libraries, 'ld-linux-x86-64.so.2'), join(folder, 'ld'));
  writeFileSync(start, `#!/bin/sh\nexec ${folder}/ld --library-path ${libraries}:${more}:/usr/lib/x86_64-linux-gnu ` +
    `${folder}/chromium-headless-shell "$@"\n`);
  chmodSync(start, 0o755);
  // Where Vulkan's loader looks if nobody says where.
  mkdirSync(join(place, 'vulkan/icd.d'), { recursive: true });
  writeFileSync(join(place, 'vulkan/icd.d/driver.json'),
    JSON.stringify({ file_format_version: '1.0.1', ICD: { library_path: driver, api_version: '1.3.0' } }));
  return { start, flags: ['--no-zygote', `--browser-subprocess-path=${start}`, '--use-angle=vulkan', '--use-vulkan=native',
                          '--use-webgpu-adapter=default', '--enable-features=Vulkan', '--ignore-gpu-blocklist',
                          '--enable-dawn-features=allow_unsafe_apis'] };
}

export class Browser {
  #waiting = new Map();
  #next = 0;
  /** What the page wrote to its console, and what it threw. */
  messages = [];

  /** `folder` holds Chromium as scripts/install-web-checks.sh lays it out. With
   * `native`, WebGPU has {driver, libraries}: a Vulkan driver, and a folder with
   * the C library that it wants; and the features that Dawn calls unsafe. */
  static async launch(folder, native) {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), 'attn-browser-'));
    const chromium = resolve(folder, 'chromium'), libraries = resolve(folder, 'libraries');
    const { start, flags } = native
      ? layOut(browser.profile, chromium, { driver: resolve(native.driver), libraries: resolve(native.libraries) }, libraries)
      : { start: join(chromium, 'chromium-headless-shell'), flags: SWIFTSHADER };
    const environment = native
      ? { XDG_DATA_HOME: browser.profile, ATTN_DRIVER: join(resolve(native.libraries), 'libvulkan_lvp.so') }
      : { LD_LIBRARY_PATH: libraries };
    const { VK_DRIVER_FILES, VK_ICD_FILENAMES, LD_LIBRARY_PATH, ...inherited } = process.env;
    browser.child = spawn(start, [
      '--no-sandbox', '--remote-debugging-pipe', `--user-data-dir=${join(browser.profile, 'profile')}`, '--window-size=1100,1500',
      '--enable-unsafe-webgpu', ...flags, '--disable-dev-shm-usage', 'about:blank',
    ], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...inherited, ...environment },
    });
    let text = '';
    browser.child.stdio[4].setEncoding('utf8').on('data', (data) => {
      const parts = (text + data).split('\0');
      text = parts.pop();
      for (const part of parts) browser.#receive(JSON.parse(part));
    });
    browser.child.on('exit', () => {
      for (const { reject } of browser.#waiting.values()) reject(new Error('the browser has ended'));
    });
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    browser.session = sessionId;
    await browser.send('Page.enable');
    await browser.send('Runtime.enable');
    return browser;
  }

  #receive({ id, result, error, method, params }) {
    if (method === 'Runtime.consoleAPICalled') this.messages.push(params.args.map(({ value, description }) => value ?? description).join(' '));
    if (method === 'Runtime.exceptionThrown') this.messages.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (error) waiting.reject(new Error(error.message));
    else waiting.resolve(result);
  }

  send(method, params = {}) {
    return this.#sendTo(this.session, method, params);
  }

  #sendTo(sessionId, method, params = {}) {
    const id = ++this.#next;
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Ends the process of the GPU; the browser starts another. */
  crashGpu() {
    return this.#sendTo(undefined, 'Browser.crashGpuProcess');
  }

  async open(url) {
    await this.send('Page.navigate', { url });
    await this.until('document.readyState === "complete"');
  }

  /** The value of an expression in the page, awaited. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(condition, seconds = 120) {
    for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
      if (await this.evaluate(condition)) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`waited ${seconds} s for ${condition}; the page says: ${this.messages.join('; ')}`);
  }

  /** A real click in the middle of an element. */
  async click(selector) {
    const { x, y } = await this.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: 'center' });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`);
    for (const type of ['mousePressed', 'mouseReleased'])
      await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
  }

  /** The whole page as PNG. */
  async screenshot() {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(data, 'base64');
  }

  async close() {
    this.child.kill();
    await new Promise((done) => this.child.once('exit', done));
    rmSync(this.profile, { recursive: true, force: true });
  }
}
