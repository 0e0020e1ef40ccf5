//===- FewRowsLayouts.h - Layouts of products with few rows -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For kernels that read much and compute little with it, as in decoding.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_FEWROWSLAYOUTS_H
#define LIB_CONVERSION_FEWROWSLAYOUTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attn {

/// Rows of a tile up to which each lane computes with all of them.
constexpr int64_t kFewRows = 8;
/// Lanes of a subgroup from which on they can share a row of a factor.
constexpr int64_t kFewestSharingLanes = 8;

/// Gives the tiles of a kernel whose products have up to `kFewRows` rows
/// layouts in the registers of one subgroup of `lanes`, if they fit each other:
/// otherwise returns false and changes nothing.
bool assignFewRows(mlir::func::FuncOp kernel, int64_t lanes);
/// Whether it would, for passes in front.
bool hasFewRows(mlir::func::FuncOp kernel, int64_t lanes);

} // namespace attn

#endif // LIB_CONVERSION_FEWROWSLAYOUTS_H
