//===- FiniteScores.h - Scores without infinities ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-finite-scores`: a finite number stands for -inf where a target has
// none.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_FINITESCORES_H
#define ATTN_CONVERSION_FINITESCORES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_FINITESCORES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_FINITESCORES_H
