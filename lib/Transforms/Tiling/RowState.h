//===- RowState.h - What softmax knows of a row -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The largest score, the sum of the exponentials and the accumulated values of
// rows: their arithmetic (rules 6, 11 and 18), how rows are finished, and how
// the states of parts of the keys become one.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_ROWSTATE_H
#define ATTN_LIB_TRANSFORMS_TILING_ROWSTATE_H

#include "IndexBuilder.h"

namespace attn::tiling {

/// Tiles: a maximum and a sum for each row, and a row of values.
struct RowState {
  mlir::Value max, sum, acc;
};

mlir::Value constantF32(mlir::OpBuilder &b, mlir::Location loc, double value);
mlir::Value negInf(mlir::OpBuilder &b, mlir::Location loc);

/// log2(e), by which natural-domain differences reach exp2 (rule 6).
constexpr double kLog2E = 1.4426950408889634;

/// exp(x) as exp2(x * log2(e)), x a difference of natural-domain scores; or a
/// power of another base.
mlir::Value exponential(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        double log2OfBase = kLog2E);

/// x, or 0 where x is -inf: exp(-inf - 0) = 0 where exp(-inf + inf) is NaN.
mlir::Value zeroIfNegInf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);

/// A tile of f32 with this value in all elements.
mlir::Value splat(mlir::ImplicitLocOpBuilder &b, double value,
                  llvm::ArrayRef<int64_t> shape);

/// Each row of a tile times its factor.
mlir::Value scaleRows(mlir::ImplicitLocOpBuilder &b, mlir::Value tile,
                      mlir::Value factors, mlir::ValueRange offsets);

/// How rows are finished.
struct Finish {
  mlir::Value sink; ///< one more logit of the denominator (rule 11), or null
  bool wantsLse;
  bool divide; ///< o = acc / sum instead of acc * (1 / sum)
};

/// The output of rows, in f32, and their lse (null unless it is wanted).
/// `firstRow` and `firstColumn` are what maps count from.
std::pair<mlir::Value, mlir::Value>
finishRows(mlir::ImplicitLocOpBuilder &b, const RowState &state,
           mlir::Value firstRow, mlir::Value firstColumn, const Finish &finish);

/// Where the states of the parts of one row lie: memrefs [..., part] and
/// [..., part, column], at indices in front of the part.
struct StoredStates {
  mlir::Value max, sum, acc;
  llvm::SmallVector<mlir::Value> at;
  mlir::Value parts;           ///< how many there are
  mlir::Value column, columns; ///< the first of an accumulator, and how many
  double log2OfBase;           ///< of the exponentials
};

/// The state of that row, in the first row of tiles of `rows` rows. The states
/// are attention once more: parts are the keys, their maxima the scores, their
/// accumulators the values. `partsAtOnce` of them are loaded together, in one
/// loop whose maximum grows; with 0 maxima have a loop of their own.
RowState combineStates(mlir::ImplicitLocOpBuilder &b,
                       const StoredStates &states, int64_t rows,
                       int64_t columns, int64_t partsAtOnce);

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_ROWSTATE_H
