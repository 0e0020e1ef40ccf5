//===- TileToHopper.h - Tile kernels to TMA and wgmma -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-to-hopper`: warp-specialised kernels for sm_90a.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_TILETOHOPPER_H
#define ATTN_CONVERSION_TILETOHOPPER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_TILETOHOPPER
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_TILETOHOPPER_H
