//===- TileToMMA.h - Tile kernels to mma.sync -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-to-mma`: tensor-core kernels for chips from sm_80 on.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_TILETOMMA_H
#define ATTN_CONVERSION_TILETOMMA_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_TILETOMMA
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_TILETOMMA_H
