//===- SharedRows.h - Tiles whose rows lanes share --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How threads share the rows of tiles in registers, and where factors of their
// products stand in workgroup memory: for the schedule that chooses tiles by
// it, and the pass that gives tiles these layouts.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_SHAREDROWS_H
#define LIB_CONVERSION_SHAREDROWS_H

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"

namespace attn {

/// How the threads of a workgroup share rows and columns.
struct RowThreads {
  /// Lanes of a subgroup that are certain to exchange by shuffles.
  int64_t lanes;
  /// Of these, those that share a row; the others and all subgroups have rows
  /// of their own.
  int64_t lanesOfRow;
  int64_t subgroups;

  int64_t getNumber() const { return lanes * subgroups; }
};

/// Threads for tiles of up to `rows` rows, at most so many, or if that is 0 as
/// many as are usual. A thread computes a block of rows and columns of a
/// product, so that what it reads serves several multiplications.
RowThreads chooseRowThreads(tile::TargetAttr target, int64_t rows,
                            int64_t mostThreads = 0);

/// The most threads of a workgroup where a schedule does not say.
int64_t getUsualThreads(tile::TargetAttr target);

/// Lanes of a subgroup; threads stand for them where there are none.
int64_t getSharingLanes(tile::TargetAttr target);

/// So many threads of a workgroup, and how many there may be.
OptionRange getThreadsRange(tile::TargetAttr target, int64_t threads);

/// Workgroup memory that threads read elements of; vectors along a row; the
/// same for what threads computed, each with columns that lie apart.
tile::SharedAttr getSharedLayout(tile::TileType tile);
tile::SharedAttr getVectorLayout(tile::TileType tile);
tile::SharedAttr getFoldedLayout(tile::TileType tile);

/// Whether threads may read vectors of a factor that comes from memory.
bool hasVectors(tile::TileType factor, tile::TargetAttr target);
/// Whether a thread has vectors of the columns of a product.
bool computesVectors(tile::TileType product, const RowThreads &threads);
/// Whether threads have a left factor by whole vectors, for a right one that
/// they read so.
bool isFoldable(tile::TileType factor, tile::TargetAttr target,
                const RowThreads &threads);

} // namespace attn

#endif // LIB_CONVERSION_SHAREDROWS_H
