//===- LargestSize.h - How large a dimension may be -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The limits of rule 21. Verifiers hold static sizes to them and every launch
// dynamic ones, so that ranges of indices follow.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TILE_LARGESTSIZE_H
#define ATTN_DIALECT_TILE_LARGESTSIZE_H

#include <cstdint>

namespace attn {

/// The largest size of a dimension: the sum of two indices and a tile past the
/// end fits 32 bits.
constexpr int64_t kLargestSize = (int64_t(1) << 30) - (1 << 16);
/// Of a table with one dimension: its indices are computed, but no loop counts
/// along it.
constexpr int64_t kLargestTable = (int64_t(1) << 31) - (1 << 16);
constexpr int64_t getLargestSize(int64_t rank) {
  return rank == 1 ? kLargestTable : kLargestSize;
}

} // namespace attn

#endif // ATTN_DIALECT_TILE_LARGESTSIZE_H
