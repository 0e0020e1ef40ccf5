// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The container of docs/artifact.md: a header, a hash and a table of sections.

import { fail } from './error.js';
import { unpack } from './packed.js';

const MAGIC = [0x89, 0x41, 0x54, 0x54, 0x4e, 0x0d, 0x0a, 0x1a];
const PACKED = 1, HASHED_FROM = 40, TABLE_AT = 48, NAME_BYTES = 48, ENTRY_BYTES = 64;

const MASK = (1n << 64n) - 1n;
const PRIME32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn];
const PRIME64 = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n,
                 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n];
/** The default secret of XXH3. */
const SECRET = new DataView(Uint8Array.from(
  ('b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f' +
   'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
   '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
   'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
   'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e' +
   '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e')
    .match(/../g), (byte) => parseInt(byte, 16)).buffer);

/** XXH3-128 with seed 0 of more than 240 bytes, as [low, high]. */
export function hash128(bytes) {
  const STRIPE = 64, STRIPES = 16, BLOCK = STRIPE * STRIPES;
  const input = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const secret = (at) => SECRET.getBigUint64(at, true);
  const sums = [PRIME32[2], ...PRIME64.slice(0, 4), PRIME32[1], PRIME64[4], PRIME32[0]];
  const add = (at, key) => {
    for (let n = 0; n < 8; ++n) {
      const value = input.getBigUint64(at + 8 * n, true);
      const mixed = value ^ secret(key + 8 * n);
      sums[n ^ 1] = (sums[n ^ 1] + value) & MASK;
      sums[n] = (sums[n] + (mixed & 0xffffffffn) * (mixed >> 32n)) & MASK;
    }
  };
  const size = bytes.byteLength;
  for (let stripe = 0; stripe < Math.floor((size - 1) / STRIPE); ++stripe) {
    add(stripe * STRIPE, 8 * (stripe % STRIPES));
    if (stripe % STRIPES === STRIPES - 1 && (stripe + 1) * STRIPE <= Math.floor((size - 1) / BLOCK) * BLOCK)
      for (let n = 0; n < 8; ++n)
        sums[n] = ((sums[n] ^ (sums[n] >> 47n) ^ secret(128 + 8 * n)) * PRIME32[0]) & MASK;
  }
  add(size - STRIPE, 121);
  const merge = (start, key) => {
    let result = start & MASK;
    for (let n = 0; n < 8; n += 2) {
      const product = (sums[n] ^ secret(key + 8 * n)) * (sums[n + 1] ^ secret(key + 8 * n + 8));
      result += (product & MASK) ^ (product >> 64n);
    }
    result &= MASK;
    result = ((result ^ (result >> 37n)) * 0x165667919e3779f9n) & MASK;
    return result ^ (result >> 32n);
  };
  return [merge(BigInt(size) * PRIME64[0], 11), merge(~(BigInt(size) * PRIME64[1]), 117)];
}

function toBytes(data) {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  fail('INVALID_ARGUMENT', 'an artifact is an ArrayBuffer or a view of one');
}

const malformed = (what) => fail('MALFORMED_ARTIFACT', `malformed artifact: ${what}`);

/** The flags of an artifact, after a check of its header and hash. */
function checkContainer(bytes, accepted) {
  const size = bytes.byteLength;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  if (!size || MAGIC.some((byte, n) => n < size && byte !== bytes[n]))
    fail('MALFORMED_ARTIFACT', 'not an attention artifact: it does not start with the magic bytes');
  if (size < TABLE_AT)
    fail('CORRUPTED_ARTIFACT', `the artifact is truncated: ${size} bytes, its header alone has ${TABLE_AT}`);
  const version = view.getUint32(8, true), flags = view.getUint32(12, true);
  if (version !== 1)
    fail('UNSUPPORTED_VERSION', `the artifact has container version ${version}; this runtime reads version 1`);
  if (flags > accepted)
    fail('UNSUPPORTED_VERSION', `the artifact sets flags ${flags}, which this runtime does not know`);
  const total = Number(view.getBigUint64(16, true));
  if (size < total) fail('CORRUPTED_ARTIFACT', `the artifact is truncated: ${size} of ${total} bytes`);
  if (size > total)
    fail('CORRUPTED_ARTIFACT', `the artifact is corrupted: ${size} bytes where its header says ${total}`);
  if (size - HASHED_FROM <= 240) malformed(`${size} bytes hold no program`);
  const hash = hash128(bytes.subarray(HASHED_FROM));
  if (hash.some((half, n) => half !== view.getBigUint64(24 + 8 * n, true)))
    fail('CORRUPTED_ARTIFACT', 'the artifact is corrupted: its hash does not match its contents');
  return flags;
}

/** The bytes of an artifact, unpacked if it is packed; both are checked. */
export async function readArtifact(data) {
  const bytes = toBytes(data);
  if (checkContainer(bytes, PACKED) !== PACKED) return bytes;
  const unpacked = await unpack(bytes.subarray(HASHED_FROM));
  checkContainer(unpacked, 0);
  return unpacked;
}

/** The sections of an artifact that was read, or is in one, by name. */
export function openContainer(bytes) {
  const size = bytes.byteLength, view = new DataView(bytes.buffer, bytes.byteOffset, size);
  if (size < TABLE_AT) malformed(`${size} bytes hold no program`);
  const count = view.getUint32(40, true), tableEnd = TABLE_AT + count * ENTRY_BYTES;
  if (tableEnd > size) malformed(`a table of ${count} sections does not fit ${size} bytes`);
  const sections = new Map();
  for (let n = 0; n < count; ++n) {
    const entry = TABLE_AT + n * ENTRY_BYTES;
    const field = bytes.subarray(entry, entry + NAME_BYTES), length = field.indexOf(0);
    if (length <= 0) malformed(`section ${n} has no NUL-terminated name`);
    const name = new TextDecoder().decode(field.subarray(0, length));
    const offset = Number(view.getBigUint64(entry + NAME_BYTES, true));
    const bytesOf = Number(view.getBigUint64(entry + NAME_BYTES + 8, true));
    if (offset < tableEnd || offset > size || bytesOf > size - offset)
      malformed(`section '${name}' (offset ${offset}, size ${bytesOf}) does not lie within its ${size} bytes`);
    if (sections.has(name)) malformed(`two sections are called '${name}'`);
    sections.set(name, bytes.subarray(offset, offset + bytesOf));
  }
  if (!sections.has('json')) malformed("it has no 'json' section");
  return sections;
}
