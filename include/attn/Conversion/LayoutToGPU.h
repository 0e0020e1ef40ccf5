//===- LayoutToGPU.h - Tiles with layouts to GPU kernels --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-layout-to-gpu`: one pattern an op, by the layouts of its operands.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_LAYOUTTOGPU_H
#define ATTN_CONVERSION_LAYOUTTOGPU_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_LAYOUTTOGPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_LAYOUTTOGPU_H
