// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a packed artifact holds (docs/artifact.md): lines are templates with the
// differences of their numbers from those of the last line of the template.

import { fail } from './error.js';

/** More than any program is. */
const MOST_BYTES = 2 ** 28;

const cutOff = (cause) => fail('MALFORMED_ARTIFACT', 'malformed artifact: what it packs is cut off', { cause });

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer().catch(cutOff));
}

/** The bytes behind the header of a packed artifact, unpacked. */
export async function unpack(packed) {
  const size = new DataView(packed.buffer, packed.byteOffset, 4).getUint32(0, true);
  const bytes = await inflate(packed.subarray(4));
  if (bytes.length !== size) cutOff();
  /** From a place on to its end: seven bits a byte, the lower ones first. */
  const next = (place) => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      if (place.at >= place.end) cutOff();
      const byte = bytes[place.at++];
      value += byte % 128 * scale;
      if (byte < 128) return value;
    }
  };
  const codes = { at: 0, end: bytes.length }, codeBytes = next(codes), differenceBytes = next(codes);
  const end = codes.end = codes.at + codeBytes, differences = { at: end, end: end + differenceBytes };
  if (differences.end > bytes.length) cutOff();
  let texts = '', previous = {}, text = '';
  for (const byte of bytes.subarray(differences.end)) texts += String.fromCharCode(byte);
  const rest = texts.match(/[^\n}]*[\n}]|[^\n}]+$/g) ?? [], templates = [];
  while (codes.at < end) {
    const code = next(codes);
    if (code === 1) {
      const parts = (rest[templates.length] ?? cutOff()).split('0');
      templates.push({ parts, last: parts.slice(1).fill(0) });
    }
    const template = code > 1 ? templates[code - 2] : code ? templates.at(-1) : previous.follower;
    if (!template) cutOff();
    previous = previous.follower = template;
    if (text.length > MOST_BYTES) cutOff();
    text += template.parts[0];
    template.last.forEach((last, n) => {
      const difference = next(differences);
      template.last[n] = last + (difference % 2 ? -(difference + 1) / 2 : difference / 2);
      text += template.last[n] + template.parts[n + 1];
    });
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
