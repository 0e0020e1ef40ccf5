// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Uses the page of examples/web in Chromium as a visitor would:
//   node check_page.mjs SITE BROWSER_FOLDER SCREENSHOTS_FOLDER
// A GPU that is a processor takes seconds for each variant's shader: by turns of
// ATTN_TEST_SEED, one runs beside the causal one, and one of three masks that
// are typed; all where ATTN_TEST_FULL is set.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Browser, serve } from '../../../runtime/web/host/browser.mjs';

const [site, browserFolder, screenshots] = process.argv.slice(2);
const turn = Number(process.env.ATTN_TEST_SEED ?? 0);
mkdirSync(screenshots, { recursive: true });
const server = await serve(site);
const browser = await Browser.launch(browserFolder);

/** The rows of the table, the newest first, as arrays of texts. */
const readRows = () => browser.evaluate(
  "[...document.querySelectorAll('#results tr')].map((row) => [...row.cells].map((cell) => cell.textContent))");
const readStatus = () => browser.evaluate("document.querySelector('#status').textContent");
const choose = (id, value) => browser.evaluate(`document.querySelector('#${id}').value = '${value}'`);
const finish = () => browser.until("!document.querySelector('#run').disabled && document.querySelector('#status').textContent");
/** How many pixels of a canvas have each colour. */
const readColours = (id) => browser.evaluate(`(() => {
  const { width, height } = document.querySelector('#${id}');
  const { data } = document.querySelector('#${id}').getContext('2d').getImageData(0, 0, width, height);
  const colours = {};
  for (let n = 0; n < data.length; n += 4) {
    const colour = [...data.slice(n, n + 3)].join();
    colours[colour] = (colours[colour] ?? 0) + 1;
  }
  return colours;
})()`);

try {
  await browser.open(server.url);
  await choose('rows', 256);
  const variants = await browser.evaluate("[...document.querySelectorAll('#variant option')].map((option) => option.value)");
  assert.equal(variants.length, 6);
  if (process.env.ATTN_TEST_FULL) {
    await browser.click('#run-all');
    await finish();
  } else {
    const others = variants.filter((name) => name !== 'causal');
    for (const name of ['causal', others[turn % others.length]]) {
      await choose('variant', name);
      await browser.click('#run');
      await finish();
      assert.equal(await readStatus(), 'done', browser.messages.join('\n'));
    }
  }
  assert.equal(await readStatus(), 'done', browser.messages.join('\n'));
  const rows = await readRows();
  writeFileSync(join(screenshots, 'all.png'), await browser.screenshot());
  for (const [title, place, tokens, ms, gflops, error, verdict] of rows.reverse()) {
    console.log(`${verdict} ${title}: ${tokens} tokens on ${place}, ${ms} ms, error ${error}`);
    assert.equal(verdict, 'right', title);
    assert.ok(Number(ms) > 0 && Number(gflops) > 0, `${title}: ${ms} ms, ${gflops} GFLOP/s`);
  }
  assert.equal(rows.length, process.env.ATTN_TEST_FULL ? variants.length : 2);

  // One of them, at another size: 4 x 4 tiles, of which a causal mask has 4 in
  // parts and 6 whole.
  await choose('rows', 128);
  await choose('variant', 'causal');
  await browser.click('#run');
  await finish();
  let [newest] = await readRows();
  assert.deepEqual([newest[0], newest[2], newest[6]], ['causal', '128', 'right']);
  assert.deepEqual(await readColours('mask'), { '36,87,197': 6, '169,191,240': 4, '255,255,255': 6 });
  assert.ok(Object.keys(await readColours('weights')).length > 20);
  assert.match(await browser.evaluate("document.querySelector('#source').textContent"), /attn\.attention/);
  writeFileSync(join(screenshots, 'causal.png'), await browser.screenshot());
  console.log('ok one variant');

  // What a visitor types, wrong and right: an error stands under its column.
  const type = (id, text) => browser.evaluate(`document.querySelector('#${id}').value = ${JSON.stringify(text)}`);
  const read = (id) => browser.evaluate(`document.querySelector('#${id}').textContent`);
  await choose('rows', 256);
  await type('typed-score', 'tanh(s / 5) * 5 + slope * (j - i)');
  await type('typed-mask', 'i >= j && k > i - 64');
  await browser.click('#run-typed');
  await finish();
  assert.equal(await read('mask-error'), `${' '.repeat(10)}^\ncolumn 11: there is no 'k'; there are b, h, i, j, slope`);
  assert.match(await readStatus(), /the mask: column 11: there is no 'k'/);
  writeFileSync(join(screenshots, 'typed-wrong.png'), await browser.screenshot());
  const masks = ['i >= j && j > i - 64', 'i / 32 == j / 32 || j < 3', '(i + j) % 5 != 2'];
  for (const mask of process.env.ATTN_TEST_FULL ? masks : [masks[turn % masks.length]]) {
    await type('typed-mask', mask);
    await browser.click('#run-typed');
    await finish();
    assert.equal(await readStatus(), 'done', browser.messages.join('\n'));
    assert.equal(await read('mask-error'), '');
    [newest] = await readRows();
    assert.deepEqual([newest[0], newest[6]], [`tanh(s / 5) * 5 + slope * (j - i) if ${mask}`, 'right']);
    const times = await read('typed-times');
    const [, text] = times.match(/^text to shader: ([\d.]+) ms; shader to pipeline: [\d.]+ ms$/);
    console.log(`right typed: ${mask}, ${times}`);
    assert.ok(Number(text) >= 0);
    if (mask.includes('- 64'))
      assert.deepEqual(await readColours('mask'), { '36,87,197': 7, '169,191,240': 14, '255,255,255': 43 });
    writeFileSync(join(screenshots, 'typed.png'), await browser.screenshot());
  }
  // Of scores that shaders may not have nothing is promised.
  await type('typed-score', 'log(i - 20)');
  await type('typed-mask', 'i >= j');
  await browser.click('#run-typed');
  await finish();
  [newest] = await readRows();
  assert.equal(newest[6], 'right 17 of 205 rows have scores that are no finite numbers');
  assert.match(await read('source'), /fn|return select|For the compiler\nscore\(%s: f32/);

  // All of them without a GPU.
  await choose('where', 'processor');
  await choose('rows', 256);
  await browser.click('#run-all');
  await finish();
  for (const [title, place, tokens, ms, , error, verdict] of (await readRows()).slice(0, 6).reverse()) {
    assert.deepEqual([place, verdict], ['processor', 'right'], title);
    console.log(`${verdict} ${title}: ${tokens} tokens on the processor, ${ms} ms, error ${error}`);
  }
  writeFileSync(join(screenshots, 'processor.png'), await browser.screenshot());
  await choose('where', 'gpu');

  // What goes wrong is said on the page, and the next run works.
  await choose('variant', 'alibi');
  renameSync(join(site, 'alibi.gpu.attn'), join(site, 'gone.attn'));
  await browser.click('#run');
  await finish();
  assert.match(await readStatus(), /alibi\.gpu\.attn: 404/);
  writeFileSync(join(screenshots, 'error.png'), await browser.screenshot());
  renameSync(join(site, 'gone.attn'), join(site, 'alibi.gpu.attn'));
  await browser.click('#run');
  await finish();
  assert.equal(await readStatus(), 'done');

  assert.deepEqual(browser.messages, []);
  console.log('ok errors');

  // A device that is lost is said, and the next run opens another.
  await browser.crashGpu();
  await browser.until("document.querySelector('#status').textContent !== 'done'");
  assert.match(await readStatus(), /^the device is lost \(.+\): Run opens another$/);
  for (const end = Date.now() + 20000; Date.now() < end && Object.keys(await readColours('mask')).length < 2;);
  assert.deepEqual(Object.keys(await readColours('mask')).length, 3);
  writeFileSync(join(screenshots, 'lost.png'), await browser.screenshot());
  await browser.click('#run');
  await finish();
  assert.equal(await readStatus(), 'done');
  console.log('ok lost device');

  // A browser without WebGPU: the page says so before anybody asks.
  await browser.send('Page.addScriptToEvaluateOnNewDocument',
    { source: "Object.defineProperty(navigator, 'gpu', { value: undefined })" });
  await browser.open(server.url);
  await browser.until("!document.querySelector('#notice').hidden");
  assert.match(await read('notice'), /has no WebGPU: the variants run on the processor/);
  assert.ok(await browser.evaluate("document.querySelector('#run-typed').disabled && document.querySelector('#output').hidden"));
  await browser.click('#run');
  await finish();
  [newest] = await readRows();
  assert.deepEqual([newest[1], newest[6], await readStatus()], ['processor', 'right', 'done']);
  assert.ok(await browser.evaluate("document.querySelector('#run-typed').disabled && !document.querySelector('#output').hidden"));
  // Nothing is wider than a telephone.
  await browser.send('Emulation.setDeviceMetricsOverride', { width: 390, height: 844, deviceScaleFactor: 1, mobile: true });
  assert.ok(await browser.evaluate('document.documentElement.scrollWidth <= 390'));
  writeFileSync(join(screenshots, 'no-gpu.png'), await browser.screenshot());
  console.log('ok without WebGPU');
} finally {
  await browser.close();
  server.close();
}
