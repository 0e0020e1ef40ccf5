// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program asks of a device, and the choice among the variants of an
// artifact.

import { openContainer, readArtifact } from './artifact.js';
import { parseDescription, parseJson, parseVariants } from './description.js';
import { fail } from './error.js';
import { findWasmFeatures } from './wasm-call.js';

/** The feature behind each `enable` of a shader. */
const FEATURES = {
  f16: 'shader-f16',
  subgroups: 'subgroups',
  chromium_experimental_subgroup_matrix: 'chromium-experimental-subgroup-matrix',
};
const ELEMENT_BYTES = { f32: 4, i32: 4, u32: 4, f16: 2 };

/** The declarations of a kernel: those between the one before it and itself. */
function declarationsOf(code, kernel) {
  const end = code.search(new RegExp(`\\nfn ${kernel}\\(`));
  if (end < 0) fail('MALFORMED_ARTIFACT', `malformed artifact: the shader has no kernel '${kernel}'`);
  const before = code.slice(0, end);
  return before.slice(before.slice(0, before.lastIndexOf('\n@compute')).lastIndexOf('\n@compute') + 1);
}

/** Functions that read four neighbours of a buffer. */
const READERS = /fn (\w+)\(base: i32, at: i32\) -> (vec4<\w+>) \{ let n = base \+ at; return \2\((\w+)\[n\],.*\n/g;

/** The code for buffers whose rows begin at multiples of four elements: what is
 * read by fours alone is memory of vectors. Neither part of a place is negative. */
export function widen(code) {
  for (const [text, name, vector, buffer] of code.matchAll(READERS)) {
    const others = code.replace(text, '').replace(/\/\/.*/g, '');
    if (new RegExp(`\\b${buffer}\\[`).test(others)) continue;
    code = code.replace(text, `fn ${name}(base: i32, at: i32) -> ${vector} { return ${buffer}[(u32(base) >> 2u) + (u32(at) >> 2u)]; }\n`)
      .replace(new RegExp(`(> ${buffer}: array<)\\w+>;`), `$1${vector}>;`);
  }
  return code;
}

/** How a shader binds what a launch hands it. */
export function describeKernel(code, kernel) {
  const text = declarationsOf(code, kernel);
  const access = [];
  for (const [, binding, mode] of text.matchAll(/@binding\((\d+)\) var<storage, (\w+)>/g)) access[binding] = mode;
  // Those that are memory of vectors.
  const vectors = Array.from(text.matchAll(/@binding\((\d+)\) var<storage, \w+> \w+: array<vec4</g), ([, n]) => Number(n));
  let shared = 0;
  for (const [, four, element, count] of text.matchAll(/var<workgroup> \w+: array<(vec4<)?(\w+)>?, (\d+)>/g))
    shared += (four ? 4 : 1) * (ELEMENT_BYTES[element] ?? 4) * count;
  return { access, shared, vectors };
}

/** The features and limits that a variant needs. */
function needsOf({ description, codes }) {
  const features = new Set(), limits = {};
  const need = (limit, value) => { limits[limit] = Math.max(limits[limit] ?? 0, value); };
  for (const code of codes.values())
    for (const [, names] of code.matchAll(/^enable ([\w, ]+);/gm))
      for (const name of names.split(/,\s*/)) features.add(FEATURES[name] ?? name);
  const find = (pattern) => (description.features ?? []).map((name) => pattern.exec(name)).find(Boolean) ?? [];
  const [, lanes] = find(/^subgroup-(?:min-)?size:(\d+)$/), [, matrix] = find(/^subgroup-matrix:(.*)$/);
  const isSoftware = description.features?.includes('software') ?? false;
  const hasMatrices = features.has(FEATURES.chromium_experimental_subgroup_matrix);
  for (const launch of description.launches) {
    if (!launch.code) continue;
    const { access, shared } = describeKernel(codes.get(launch.code), launch.kernel);
    const [x, y, z] = launch.block ?? [1, 1, 1];
    need('maxStorageBuffersPerShaderStage', access.length);
    need('maxComputeWorkgroupStorageSize', shared);
    need('maxComputeInvocationsPerWorkgroup', x * y * z);
    need('maxComputeWorkgroupSizeX', x);
    need('maxComputeWorkgroupSizeY', y);
    need('maxComputeWorkgroupSizeZ', z);
  }
  return {
    features: [...features], limits, lanes: features.has('subgroups') ? Number(lanes ?? 0) : 0,
    matrix: hasMatrices ? matrix : undefined, isSoftware,
  };
}

/** Code for the processor that a browser runs. */
const isWasm = ({ target, chip }) => target === 'cpu' && /^wasm/.test(chip ?? '');

/** Shapes of products of subgroup matrices, and types of factors and result. */
const spellMatrix = ({ M, N, K, componentType, resultComponentType }) => `${M}x${N}x${K}:${componentType}:${resultComponentType}`;

/** Whether a processor imitates the device. */
const isImitated = (info) => info?.isFallbackAdapter === true || info?.architecture === 'swiftshader';

/** Why neither a device (or an adapter; null without) nor the browser's
 * processor runs a variant; '' if one does. */
function objectionOf({ description, needs }, device) {
  if (isWasm(description)) {
    const present = findWasmFeatures();
    const lacking = (description.features ?? []).filter((feature) => !present.has(feature));
    return lacking.length ? `WebAssembly lacks ${lacking.join(', ')} here` : '';
  }
  if (description.target !== 'wgsl') return 'browsers run WGSL and WebAssembly';
  if (!device) return 'there is no WebGPU device';
  const lacking = needs.features.filter((feature) => !device.features.has(feature));
  if (lacking.length) return `the device lacks ${lacking.join(', ')}`;
  // A device tells what its adapter found, if it is not the adapter.
  const info = device.adapterInfo ?? device.info, least = info?.subgroupMinSize ?? 4;
  if (needs.isSoftware && !isImitated(info)) return 'it is for processors that imitate a device';
  if (needs.lanes > least) return `it needs subgroups of ${needs.lanes} lanes; those of the device may have ${least}`;
  const matrices = Array.from(info?.subgroupMatrixConfigs ?? [], spellMatrix);
  if (needs.matrix && (info?.subgroupMaxSize !== needs.lanes || !matrices.includes(needs.matrix)))
    return `it needs matrices ${needs.matrix} in subgroups of ${needs.lanes} lanes`;
  for (const [limit, value] of Object.entries(needs.limits))
    if (value > device.limits[limit]) return `it needs ${limit} ${value}; the device has ${device.limits[limit]}`;
  return '';
}

function openVariant(sections) {
  const description = parseDescription(parseJson(sections.get('json')));
  const codes = new Map();
  for (const [name, bytes] of sections)
    if (name.startsWith('code/'))
      codes.set(name, description.target === 'wgsl' ? new TextDecoder().decode(bytes) : bytes);
  description.launches.forEach((launch, n) => {
    if (launch.code && !codes.has(launch.code))
      fail('MALFORMED_ARTIFACT', `malformed artifact: $.launches[${n}].code: there is no code section '${launch.code}'`);
  });
  const variant = { description, codes, name: `${description.target}:${description.chip ?? ''}` };
  variant.needs = description.target === 'wgsl' ? needsOf(variant) : { features: [], limits: {} };
  return variant;
}

/** The variants of an artifact for browsers; of those for others, what the
 * bundle says of them. */
export async function openVariants(data) {
  const sections = openContainer(await readArtifact(data));
  const json = parseJson(sections.get('json'));
  if (json.format !== 'attn-bundle') return [openVariant(sections)];
  return parseVariants(json).map(({ target, chip, section }) => {
    if (!sections.has(section)) fail('MALFORMED_ARTIFACT', `malformed artifact: there is no section '${section}'`);
    if (target === 'wgsl' || isWasm({ target, chip })) return openVariant(openContainer(sections.get(section)));
    return { description: { target }, name: `${target}:${chip}`, needs: { features: [], limits: {} } };
  });
}

/** What makes most of a device: it goes before the processor; what is for such
 * devices alone, features, then lanes of a subgroup. */
function rankOf({ description, needs: { isSoftware, features, lanes } }) {
  if (isWasm(description)) return [0, (description.features ?? []).length];
  return [1, isSoftware, features.length, lanes];
}

/** Whether a variant is better than one before it that runs, too: targets list
 * chips from those that run everywhere to those that make most of a device. */
function isBetter(one, other) {
  const ranks = rankOf(one), others = rankOf(other);
  const n = ranks.findIndex((rank, k) => rank !== others[k]);
  return n < 0 || ranks[n] > others[n];
}

/** The variant that makes most of `device` (null: the processor), and why that
 * one. */
export function chooseVariant(variants, device) {
  const objections = variants.map((variant) => objectionOf(variant, device));
  let best;
  variants.forEach((variant, n) => {
    if (!objections[n] && (!best || isBetter(variant, best))) best = variant;
  });
  if (!best && variants.length === 1)
    fail('UNSUPPORTED_DEVICE', `the artifact was compiled for ${variants[0].name}; ${objections[0]}`);
  let reason = best ? `${best.name} for ${isWasm(best.description) ? 'the processor' : 'WebGPU'}` : 'the artifact holds nothing that runs here';
  variants.forEach((variant, n) => {
    if (variant !== best) reason += `; not ${variant.name}: ${objections[n] || 'it makes less of the device'}`;
  });
  if (!best) fail('UNSUPPORTED_DEVICE', reason);
  return { variant: best, reason };
}

/** A descriptor for requestDevice with what the best variants of `artifacts`
 * for the adapter need. */
export async function describeDevice(adapter, ...artifacts) {
  if (!adapter) fail('UNSUPPORTED_DEVICE', 'there is no adapter: WebGPU found no GPU');
  const features = new Set(), requiredLimits = {};
  for (const artifact of artifacts) {
    const { needs } = chooseVariant(await openVariants(artifact), adapter).variant;
    needs.features.forEach((feature) => features.add(feature));
    for (const [limit, value] of Object.entries(needs.limits))
      requiredLimits[limit] = Math.max(requiredLimits[limit] ?? 0, value);
  }
  // Tensors may be as large as the adapter takes.
  for (const limit of ['maxStorageBufferBindingSize', 'maxBufferSize']) requiredLimits[limit] = adapter.limits[limit];
  return { requiredFeatures: [...features], requiredLimits };
}
