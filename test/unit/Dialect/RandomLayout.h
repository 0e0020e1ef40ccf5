//===- RandomLayout.h - Layouts that nobody has seen ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Linear layouts of registers for tests.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_DIALECT_RANDOMLAYOUT_H
#define ATTN_TEST_UNIT_DIALECT_RANDOMLAYOUT_H

#include "attn/Dialect/Tile/LinearLayout.h"

#include <algorithm>
#include <random>
#include <vector>

namespace attn {

using Random = std::mt19937_64;

/// Bits of a block of rows and columns dealt to registers, lanes and subgroups,
/// some added to others; bases of nothing where there are more lanes and
/// subgroups than bits.
inline tile::LinearLayout randomLayout(Random &random, int64_t rows,
                                       int64_t cols, unsigned laneBits,
                                       unsigned subgroupBits) {
  unsigned rowBits = random() % 4, colBits = random() % 4;
  std::vector<tile::Basis> bases;
  for (unsigned k = 0; k < rowBits; ++k)
    bases.push_back({int64_t(1) << k, 0});
  for (unsigned k = 0; k < colBits; ++k)
    bases.push_back({0, int64_t(1) << k});
  // Adding one basis to another keeps their span.
  for (int k = 0; k < 3 && bases.size() > 1 && random() % 2; ++k) {
    size_t from = random() % bases.size(), to = random() % bases.size();
    if (from != to) {
      bases[to][0] ^= bases[from][0];
      bases[to][1] ^= bases[from][1];
    }
  }
  while (bases.size() < laneBits + subgroupBits)
    bases.push_back({0, 0});
  std::shuffle(bases.begin(), bases.end(), random);
  auto take = [&](size_t count) {
    tile::Bases taken(bases.end() - count, bases.end());
    bases.resize(bases.size() - count);
    return taken;
  };
  tile::Bases lanes = take(laneBits), subgroups = take(subgroupBits);
  return tile::LinearLayout(take(bases.size()), lanes, subgroups, rows, cols);
}

} // namespace attn

#endif // ATTN_TEST_UNIT_DIALECT_RANDOMLAYOUT_H
