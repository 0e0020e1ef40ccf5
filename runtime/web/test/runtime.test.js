// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The module on a device that computes nothing.

import assert from 'node:assert/strict';
import test from 'node:test';

import { AttnError, chooseVariant, describeDevice, loadProgram, openVariants } from '../index.js';
import { compile } from '../description.js';
import { hash128 } from '../artifact.js';
import { describe, FakeBuffer, FakeDevice, LIMITS, makeArtifact, makeContainer, makeWasm, SHADER, STORAGE }
  from './fake-device.js';

const buffer = (size) => new FakeBuffer({ size, usage: STORAGE | 0xc });
const tensor = (rows, more = {}) => ({ buffer: buffer(rows * 16), shape: [rows, 4], ...more });
const load = (changes, device = new FakeDevice(), code = undefined) => loadProgram(device, makeArtifact(changes, code));
const bound = (rows, more = {}) => ({ x: tensor(rows), y: tensor(rows), n: 1, c: 0.5, ...more });

/** That `run` fails with `code` and a message with all of `parts`. */
async function fails(run, code, ...parts) {
  await assert.rejects(async () => run(), (error) => {
    assert.ok(error instanceof AttnError, error.stack);
    assert.equal(error.code, code);
    for (const part of parts) assert.ok(error.message.includes(part), `'${error.message}' lacks '${part}'`);
    return true;
  });
}

//===-- Artifacts ---------------------------------------------------------===//

test('the hash is XXH3-128', () => {
  // By xxhsum -H2 of bytes 0, 1, 2, ... modulo 251.
  const bytes = Uint8Array.from({ length: 5000 }, (_, n) => n % 251);
  const known = { 241: '1da1cb61bcb8a2a102e8cd95421c6d02', 1024: 'd0ac1f7b93bf57b9e5d78bafa45b2aa5', 1025: '2882ebca04ec915ce95c42288f28186e', 5000: 'b92ec02c39d33ce7b418500fc42320ee' };
  for (const [size, text] of Object.entries(known)) {
    const [low, high] = hash128(bytes.subarray(0, Number(size)));
    assert.equal(high.toString(16).padStart(16, '0') + low.toString(16).padStart(16, '0'), text);
  }
});

test('broken containers are told apart', async () => {
  const device = new FakeDevice(), whole = makeArtifact();
  const changed = (at, value) => { const copy = whole.slice(); copy[at] = value; return copy; };
  await fails(() => loadProgram(device, 'x'), 'INVALID_ARGUMENT', 'an ArrayBuffer');
  await fails(() => loadProgram(device, new Uint8Array()), 'MALFORMED_ARTIFACT', 'magic bytes');
  await fails(() => loadProgram(device, changed(0, 1)), 'MALFORMED_ARTIFACT', 'magic bytes');
  await fails(() => loadProgram(device, whole.slice(0, 20)), 'CORRUPTED_ARTIFACT', 'truncated: 20 bytes');
  await fails(() => loadProgram(device, whole.slice(0, -1)), 'CORRUPTED_ARTIFACT', 'truncated');
  await fails(() => loadProgram(device, changed(8, 2)), 'UNSUPPORTED_VERSION', 'version 2');
  await fails(() => loadProgram(device, changed(12, 4)), 'UNSUPPORTED_VERSION', 'flags 4');
  await fails(() => loadProgram(device, changed(whole.length - 1, 9)), 'CORRUPTED_ARTIFACT', 'hash');
  await fails(() => loadProgram(device, makeContainer({ 'code/kernels': SHADER })), 'MALFORMED_ARTIFACT', "no 'json'");
  // A view in the middle of its memory is an artifact, too.
  const shifted = new Uint8Array(whole.length + 3);
  shifted.set(whole, 3);
  await loadProgram(device, shifted.subarray(3));
});

test('descriptions are checked', async () => {
  const refused = (changes, ...parts) => fails(() => load(changes), 'MALFORMED_ARTIFACT', ...parts);
  await refused({ colour: 1 }, "$: unknown field 'colour'");
  await refused({ entry: undefined }, "'entry' is missing");
  await refused({ symbols: [{ name: 's', expr: ['dim', 'z', 0] }] }, "no argument or result is called 'z'");
  await refused({ symbols: [{ name: 's', expr: ['dim', 'x', 2] }] }, "'x' has rank 2");
  await refused({ symbols: [{ name: 's', expr: ['sub', 1] }] }, "'sub' with 1 operands");
  await refused({ symbols: [{ name: 's', expr: ['toString', 1] }] }, "unknown operator 'toString'");
  await refused({ symbols: [{ name: 's', expr: ['symbol', 's'] }] }, "no symbol is called 's'");
  await refused({ temporaries: [{ name: 'x', bytes: 4 }] }, "the name 'x' is taken");
  const launch = { ...describe().launches[0], args: [{ buffer: 'q' }] };
  await refused({ launches: [launch] }, "no buffer is called 'q'");
  await refused({ launches: [{ ...launch, args: [], code: 'code/x' }] }, "no code section 'code/x'");
  await refused({ launches: [{ ...launch, args: [], kernel: 'j' }] }, "no kernel 'j'");
  await fails(() => load({ version: 2 }), 'UNSUPPORTED_VERSION', 'version 2');
});

//===-- Expressions -------------------------------------------------------===//

test('expressions have 64 bits', () => {
  const names = { ranks: new Map(), scalars: new Set(['s']), symbols: new Set() };
  const evaluate = (node) => compile(node, '$', names)({ scalar: () => -7n });
  const s = ['scalar', 's'];
  for (const [node, value] of [
    [['floordiv', s, 2], -4n], [['ceildiv', s, 2], -3n], [['mod', s, 4], 1n], [['mod', 7, -4], -1n],
    [['ceildiv', 7, -2], -3n], [['min', 3, s, 5], -7n], [['max', s], -7n], [['add', 1, 2, 3], 6n],
    [['select', ['lt', s, 0], 1, ['floordiv', 1, 0]], 1n], [['and', 1, 0, ['mod', 1, 0]], 0n],
    [['or', 0, 5], 1n], [['not', 5], 0n], [['ge', 2, 2], 1n], [['ne', 2, 2], 0n],
    [['mul', 4611686018427387904n, ['sub', 0, 2]], -9223372036854775808n],
  ])
    assert.equal(evaluate(node), value, JSON.stringify(node, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));
  assert.throws(() => evaluate(['floordiv', 1, 0]), /division by zero in \["floordiv",1,0\]/);
  assert.throws(() => evaluate(['mul', 2 ** 40, 2 ** 40]), /does not fit 64 bits/);
});

test('integers beyond 2^53 stay what they are', async () => {
  const json = JSON.stringify(describe({ metrics: { big: 1 } })).replace('"big":1', '"big":["sub",9223372036854775807,9223372036854775800]');
  const program = await loadProgram(new FakeDevice(), makeContainer({ json, 'code/kernels': SHADER }));
  assert.equal(program.bind(bound(2)).metric('big'), 7);
});

//===-- Devices and variants ----------------------------------------------===//

const variantOf = (chip, code) => makeArtifact({ chip }, code);
function makeBundle() {
  const half = `enable f16;\n${SHADER}`;
  const large = SHADER.replace('1024>', '8192>');
  const variants = [['cpu', 'x'], ['wgsl', 'webgpu'], ['wgsl', 'webgpu-f16'], ['wgsl', 'webgpu-desktop']];
  return makeContainer({
    json: JSON.stringify({ format: 'attn-bundle', version: 1,
      variants: variants.map(([target, chip], n) => ({ target, chip, entry: 'f', section: `artifact/${n}` })) }),
    'artifact/0': 'native code',
    'artifact/1': variantOf('webgpu'),
    'artifact/2': variantOf('webgpu-f16', half),
    'artifact/3': variantOf('webgpu-desktop', large),
  });
}

test('the variant is the one that makes most of the device', async () => {
  const bundle = makeBundle();
  const plain = await loadProgram(new FakeDevice(), bundle);
  assert.equal(plain.description.chip, 'webgpu');
  assert.match(plain.reason, /^wgsl:webgpu for WebGPU; not cpu:x: browsers run WGSL and WebAssembly; not wgsl:webgpu-f16: the device lacks shader-f16; /);
  assert.match(plain.reason, /not wgsl:webgpu-desktop: it needs maxComputeWorkgroupStorageSize 32768; the device has 16384$/);
  const half = await loadProgram(new FakeDevice({ features: ['shader-f16'] }), bundle);
  assert.equal(half.description.chip, 'webgpu-f16');
  assert.match(half.reason, /not wgsl:webgpu: it makes less of the device/);
});

/** A bundle of variants: the chip, the features and the code of each. */
const bundleOf = (variants) => makeContainer({
  json: JSON.stringify({ format: 'attn-bundle', version: 1,
    variants: variants.map(([chip], n) => ({ target: 'wgsl', chip, entry: 'f', section: `artifact/${n}` })) }),
  ...Object.fromEntries(variants.map(([chip, features, code], n) =>
    [`artifact/${n}`, makeArtifact({ chip, features }, code)])),
});

test('subgroups have at least as many lanes as a variant asks for', async () => {
  const shuffling = `enable subgroups;\n${SHADER}`;
  const variants = [['webgpu', [], SHADER], ['webgpu-subgroups', ['subgroups'], shuffling],
                    ['webgpu-subgroups32', ['subgroups', 'subgroup-min-size:32'], shuffling]];
  const bundle = bundleOf(variants);
  const choose = async (features, info) => {
    const device = Object.assign(new FakeDevice({ features }), info);
    return (await loadProgram(device, bundle)).reason;
  };
  assert.match(await choose(['subgroups'], { adapterInfo: { subgroupMinSize: 32 } }), /^wgsl:webgpu-subgroups32 for/);
  assert.match(await choose(['subgroups'], { info: { subgroupMinSize: 8 } }),
    /^wgsl:webgpu-subgroups for .*not wgsl:webgpu-subgroups32: it needs subgroups of 32 lanes; those of the device may have 8$/);
  assert.match(await choose(['subgroups']), /^wgsl:webgpu-subgroups for/);
  assert.match(await choose([], { adapterInfo: { subgroupMinSize: 32 } }), /^wgsl:webgpu for .*lacks subgroups/);
  // Of a subgroup of 64 lanes, code for 32 has two in each; the least size
  // decides, whatever the largest one is.
  for (const [least, most, lanes] of [[64, 64, '32'], [32, 64, '32'], [32, 128, '32'], [16, 64, ''], [8, 32, ''], [4, 128, '']])
    assert.ok((await choose(['subgroups'], { adapterInfo: { subgroupMinSize: least, subgroupMaxSize: most } }))
      .startsWith(`wgsl:webgpu-subgroups${lanes} for`), `${least} to ${most}`);
});

test('without a variant for its subgroups a device is told so', async () => {
  const code = `enable subgroups;\n${SHADER}`;
  const only = makeArtifact({ chip: 'webgpu-subgroups32', features: ['subgroups', 'subgroup-min-size:32'] }, code);
  const withLanes = (least, most) => Object.assign(new FakeDevice({ features: ['subgroups'] }),
    { adapterInfo: { subgroupMinSize: least, subgroupMaxSize: most } });
  await fails(() => loadProgram(withLanes(16, 64), only), 'UNSUPPORTED_DEVICE',
    'compiled for wgsl:webgpu-subgroups32; it needs subgroups of 32 lanes; those of the device may have 16');
  assert.equal((await loadProgram(withLanes(64, 64), only)).description.chip, 'webgpu-subgroups32');
  // Fragments are those of subgroups of exactly so many lanes.
  const matrices = makeArtifact({ chip: 'webgpu-matrix', features: ['subgroups', 'subgroup-size:32', 'subgroup-matrix:16x16x16:f16:f32'] },
    `enable chromium_experimental_subgroup_matrix;\n${code}`);
  const device = withLanes(64, 64);
  device.features.add('chromium-experimental-subgroup-matrix');
  device.adapterInfo.subgroupMatrixConfigs = [{ M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' }];
  await fails(() => loadProgram(device, matrices), 'UNSUPPORTED_DEVICE', 'it needs matrices 16x16x16:f16:f32 in subgroups of 32 lanes');
});

test('a processor that imitates a device takes code of its own', async () => {
  const shuffling = `enable subgroups;\n${SHADER}`;
  const variants = [['webgpu', [], SHADER], ['webgpu-software', ['software'], SHADER], ['webgpu-subgroups', ['subgroups'], shuffling]];
  const bundle = bundleOf(variants);
  const choose = async (info) =>
    (await loadProgram(Object.assign(new FakeDevice({ features: ['subgroups'] }), info), bundle)).reason;
  assert.match(await choose({ adapterInfo: { isFallbackAdapter: true } }),
    /^wgsl:webgpu-software for .*not wgsl:webgpu-subgroups: it makes less of the device$/);
  assert.match(await choose({ info: { architecture: 'swiftshader' } }), /^wgsl:webgpu-software for/);
  assert.match(await choose({ adapterInfo: { isFallbackAdapter: false, architecture: 'ada-lovelace' } }),
    /^wgsl:webgpu-subgroups for .*not wgsl:webgpu-software: it is for processors that imitate a device/);
  assert.match(await choose({}), /^wgsl:webgpu-subgroups for/);
});

test('matrices have the shapes and types of a variant, in subgroups of so many lanes', async () => {
  const feature = 'chromium-experimental-subgroup-matrix', features = ['subgroups', feature];
  const code = `enable subgroups;\nenable chromium_experimental_subgroup_matrix;\n${SHADER}`;
  const bundle = makeContainer({
    json: JSON.stringify({ format: 'attn-bundle', version: 1,
      variants: ['webgpu', 'webgpu-matrix'].map((chip, n) => ({ target: 'wgsl', chip, entry: 'f', section: `artifact/${n}` })) }),
    'artifact/0': makeArtifact({ chip: 'webgpu' }, SHADER),
    'artifact/1': makeArtifact({ chip: 'webgpu-matrix',
      features: ['subgroups', 'subgroup-size:32', 'subgroup-matrix:16x16x16:f16:f32'] }, code),
  });
  const shape = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
  const choose = async (has, lanes, configs) => (await loadProgram(Object.assign(new FakeDevice({ features: has }),
    { adapterInfo: { subgroupMinSize: lanes[0], subgroupMaxSize: lanes[1], subgroupMatrixConfigs: configs } }), bundle)).reason;
  assert.match(await choose(features, [32, 32], [{ ...shape, M: 8 }, shape]), /^wgsl:webgpu-matrix for/);
  const refused = /^wgsl:webgpu for .*not wgsl:webgpu-matrix: it needs matrices 16x16x16:f16:f32 in subgroups of 32 lanes$/;
  assert.match(await choose(features, [32, 32], [{ ...shape, resultComponentType: 'f16' }]), refused);
  assert.match(await choose(features, [32, 64], [shape]), refused);
  assert.match(await choose(features, [32, 32], undefined), refused);
  assert.match(await choose(['subgroups'], [32, 32], [shape]), /^wgsl:webgpu for .*lacks chromium-experimental-subgroup-matrix/);
  // Code that multiplies no matrices asks for none.
  const plain = makeArtifact({ chip: 'webgpu-matrix', features: ['subgroups', 'subgroup-size:32', 'subgroup-matrix:16x16x16:f16:f32'] }, SHADER);
  assert.match((await loadProgram(new FakeDevice(), plain)).reason, /^wgsl:webgpu-matrix for/);
});

test('of variants that need the same the last is taken, and vectors count as four', async () => {
  const tiled = SHADER.replace(/array<f32, 1024>/, 'array<vec4<f32>, 2048>');
  assert.notEqual(tiled, SHADER);
  const bundle = makeContainer({
    json: JSON.stringify({ format: 'attn-bundle', version: 1,
      variants: ['webgpu', 'webgpu-tiled'].map((chip, n) => ({ target: 'wgsl', chip, entry: 'f', section: `artifact/${n}` })) }),
    'artifact/0': variantOf('webgpu'),
    'artifact/1': variantOf('webgpu-tiled', tiled),
  });
  assert.match((await loadProgram(new FakeDevice({ limits: { maxComputeWorkgroupStorageSize: 32768 } }), bundle)).reason,
    /^wgsl:webgpu-tiled for WebGPU; not wgsl:webgpu: it makes less of the device$/);
  assert.match((await loadProgram(new FakeDevice(), bundle)).reason,
    /^wgsl:webgpu for WebGPU; not wgsl:webgpu-tiled: it needs maxComputeWorkgroupStorageSize 32768; the device has 16384$/);
});

test('a device is asked for what the variant needs', async () => {
  const adapter = { limits: { ...LIMITS, maxComputeWorkgroupStorageSize: 32768 }, features: new Set(['shader-f16', 'timestamp-query']) };
  const large = `enable f16;\n${SHADER.replace('1024>', '8192>')}`;
  const { requiredFeatures, requiredLimits } = await describeDevice(adapter, makeArtifact(), makeArtifact({}, large));
  assert.deepEqual(requiredFeatures, ['shader-f16']);
  assert.equal(requiredLimits.maxComputeWorkgroupStorageSize, 32768);
  assert.equal(requiredLimits.maxStorageBuffersPerShaderStage, 2);
  assert.equal(requiredLimits.maxStorageBufferBindingSize, LIMITS.maxStorageBufferBindingSize);
});

test('a device that runs nothing is told what it lacks', async () => {
  await fails(() => load({}, new FakeDevice({ limits: { maxStorageBuffersPerShaderStage: 1 } })), 'UNSUPPORTED_DEVICE',
    'compiled for wgsl:webgpu', 'needs maxStorageBuffersPerShaderStage 2; the device has 1');
  await fails(() => load({}, new FakeDevice({ limits: { maxComputeInvocationsPerWorkgroup: 16 } })), 'UNSUPPORTED_DEVICE',
    'maxComputeInvocationsPerWorkgroup 32');
  await fails(() => load({ target: 'cpu' }), 'UNSUPPORTED_DEVICE', 'browsers run WGSL and WebAssembly');
  await fails(() => loadProgram(null, makeArtifact()), 'UNSUPPORTED_DEVICE', 'there is no WebGPU device');
  await fails(() => load({}, new FakeDevice(), SHADER.replace('// k', '// wrong')), 'DEVICE_ERROR', "the kernel 'k'",
    'invalid pipeline', 'error in line 3: no such type');
  assert.equal(chooseVariant(await openVariants(makeArtifact()), new FakeDevice()).reason, 'wgsl:webgpu for WebGPU');
});

test('a lost device is an error of every later call', async () => {
  const device = new FakeDevice(), program = await load({}, device), call = program.bind(bound(3));
  device.lose({ reason: 'unknown', message: 'gone' });
  await device.lost;
  await fails(() => program.bind(bound(3)), 'DEVICE_ERROR', 'lost (unknown): gone');
  await fails(() => call.encode(device.createCommandEncoder()), 'DEVICE_ERROR', 'lost');
  await fails(() => call.run(), 'DEVICE_ERROR', 'lost');
  await fails(() => call.read(call.tensor('y')), 'DEVICE_ERROR', 'lost');
  assert.equal(device.scopes, 0);
});

test('a device that is lost during a call is an error of it', async () => {
  const device = new FakeDevice(), program = await load({}, device), call = program.bind(bound(3));
  device.popErrorScope = async () => {
    --device.scopes;
    device.lose({ reason: 'unknown', message: 'gone' });
    return null;
  };
  await fails(() => call.run(), 'DEVICE_ERROR', 'lost (unknown): gone');
  assert.equal(device.scopes, 0);
  await fails(() => describeDevice(null, makeArtifact()), 'UNSUPPORTED_DEVICE', 'no adapter');
});

test('what cannot be read is told so', async () => {
  const device = new FakeDevice(), program = await load({}, device);
  const call = program.bind({ ...bound(3), y: { ...bound(3).y, buffer: new FakeBuffer({ size: 512, usage: STORAGE }) } });
  await fails(() => call.read(call.tensor('y')), 'INVALID_ARGUMENT', "argument 1 'y': the buffer was not created with GPUBufferUsage.COPY_SRC");
  const readable = program.bind(bound(3));
  FakeBuffer.prototype.mapAsync = async () => { throw new Error('the map was aborted'); };
  await fails(() => readable.read(readable.tensor('y')), 'DEVICE_ERROR', 'the map was aborted');
  delete FakeBuffer.prototype.mapAsync;
  assert.ok(device.buffers.at(-1).destroyed);
});

//===-- Calls -------------------------------------------------------------===//

test('a launch gets its parameters', async () => {
  const device = new FakeDevice(), program = await load({}, device);
  const call = program.bind(bound(70, { n: 5n }));
  call.encode(device.createCommandEncoder());
  const [[first, second]] = device.passes;
  assert.equal(first.kernel, 'k');
  assert.deepEqual(first.groups, [3, 1, 1]);
  const half = new Int32Array(new Float32Array([0.5]).buffer)[0];
  // First group, extents, then x's base, stride, n, c, y's base.
  assert.deepEqual([...first.words.slice(0, 11)], [0, 0, 0, 3, 1, 1, 0, 4, 5, half, 0]);
  assert.deepEqual(second.groups, [1, 1, 1]);
  assert.equal(device.cleared.length, 1);
  assert.equal(call.metric('flops'), 560);
  assert.deepEqual(call.results[0].shape, [70, 4]);
  await fails(() => call.metric('bytes'), 'NOT_FOUND', 'it has: flops');
  // What `when` skips is not dispatched; arguments may come in order.
  const { x, y } = bound(3);
  program.bind([x, y, 1, 2]).encode(device.createCommandEncoder());
  assert.equal(device.passes[1].length, 1);
});

test('parts of buffers, with strides of either sign', async () => {
  const device = new FakeDevice(), program = await load({}, device);
  const whole = buffer(4096);
  // Rows of 6, the last one first, from element 300 on.
  const x = { buffer: whole, shape: [5, 4], strides: [-6, 1], offset: 4 * (300 + 24) };
  program.bind({ ...bound(5), x }).encode(device.createCommandEncoder());
  const [[{ entries, words }]] = device.passes;
  assert.deepEqual(entries[0], { buffer: whole, offset: 1024, size: 4 * (300 + 28) - 1024 });
  assert.equal(words[6], 300 + 24 - 256);
  assert.equal(words[7], -6);
  // What is never stepped along has any stride.
  program.bind({ ...bound(1), x: { ...x, shape: [1, 4], strides: [2 ** 40, 1] } }).encode(device.createCommandEncoder());
  assert.equal(device.passes[1][0].words[7], 0);
});

test('grids over 65,535 groups are folded', async () => {
  const device = new FakeDevice({ limits: { maxComputeWorkgroupsPerDimension: 4 } });
  const program = await load({}, device);
  program.bind(bound(320)).encode(device.createCommandEncoder());
  const [dispatches] = device.passes;
  assert.deepEqual(dispatches.map(({ groups }) => groups), [[4, 1, 1], [4, 1, 1], [2, 1, 1]]);
  assert.deepEqual(dispatches.map(({ words }) => [...words.slice(0, 4)]), [[0, 0, 0, 10], [4, 0, 0, 10], [8, 0, 0, 10]]);
});

test('empty tensors are bound to something', async () => {
  const device = new FakeDevice(), args = describe().arguments;
  const program = await load({ launches: [{ ...describe().launches[0], grid: [1, 1, 1] }], arguments: args }, device);
  program.bind({ ...bound(0), x: { buffer: buffer(16), shape: [0, 4] } }).encode(device.createCommandEncoder());
  const [[{ entries }]] = device.passes;
  assert.equal(entries[0].size, 16);
  assert.notEqual(entries[0].buffer, entries[1].buffer);
});

test('results without a buffer get one', async () => {
  const device = new FakeDevice();
  const changes = {
    arguments: describe().arguments.filter(({ name }) => name !== 'y'),
    results: [{ name: 'y', dtype: 'f32', shape: [['dim', 'x', 0], 4], dense: true }],
  };
  const program = await load(changes, device), { x, y } = bound(6);
  const call = program.bind({ x, n: 0, c: 1 });
  assert.equal(call.results[0].buffer.size, 96);
  assert.equal(program.bind({ x, y, n: 0, c: 1 }).results[0].buffer, y.buffer);
  await fails(() => program.bind({ x, y: tensor(5), n: 0, c: 1 }), 'INVALID_ARGUMENT',
    "result 0 'y': dimension 0 is 5, expected 6");
  await fails(() => program.bind({ x, y: { ...y, shape: [6, 4], strides: [1, 6] }, n: 0, c: 1 }), 'INVALID_ARGUMENT',
    'rule 1: the code needs stride 4 in dimension 0 (stride = 1)');
  call.destroy();
  assert.ok(call.results[0].buffer.destroyed);
});

test('integers of 64 bits are taken as 32', async () => {
  const device = new FakeDevice(), args = describe().arguments;
  const ids = { name: 'x', kind: 'buffer', dtype: 'i64', shape: ['?', 4], access: 'read', narrowed: 'i32' };
  const program = await load({ arguments: [ids, ...args.slice(1)] }, device), shape = [1, 4];
  const data = new BigInt64Array([1n, -2n, 3n, 2n ** 31n - 1n]);
  program.bind({ ...bound(1), x: { data, shape } });
  assert.deepEqual([...new Int32Array(device.buffers[0].bytes.buffer)], [1, -2, 3, 2 ** 31 - 1]);
  program.bind({ ...bound(1), x: tensor(1, { dtype: 'i32' }) });
  data[3] += 1n;
  await fails(() => program.bind({ ...bound(1), x: { data, shape } }), 'INVALID_ARGUMENT',
    "argument 0 'x': element [0,3] = 2147483648 does not fit i32");
  await fails(() => program.bind(bound(1)), 'INVALID_ARGUMENT', "dtype: 'i32'");
});

test('wrong calls are refused in the words of the contract', async () => {
  const program = await load();
  const refused = (changes, ...parts) => fails(() => program.bind({ ...bound(8), ...changes }), 'INVALID_ARGUMENT', ...parts);
  await refused({ x: undefined }, "argument 0 'x' is not set");
  await refused({ z: 1 }, "there is no argument 'z'");
  await refused({ x: 1 }, "argument 0 'x' is a buffer, not a scalar");
  await refused({ n: tensor(8) }, "argument 2 'n' is a scalar, not a buffer");
  await refused({ n: 1.5 }, '1.5 does not fit i64');
  await refused({ n: 2n ** 31n }, "'n' = 2147483648 does not fit the 32 bits");
  await refused({ c: 1e39 }, 'does not fit f32');
  await refused({ x: tensor(8, { dtype: 'f16' }) }, 'dtype f16, expected f32');
  await refused({ x: { buffer: buffer(128), shape: [8] } }, 'rank 1, expected 2 (expected shape [?,4])');
  await refused({ x: { buffer: buffer(128), shape: [8, 3] } }, 'dimension 1 is 3, expected 4 (shape [8,3], expected [?,4])');
  await refused({ x: { buffer: buffer(128), shape: [-1, 4] } }, 'negative size -1');
  await refused({ x: tensor(8, { strides: [4, 2] }) }, 'bytes 0 to 140', 'the buffer has 128');
  await refused({ x: { buffer: buffer(512), shape: [8, 4], strides: [8, 2] } }, 'rule 1: the code needs stride 1 in dimension 1 (stride = 2)');
  await refused({ x: tensor(8, { strides: [4] }) }, '1 strides for rank 2');
  await refused({ x: tensor(8, { offset: 4 }) }, 'bytes 4 to 132');
  await refused({ x: { buffer: buffer(256), shape: [8, 4], offset: 2 } }, 'the offset 2 is not a multiple of the 4 bytes of f32');
  await refused({ x: { buffer: new FakeBuffer({ size: 128, usage: 8 }), shape: [8, 4] } }, 'GPUBufferUsage.STORAGE');
  await refused({ y: tensor(8, { strides: [0, 1] }) }, 'has stride 0, but the tensor is written');
  await refused({ y: tensor(8, { strides: [2, 1] }) }, 'elements share memory');
  await refused({ y: tensor(9) }, "argument 1 'y': dimension 0 is 9, expected 8");
  const shared = buffer(1024);
  const half = (offset) => ({ buffer: shared, shape: [8, 4], offset });
  await refused({ x: half(0), y: half(64) }, "argument 1 'y', which is written, shares memory with argument 0 'x'");
  await refused({ x: half(0), y: half(512) }, 'WebGPU takes a buffer for one of both');
  await refused({ x: { data: new Float64Array(4), shape: [1, 4] } }, 'is a Float64Array, expected Float32Array');
  await refused({ x: { data: new Float32Array(5), shape: [1, 4] } }, 'has 5 elements');
  for (const offset of [NaN, Infinity, '4', 4n, 0.5])
    await refused({ x: tensor(8, { offset }) }, `argument 0 'x': the offset ${offset} is no integer`);
  await refused({ x: tensor(8, { strides: '41' }) }, 'strides are an array');
  await refused({ x: tensor(8, { stride: [4, 1] }) }, "argument 0 'x': a tensor has no 'stride'; it has buffer, data, shape");
  for (const nothing of [undefined, null, 3])
    await fails(() => program.bind(nothing), 'INVALID_ARGUMENT', 'bind takes x, y, n, c by name');
});

test('the rule of a check is in the error', async () => {
  const program = await load({ launches: [] }, new FakeDevice());
  const x = { buffer: buffer(16), shape: [2000000, 4], strides: [0, 1] };
  await assert.rejects(async () => program.bind({ ...bound(1), x }), (error) => {
    assert.equal(error.message, 'rule 21: dimension 0 of x is too large (size = 2000000)');
    assert.equal(error.rule, 21);
    return true;
  });
});

test('what a device cannot bind is refused', async () => {
  const program = await load({}, new FakeDevice({ limits: { maxStorageBufferBindingSize: 64 } }));
  await fails(() => program.bind(bound(8)), 'INVALID_ARGUMENT', 'spans 128 bytes; the device binds at most 64');
  const huge = await load({ temporaries: [{ name: 't', bytes: 2 ** 30 }] });
  await fails(() => huge.bind(bound(8)), 'OUT_OF_MEMORY', "'t' needs 1073741824 bytes", 'at most 268435456');
});

test('a kernel that was not compiled is asked for', async () => {
  const [k, second] = describe().launches;
  const program = await load({ launches: [{ ...k, code: undefined, when: ['lt', 5, ['scalar', 'n']] }, second] });
  program.bind(bound(4));
  await fails(() => program.bind(bound(4, { n: 6 })), 'NOT_FOUND', "no code of the kernel 'k'");
});

//===-- On the processor --------------------------------------------------===//

const wasmArtifact = (changes) => makeContainer({
  json: JSON.stringify(describe({
    target: 'cpu', chip: 'wasm32', features: ['simd128'],
    launches: [{ ...describe().launches[0], code: 'code/cpu', block: undefined, grid: [['mul', ['symbol', 'rows'], 4], 1, 1] }],
    ...changes,
  })),
  'code/cpu': makeWasm(),
});

test('without a GPU kernels of WebAssembly run', async () => {
  const program = await loadProgram(null, wasmArtifact());
  assert.equal(program.reason, 'cpu:wasm32 for the processor');
  const x = Float32Array.from({ length: 16 }, (_, n) => n), y = new Float32Array(16);
  const whole = { data: x, shape: [4, 4] }, result = { data: y, shape: [4, 4] };
  const call = program.bind({ x: whole, y: result, n: 0, c: 3 });
  await call.run();
  assert.deepEqual([...y], [...x].map((value) => 3 * value));
  // What is rewritten is read again; a part of an array is copied, no more.
  x[2] = 100;
  await program.bind({ x: { data: x, shape: [2, 4], offset: 8 }, y: { data: y, shape: [2, 4], offset: 4 }, n: 0, c: 2 }).run();
  assert.deepEqual([...y.slice(0, 10)], [0, 200, 6, 8, 10, 12, 14, 16, 18, 27]);
  // Rows from the last one on.
  const [whole_y] = call.results;
  const rows = await call.read({ ...whole_y, shape: [4, 2], strides: [-4, 1], offset: 48 });
  assert.deepEqual([...new Float32Array(rows.buffer)], [36, 39, 18, 27, 10, 12, 0, 200]);
  // The kernel takes rows of x: columns are copied into such.
  await program.bind({ x: { data: x, shape: [4, 4], strides: [1, 4] }, y: result, n: 0, c: 1 }).run();
  assert.deepEqual([...y], [0, 4, 8, 12, 1, 5, 9, 13, 100, 6, 10, 14, 3, 7, 11, 15]);
  await fails(() => call.encode(), 'UNSUPPORTED_DEVICE', 'use run()');
  await fails(() => program.bind({ x: whole, y: { data: x, shape: [4, 4] }, n: 0, c: 2 }), 'INVALID_ARGUMENT', 'shares memory');
  await fails(() => program.bind({ x: tensor(4), y: result, n: 0, c: 2 }), 'INVALID_ARGUMENT', 'its data is a undefined');
  // Views of one buffer: apart, overlapping, and without the memory they had.
  const pool = new ArrayBuffer(256), view = (at, offset = 0) => ({ data: new Float32Array(pool, at), shape: [2, 4], offset });
  new Float32Array(pool).set([1, 2, 3, 4, 5, 6, 7, 8]);
  const apart = program.bind({ x: view(0), y: view(64), n: 0, c: 2 });
  await apart.run();
  assert.deepEqual([...new Float32Array(pool, 64, 4)], [2, 4, 6, 8]);
  await fails(() => program.bind({ x: view(0, 64), y: view(64), n: 0, c: 2 }), 'INVALID_ARGUMENT', 'shares memory');
  structuredClone(pool, { transfer: [pool] });
  await fails(() => apart.run(), 'INVALID_ARGUMENT', "argument 0 'x': its elements lie in bytes 0 to 32, but the array has 0 now");
});

test('what buffers hold is checked in every run', async () => {
  const ids = { name: 'x', kind: 'buffer', dtype: 'i32', shape: ['?', 4], access: 'read' };
  const at = ['load', 'x', ['add', ['mul', ['index', 0], ['stride', 'x', 0]], ['index', 1]]];
  const checks = [{ forall: [['dim', 'x', 0], ['add', 1, ['index', 0]]], expr: ['lt', at, 5], message: 'rule 11: too long',
                    values: [{ name: 'b', expr: ['index', 0] }, { name: 'x', expr: at }] }];
  const program = await loadProgram(null, wasmArtifact({ arguments: [ids, ...describe().arguments.slice(1)], checks }));
  const data = new Int32Array([0, 9, 9, 9, 1, 2, 9, 9]);
  const call = program.bind({ x: { data, shape: [2, 4] }, y: { data: new Float32Array(8), shape: [2, 4] }, n: 0, c: 2 });
  await call.run();
  data[5] = 7;
  await fails(() => call.run(), 'INVALID_ARGUMENT', 'rule 11: too long (b = 1, x = 7)');
});

test('checks without loops read buffers, and so does the extent of a first loop', async () => {
  const ids = { name: 'x', kind: 'buffer', dtype: 'i32', shape: ['?', 4], access: 'read' };
  const first = ['load', 'x', 0];
  const checks = [{ forall: [], expr: ['le', first, 3], message: 'rule 11: too many', values: [{ name: 'first', expr: first }] },
                  { forall: [first], expr: ['lt', ['load', 'x', ['add', ['index', 0], 1]], 5], message: 'rule 11: too long',
                    values: [{ name: 'p', expr: ['index', 0] }] }];
  const program = await loadProgram(null, wasmArtifact({ arguments: [ids, ...describe().arguments.slice(1)], checks }));
  const data = new Int32Array([2, 4, 4, 9]);
  const call = program.bind({ x: { data, shape: [1, 4] }, y: { data: new Float32Array(4), shape: [1, 4] }, n: 0, c: 2 });
  await call.run();
  data[0] = 3;
  await fails(() => call.run(), 'INVALID_ARGUMENT', 'rule 11: too long (p = 2)');
  data[0] = 4;
  await fails(() => call.run(), 'INVALID_ARGUMENT', 'rule 11: too many (first = 4)');
  const index = [{ forall: [], expr: ['lt', ['index', 0], 5], message: 'rule 11: none', values: [] }];
  await fails(() => loadProgram(null, wasmArtifact({ arguments: [ids, ...describe().arguments.slice(1)], checks: index })), 'MALFORMED_ARTIFACT', '0 loops');
});

test('a device goes before the processor', async () => {
  const bundle = makeContainer({
    json: JSON.stringify({ format: 'attn-bundle', version: 1, variants: [
      { target: 'cpu', chip: 'wasm32', entry: 'f', section: 'artifact/0' }, { target: 'wgsl', chip: 'webgpu', entry: 'f', section: 'artifact/1' }] }),
    'artifact/0': wasmArtifact(),
    'artifact/1': makeArtifact(),
  });
  assert.equal((await loadProgram(new FakeDevice(), bundle)).description.target, 'wgsl');
  const alone = await loadProgram(null, bundle);
  assert.equal(alone.reason, 'cpu:wasm32 for the processor; not wgsl:webgpu: there is no WebGPU device');
});
