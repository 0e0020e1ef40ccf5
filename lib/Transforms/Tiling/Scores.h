//===- Scores.h - Score and mask regions on tiles ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The maps that make scores of a product q k: the scale, the score region, the
// mask region.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_SCORES_H
#define ATTN_LIB_TRANSFORMS_TILING_SCORES_H

#include "Addresses.h"

namespace attn::tiling {

class Scores {
public:
  Scores(AttentionOp op, mlir::ImplicitLocOpBuilder &b, Addresses &addresses);

  /// scale * `dot` and the score region, for keys from `firstKey` on.
  mlir::Value build(const Worker &w, mlir::Value dot, mlir::Value firstKey);

  /// `scores`, -inf at what is not attended and past the last key.
  mlir::Value buildMasked(const Worker &w, mlir::Value scores,
                          mlir::Value firstKey);

private:
  mlir::Value cloneRegion(mlir::OpBuilder &builder, mlir::Region &region,
                          mlir::ValueRange leading, const Worker &w);

  AttentionOp op;
  mlir::ImplicitLocOpBuilder &b;
  Addresses &addresses;
  mlir::Value scale;
};

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_SCORES_H
