//===- IndexRanges.h - Ranges of index arithmetic ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which integers a value can have, in host functions, in tile kernels and in
// map regions. A target whose indices have 32 bits asks before it narrows one.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_INDEXRANGES_H
#define ATTN_ANALYSIS_INDEXRANGES_H

#include "attn/Dialect/Tile/LargestSize.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Value.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"
#include "llvm/ADT/DenseMap.h"

namespace attn {

/// No index of a row, a key or a tile that exists is as large.
constexpr int64_t kIndexLimit = int64_t(1) << 30;

/// Signed ranges from constants, sizes and arithmetic, by MLIR's inference. The
/// IR must not change as long as an object is used.
class IndexRanges {
public:
  /// All that `value` can be, as a signed number.
  mlir::ConstantIntRanges rangeOf(mlir::Value value) {
    return rangeOf(value, 0);
  }
  bool isWithin(mlir::Value value, int64_t low, int64_t high);
  bool fitsInt32(mlir::Value value) {
    return isWithin(value, INT32_MIN, INT32_MAX);
  }

private:
  mlir::ConstantIntRanges rangeOf(mlir::Value value, unsigned depth);
  std::optional<mlir::ConstantIntRanges> ofArgument(mlir::BlockArgument value,
                                                    unsigned depth);
  std::optional<mlir::ConstantIntRanges>
  ofCarried(mlir::scf::ForOp loop, unsigned number, unsigned depth);
  std::optional<mlir::ConstantIntRanges> ofBranches(mlir::OpResult value,
                                                    unsigned depth);
  std::optional<mlir::ConstantIntRanges> ofDim(mlir::Value memref, int64_t dim,
                                               unsigned depth);
  mlir::ConstantIntRanges ofKeyTile(tile::RangesOp ranges, unsigned depth);
  std::optional<mlir::ConstantIntRanges> ofTile(mlir::Value value,
                                                unsigned depth);
  std::optional<mlir::ConstantIntRanges>
  ofArithmetic(mlir::Operation *op, mlir::Value value, unsigned depth);

  llvm::DenseMap<mlir::Value, mlir::ConstantIntRanges> known;
};

} // namespace attn

#endif // ATTN_ANALYSIS_INDEXRANGES_H
