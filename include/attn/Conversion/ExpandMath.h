//===- ExpandMath.h - Transcendental functions from few ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-expand-math`: builds the functions of rule 8 from exp2, log2 and
// arithmetic.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_EXPANDMATH_H
#define ATTN_CONVERSION_EXPANDMATH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_EXPANDMATH
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_EXPANDMATH_H
