//===- MathToNVPTX.h - Math on what PTX approximates ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `math-to-nvptx`: exp2, log2 and their like as instructions of PTX.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_MATHTONVPTX_H
#define ATTN_CONVERSION_MATHTONVPTX_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_MATHTONVPTX
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_MATHTONVPTX_H
