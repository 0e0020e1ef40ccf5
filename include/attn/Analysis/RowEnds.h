//===- RowEnds.h - Masks whose rows end with their keys ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether keys of a row end a known number of keys behind it, as with a causal
// mask: for a schedule that asks a mask region, and a lowering that asks what
// became of it on tiles.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_ROWENDS_H
#define ATTN_ANALYSIS_ROWENDS_H

#include "attn/Dialect/Attn/Attn.h"
#include "llvm/ADT/SmallVector.h"

namespace attn::mask {

/// Of row i, key i + addend + constant is the last one.
struct RowEnd {
  /// A value that no argument of the region goes into; null is 0.
  mlir::Value addend;
  int64_t constant;
};

struct RowEnds {
  llvm::SmallVector<RowEnd> ends;
  /// The condition asks for nothing else.
  bool isAll = true;
};

/// The ends that `condition` gives every row, all of which hold. Row and key
/// are arguments of one region.
RowEnds findRowEnds(mlir::Value condition, mlir::BlockArgument row,
                    mlir::BlockArgument key);

/// Whether the mask region, if there is one, is the end of a row's keys and
/// nothing else.
bool endsWithRows(AttentionOp op);

} // namespace attn::mask

#endif // ATTN_ANALYSIS_ROWENDS_H
