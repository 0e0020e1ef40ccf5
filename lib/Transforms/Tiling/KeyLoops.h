//===- KeyLoops.h - The loops over key tiles --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Standard attention of one query tile: a loop over its key tiles that stores
// the scores and finds the row maxima, and one that reads them back.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_KEYLOOPS_H
#define ATTN_LIB_TRANSFORMS_TILING_KEYLOOPS_H

#include "Addresses.h"
#include "RowState.h"
#include "Scores.h"

#include "attn/Transforms/MaskEmission.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace attn::tiling {

/// The columns of a tile for a head of this size.
inline int64_t padHead(int64_t size, int64_t headMultiple) {
  return std::max<int64_t>(1, llvm::alignTo(size, headMultiple));
}

struct KeyLoops {
  AttentionOp op;
  mlir::ImplicitLocOpBuilder &b;
  Addresses &addresses;
  Scores &scores;
  const MaskAnalysis &mask;
  /// No keys are loaded past those that a query tile attends.
  bool limitsKeys;
  mlir::Value scoreMemory;
  int64_t tileM, tileN, headMultiple;
  mlir::Value keyEnd = {}; ///< of the query tile, or null

  /// What is known of rows after the loops; there are none where the mask
  /// leaves no keys.
  RowState build(const Worker &w, const MaskSymbols &symbols);

private:
  /// The key tile at the position of a loop.
  struct KeyTile {
    mlir::Value firstKey, full;
  };
  KeyTile enterLoop(mlir::scf::ForOp loop, mlir::Value ranges);
  /// Keys or values; `filter` leaves out some of them, and what lies past those
  /// attended is left out in any case.
  tile::LoadOp loadKeys(const Worker &w, mlir::Value memref,
                        mlir::Value firstKey, int64_t size,
                        llvm::function_ref<void(tile::LoadOp)> filter = {});
  /// The first loop: returns the row maxima.
  mlir::Value buildScoreLoop(const Worker &w, mlir::Value ranges,
                             mlir::Value count);
  /// The second loop: adds the row sums and the accumulated output.
  void buildSumLoop(const Worker &w, const MaskSymbols &symbols,
                    mlir::Value ranges, mlir::Value count, RowState &state);
  tile::TileType tileType(llvm::ArrayRef<int64_t> shape, mlir::Type element);
};

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_KEYLOOPS_H
