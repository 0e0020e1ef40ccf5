//===- Merge.h - attn.merge as a grid of tiles ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two partial results of attention become one (rule 18).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_MERGE_H
#define ATTN_LIB_TRANSFORMS_TILING_MERGE_H

#include "attn/Dialect/Attn/Attn.h"

namespace attn::tiling {

/// Replaces a merge on memrefs by a grid over (batch, head, tile of `tileM`
/// rows) of elementwise maps.
mlir::LogicalResult tileMerge(MergeOp op, int64_t tileM);

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_MERGE_H
