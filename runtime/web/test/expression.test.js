// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Expression, ExpressionError, printRegions } from '../expression.js';

const PARAMETERS = [['s', 'f32'], ['b', 'i32'], ['h', 'i32'], ['i', 'i32'], ['j', 'i32'], ['slope', 'f32'], ['on', 'i1']]
  .map(([name, dtype]) => ({ name, dtype }));
const score = (text) => new Expression(text, PARAMETERS, 'f32');
const mask = (text) => new Expression(text, PARAMETERS, 'i1');
const VALUES = { s: 3.5, b: 0, h: 1, i: 5, j: 9, slope: 0.5, on: true };

/** Parameters of the test of a tile. */
const TILE = ['b', 'h', 'slope', 'on', 'first_i', 'last_i', 'first_j', 'last_j'].map((name) => ({ name }));

test('values: precedence, types, division, wrapping', () => {
  for (const [text, value] of [
    ['s + slope * (j - i)', 5.5], ['1 + 2 * 3 - 4', 3], ['-2 * -3', 6], ['7 / 2', 3], ['-7 / 2', -4], ['7 / -2', -4],
    ['-7 % 3', 2], ['7 % -3', -2], ['i / (h - 1)', 0], ['i % (h - 1)', 5], ['7 / 2.0', 3.5], ['i < j ? s : -s', 3.5],
    ['i > j || i == 5 && !(h == 0) ? 1 : 2', 1], ['2147483647 + i', -2147483644], ['-2147483647 - 1', -2147483648],
    ['i * 1000000000', 705032704], ['abs(i - j)', 4], ['min(i, s)', 3.5], ['clamp(j, 0, 7)', 7], ['int(-2.7)', -2],
    ['int(1e30) == 2147483647 ? 1 : 0', 1], ['int(i < j)', 1], ['float(i) / 2', 2.5], ['round(2.5)', 2], ['round(3.5)', 4],
    ['round(-2.5)', -2], ['floor(-0.5)', -1], ['trunc(-1.5)', -1], ['exp2(3)', 8], ['log2(8)', 3], ['.5e1', 5],
    ['on ? 1 : 0', 1], ['i != j ? 1.0 : 2', 1], ['true ? 2 : 3', 2], ['s > 1e-3 ? i : j', 5],
  ]) assert.equal(score(text).evaluate(VALUES), value, text);
  assert.ok(Math.abs(score('tanh(s / 30) * 30').evaluate(VALUES) - 30 * Math.tanh(3.5 / 30)) < 1e-12);
  assert.equal(mask('i >= j && j > i - 128').evaluate(VALUES), false);
  assert.equal(mask('on').evaluate(VALUES), true);
});

test('what is wrong is said with its column', () => {
  for (const [text, column, message] of [
    ['', 1, /an expression is missing/], ['s +', 4, /expected a number, a name or \(, found the end/],
    ['(s', 3, /expected '\)', found the end/], ['s)', 2, /found '\)'/], ['s @ 2', 3, /'@' is no part of an expression/],
    ['1 + foo', 5, /there is no 'foo'; there are s, b, h, i, j, slope, on/],
    ['s + sin(s)', 5, /there is no function 'sin'; there are abs, min, /], ['i < j < 3 ? 1 : 2', 7, /comparisons do not chain/],
    ['s % 2', 1, /% takes integers, but this is a float/], ['i / 0', 5, /division by 0/], ['i % 0', 5, /remainder by 0/],
    ['99999999999', 1, /does not fit an integer of 32 bits/], ['2147483648', 1, /does not fit/], ['1e60', 1, /too large for f32/],
    ['1e38 * 10', 6, /no finite number in f32/], ['log(0)', 1, /no finite number in f32/],
    ['s ? 1 : 2', 1, /has to be true or false, but is a float/], ['i < j', 1, /has to be a float, but is true or false/],
    ['1.2.3', 1, /'1.2.3' is no number/], ['3x', 1, /'3x' is no number/], ['i < j and j < 3', 7, /write &&/],
    ['not s', 1, /write ! for not/], ['i & j', 3, /write &&/], ['i = j', 3, /write ==/], ['s + (i < j)', 8, /\+ takes numbers/],
    ['!i', 2, /! takes true or false/], ['i && j', 1, /&& takes true or false/], ['min(s)', 1, /min takes 2 operands, found 1/],
    ['abs', 1, /'abs' is a function/], ['i < j ? on : 1', 7, /one side is true or false, the other an integer/],
    ['on < on ? 1 : 2', 4, /< compares numbers/], ['constructor', 1, /there is no 'constructor'/],
    ['toString(1)', 1, /there is no function 'toString'/], [`${'('.repeat(80)}s`, 61, /nest at most 60 deep/],
    [Array(600).fill('s').join('+'), undefined, /at most 512 operations/], ['😀', 1, /'😀' is no part/],
  ])
    assert.throws(() => score(text), (error) => {
      assert.ok(error instanceof ExpressionError, text);
      assert.match(error.message, message, text);
      if (column !== undefined) assert.equal(error.column, column, text);
      assert.ok(error.message.startsWith(`column ${error.column}: `));
      return true;
    });
  assert.throws(() => mask('i + j'), /has to be true or false, but is an integer/);
});

test('text of a hole', () => {
  assert.equal(score('s + slope * (j - i)').toWgsl(), 'return (s + (slope * f32((j - i))));');
  assert.equal(mask('i >= j && j > i - 128').toWgsl(), 'return ((i >= j) && (j > (i - 128)));');
  // Constants are computed here: what a shader computes of them may be refused.
  assert.equal(score('2147483647 + 1').toWgsl(), 'return -2147483648.0f;'.replace('-2147483648.0f', '(-2147483648.0f)'));
  assert.equal(score('i / 4 * 1e10').toWgsl(),
    'let t0 = select(i / 4, (i + 1) / 4 - 1, i < 0);\nreturn (f32(t0) * 10000000000.0f);');
  // Names of parameters are nobody else's.
  assert.match(new Expression('t0 % 3', [{ name: 't0', dtype: 'i32' }], 'f32').toWgsl(), /^let t1 = /);
});

test('tiles that a mask leaves out', () => {
  assert.equal(mask('i >= j && j > i - 128').toTileTest(TILE),
    'let t0 = first_i - 128;\nlet t1 = last_i - 128;\nreturn ((first_j <= last_i) && (t0 < last_j));');
  assert.equal(mask('h < 2').toTileTest(TILE), 'let t0 = (h < 2);\nreturn t0;');
  // Nothing is known of what may wrap, of floats and of what the test does not see.
  for (const text of ['i * j < 100', 'float(i) < 3', 'true']) assert.equal(mask(text).toTileTest(TILE), 'return true;', text);
  assert.equal(new Expression('doc == 1', [{ name: 'doc', dtype: 'i32' }], 'i1').toTileTest(TILE), 'return true;');
});

test('the test of a tile is true wherever the mask is', () => {
  // Its text is computed as JavaScript, whose integers are no other here.
  const run = (body, values) => {
    const script = body.replace(/\bselect\(/g, 'choose(').replace(/ \/ (\w+)/g, ' / $1');
    const js = script.split('\n').map((line) => line.replace(/(\w+|\([^()]*\)) \/ (\d+)/g, 'Math.trunc($1 / $2)')).join('\n');
    const names = Object.keys(values);
    return new Function(...names, 'choose', 'min', 'max', 'abs', js)(...names.map((name) => values[name]),
      (no, yes, condition) => (condition ? yes : no), Math.min, Math.max, Math.abs);
  };
  const texts = ['i >= j', 'abs(i - j) < 9', '!(i < j) && j > i - 12', 'i / 8 == j / 8', 'i % 16 < 4 && j % 8 == 2',
    '(i - 20) / 6 == (j - 20) / 6', 'min(i, j) < 5 || max(i, j) == 30', 'h == 0 ? i >= j : i <= j', '(i < 12 ? i : 2 * j) > 25',
    '(j - i) * -2 + 3 * i > 40', '-i > -9', 'int(i < j) + int(j < 20) == 2', '(i - 40) % 8 != 0 && i != j'];
  let skipped = 0;
  for (const text of texts) {
    const expression = mask(text), test = expression.toTileTest(TILE);
    for (let h = 0; h < 2; ++h)
      for (let y = 0; y < 48; y += 7)
        for (let x = 0; x < 48; x += 6) {
          let any = false;
          for (let i = y; i < y + 7; ++i)
            for (let j = x; j < x + 6; ++j) any ||= expression.evaluate({ ...VALUES, h, i, j });
          const visited = run(test, { b: 0, h, first_i: y, last_i: y + 6, first_j: x, last_j: x + 5 });
          assert.ok(visited || !any, `${text}: tile at ${y}, ${x} is left out`);
          skipped += !visited;
        }
  }
  assert.ok(skipped > 500, `${skipped} tiles`);
});

test('regions of the compiler', () => {
  assert.equal(printRegions({ score: score('s * slope'), mask: mask('i >= j && on') },
    [{ name: 'slope', dtype: 'f32', heads: 4 }, { name: 'on', dtype: 'i1' }]),
`score(%s: f32, %b: index, %h: index, %i: index, %j: index, %slope_table: tensor<4xf32>, %on: i1) {
  %b32 = arith.index_cast %b : index to i32
  %h32 = arith.index_cast %h : index to i32
  %i32 = arith.index_cast %i : index to i32
  %j32 = arith.index_cast %j : index to i32
  %slope = tensor.extract %slope_table[%h] : tensor<4xf32>
  %t0 = arith.mulf %s, %slope : f32
  attn.yield %t0 : f32
}
mask(%b: index, %h: index, %i: index, %j: index, %slope_table: tensor<4xf32>, %on: i1) {
  %b32 = arith.index_cast %b : index to i32
  %h32 = arith.index_cast %h : index to i32
  %i32 = arith.index_cast %i : index to i32
  %j32 = arith.index_cast %j : index to i32
  %slope = tensor.extract %slope_table[%h] : tensor<4xf32>
  %t0 = arith.cmpi sge, %i32, %j32 : i32
  %t1 = arith.andi %t0, %on : i1
  attn.yield %t1 : i1
}`);
});
