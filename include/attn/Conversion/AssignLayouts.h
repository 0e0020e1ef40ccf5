//===- AssignLayouts.h - Where the tiles of a kernel live -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-assign-layouts`: layouts from shapes, the target and the schedule; and
// what makes kernels ready for matrix units before and after.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_ASSIGNLAYOUTS_H
#define ATTN_CONVERSION_ASSIGNLAYOUTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace attn {
#define GEN_PASS_DECL_ASSIGNLAYOUTS
#define GEN_PASS_DECL_DEFERSUMS
#define GEN_PASS_DECL_JOINLAUNCHES
#define GEN_PASS_DECL_LAZYMAXIMA
#define GEN_PASS_DECL_PADTILES
#define GEN_PASS_DECL_PREFETCHLOADS
#define GEN_PASS_DECL_SHARELOOPS
#define GEN_PASS_DECL_SPLITLOOPS
#include "attn/Conversion/Passes.h.inc"

/// What prepares kernels for matrix units, nested on functions.
void addMatrixPasses(mlir::OpPassManager &kernels);
} // namespace attn

#endif // ATTN_CONVERSION_ASSIGNLAYOUTS_H
