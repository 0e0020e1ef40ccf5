//===- TileToGPU.h - Tile kernels to any GPU --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-to-gpu`: workgroups that keep tiles in threads and workgroup memory.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_TILETOGPU_H
#define ATTN_CONVERSION_TILETOGPU_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_TILETOGPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_TILETOGPU_H
