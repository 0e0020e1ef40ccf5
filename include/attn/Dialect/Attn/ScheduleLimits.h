//===- ScheduleLimits.h - What a schedule may ask for -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The limits of #attn.schedule and of the options of the same meaning.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_SCHEDULELIMITS_H
#define ATTN_DIALECT_ATTN_SCHEDULELIMITS_H

#include <cstdint>

namespace attn {

/// Rows and columns of a tile: as far as indices may go past the largest sizes
/// (rule 21).
constexpr int64_t kLargestTile = 1 << 16;
/// Parts of a device that share the keys of a problem.
constexpr int64_t kMostWorkers = 1 << 16;
/// Threads of a block, and whatever else a block has several of.
constexpr int64_t kMostOfBlock = 1024;

} // namespace attn

#endif // ATTN_DIALECT_ATTN_SCHEDULELIMITS_H
