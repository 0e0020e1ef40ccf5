// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of an artifact's shaders that are written when it is loaded: a
// score and a mask that a user types (docs/holes.md).

import { fail, refuse } from './error.js';
import { Expression } from './expression.js';

/** The holes of a description by name. */
const byName = (description) => new Map((description.holes ?? []).map((hole) => [hole.name, hole]));

/** What fills the holes of one attention of a program, the first without
 * `suffix`: a score and a mask as expressions, each of them optional. */
export function compileHoles(description, { score, mask }, suffix = '') {
  const holes = byName(description), bodies = {};
  const add = (name, text) => {
    const hole = holes.get(name);
    if (!hole) fail('NOT_FOUND', `the artifact has no hole '${name}'; it has: ${[...holes.keys()].join(', ') || 'none'}`);
    const expression = new Expression(text, hole.parameters, hole.dtype);
    bodies[name] = expression.toWgsl();
    return expression;
  };
  const expressions = {};
  if (score !== undefined) expressions.score = add(`score_hole${suffix}`, score);
  if (mask !== undefined) {
    expressions.mask = add(`mask_hole${suffix}`, mask);
    const test = holes.get(`tile_hole${suffix}`);
    if (test) bodies[test.name] = expressions.mask.toTileTest(test.parameters);
  }
  return { bodies, ...expressions };
}

/** The text of a shader with `bodies` between the marks of its holes. */
export function fillHoles(code, description, bodies) {
  const holes = byName(description);
  for (const [name, body] of Object.entries(bodies)) {
    if (!holes.has(name)) refuse(`there is no hole '${name}': the program has ${[...holes.keys()].join(', ') || 'none'}`);
    const begin = `  // <${name}>\n`, end = `  // </${name}>\n`;
    const from = code.indexOf(begin), to = code.indexOf(end);
    if (from < 0 || to < from) continue;
    const lines = body.split('\n').map((line) => `  ${line}\n`).join('');
    code = code.slice(0, from + begin.length) + lines + code.slice(to);
  }
  return code;
}
