//===- GPUSchedule.h - Tiles for any GPU ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `gpu-schedule`: tile sizes that every GPU has memory for.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_GPUSCHEDULE_H
#define ATTN_CONVERSION_GPUSCHEDULE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_GPUSCHEDULE
#include "attn/Conversion/Passes.h.inc"

/// Rows of a tile: the threads of a workgroup, a row each.
constexpr int64_t kGPUTileRows = 32;
} // namespace attn

#endif // ATTN_CONVERSION_GPUSCHEDULE_H
