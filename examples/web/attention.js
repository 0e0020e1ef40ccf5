// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention as the formula says, in JavaScript's doubles, and the variants of
// the page: what each adds to a score, and which keys it attends.

const causal = ({ i, j }) => j <= i;

/** A slope for each head, as ALiBi and what is typed take them. */
export const slopesOf = (heads) =>
  ({ slopes: { data: Float32Array.from({ length: heads }, (_, h) => 2 ** (-2 * (h + 1))), shape: [heads] } });

/** `score` changes a score, `attends` is the mask, `extra` the arrays that the
 * program takes beside q, k, v and o: (heads, rows) => {name: {data, shape}}. */
export const VARIANTS = {
  plain: { title: 'plain', text: 'every query attends every key', attends: () => true },
  causal: { title: 'causal', text: 'queries attend what came before them', attends: causal },
  window_sinks: {
    title: 'window and sinks',
    text: 'the last 96 keys, and a sink a head that takes its share',
    attends: ({ i, j }) => j <= i && i - j <= 95,
    extra: (heads) => ({ sinks: { data: Float32Array.from({ length: heads }, (_, h) => h / 2 - 1), shape: [heads] } }),
    sink: ({ h, extra }) => extra.sinks.data[h],
  },
  alibi: {
    title: 'ALiBi',
    text: 'scores fall with the distance, faster or slower by head',
    attends: causal,
    extra: slopesOf,
    score: (s, { h, i, j, extra }) => s - extra.slopes.data[h] * Math.abs(i - j),
  },
  documents: {
    title: 'documents',
    text: 'several documents in one sequence, apart from each other',
    attends: ({ i, j, extra }) => j <= i && extra.ids.data[i] === extra.ids.data[j],
    extra: (heads, rows) => ({
      ids: { data: Int32Array.from({ length: rows }, (_, i) => Math.floor(Math.sqrt((9 * i) / rows))), shape: [1, rows] },
    }),
  },
  softcap: {
    title: 'softcap',
    text: 'scores are bent to stay within -20 and 20',
    attends: causal,
    score: (s) => 20 * Math.tanh(s / 20),
  },
};

/** Shaders take no score beyond this for what it is. */
const LARGEST = 2 ** 126;

/** The weights of one row: exp(score) over their sum, 0 where masked. Null if a
 * score is no number that shaders have: they promise nothing of such a row. */
export function weightsOf(variant, { q, k, heads, rows, size, extra }, h, i) {
  const weights = new Float64Array(rows);
  let largest = variant.sink ? variant.sink({ h, extra }) : -Infinity;
  for (let j = 0; j < rows; ++j) {
    weights[j] = -Infinity;
    if (!variant.attends({ h, i, j, extra })) continue;
    let s = 0;
    for (let d = 0; d < size; ++d) s += q[(h * rows + i) * size + d] * k[(h * rows + j) * size + d];
    s /= Math.sqrt(size);
    weights[j] = variant.score ? variant.score(s, { h, i, j, extra }) : s;
    if (!(Math.abs(weights[j]) <= LARGEST)) return null;
    largest = Math.max(largest, weights[j]);
  }
  let sum = variant.sink ? Math.exp(variant.sink({ h, extra }) - largest) : 0;
  for (let j = 0; j < rows; ++j) sum += weights[j] = Math.exp(weights[j] - largest);
  return weights.map((weight) => weight / sum);
}

/** One row of the output; null if nothing is promised of it. */
export function rowOf(variant, inputs, h, i) {
  const { v, rows, size } = inputs, weights = weightsOf(variant, inputs, h, i), row = new Float64Array(size);
  if (!weights) return null;
  for (let j = 0; j < rows; ++j)
    if (weights[j]) for (let d = 0; d < size; ++d) row[d] += weights[j] * v[(h * rows + j) * size + d];
  return row;
}

/** Of every tile of the mask whether it has all pairs (2), some (1) or none. */
export function tilesOf(variant, { rows, extra }, tile) {
  const count = Math.ceil(rows / tile), tiles = [];
  for (let y = 0; y < count; ++y)
    for (let x = 0; x < count; ++x) {
      let attended = 0, pairs = 0;
      for (let i = y * tile; i < Math.min(rows, (y + 1) * tile); ++i)
        for (let j = x * tile; j < Math.min(rows, (x + 1) * tile); ++j, ++pairs)
          attended += variant.attends({ h: 0, i, j, extra });
      tiles.push(attended === 0 ? 0 : attended === pairs ? 2 : 1);
    }
  return { count, tiles };
}
