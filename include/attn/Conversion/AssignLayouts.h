//===- AssignLayouts.h - Where the tiles of a kernel live -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-assign-layouts`: layouts from shapes, the target and the schedule.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_ASSIGNLAYOUTS_H
#define ATTN_CONVERSION_ASSIGNLAYOUTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_ASSIGNLAYOUTS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_ASSIGNLAYOUTS_H
