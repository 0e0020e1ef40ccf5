// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares the variants of a packed artifact with artifacts of one chip:
//
//   node packed.mjs RUNTIME ALL.attn FOLDER

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

const [runtime, file, folder] = process.argv.slice(2);
const { openVariants } = await import(`${runtime}/index.js`);
const { hash128 } = await import(`${runtime}/artifact.js`);

const packed = readFileSync(file);
let bytes = 0;
for (const { description, codes } of await openVariants(packed)) {
  const path = join(folder, `${description.chip}.attn`), [one] = await openVariants(readFileSync(path));
  bytes += readFileSync(path).length;
  const isSame = JSON.stringify(one.description) === JSON.stringify(description) &&
    [...one.codes].every(([name, code]) => codes.get(name) === code);
  console.log(`${description.chip} is ${isSame ? 'the same' : 'another'}`);
}
console.log(packed.length < bytes / 20 ? 'less than a twentieth' : `${packed.length} of ${bytes} bytes`);

/** Header and hash for other contents, of which `size` bytes are inflated. */
function seal(contents, size = packed.readUInt32LE(40)) {
  const whole = Buffer.concat([packed.subarray(0, 44), contents]);
  whole.writeUInt32LE(size, 40);
  whole.writeBigUInt64LE(BigInt(whole.length), 16);
  hash128(new Uint8Array(whole.subarray(40))).forEach((half, n) => whole.writeBigUInt64LE(half, 24 + 8 * n));
  return whole;
}
const changed = Buffer.from(packed);
changed[1000] ^= 1;
const noise = Buffer.from(Array.from({ length: 400 }, (_, n) => n * 37 % 251));
const bad = {
  'cut short': packed.subarray(0, 1000),
  'another byte': changed,
  'sealed again': seal(packed.subarray(44, packed.length - 1000)),
  'something else': seal(deflateSync(Buffer.from(`\x01\0\x01${'x'.repeat(400)}\n`), { level: 0 }), 404),
  'codes without text': seal(deflateSync(Buffer.concat([Buffer.from([200, 1, 0]), Buffer.alloc(200, 1), noise]), { level: 0 })),
};
for (const [name, data] of Object.entries(bad))
  console.log(`${name}: ${await openVariants(data).then(() => 'fine', ({ message }) => message)}`);
