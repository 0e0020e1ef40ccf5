//===- CUDASchedule.h - Tiles for tensor cores ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `cuda-schedule`: tile sizes, packed heads and split keys for NVIDIA GPUs.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_CUDASCHEDULE_H
#define ATTN_CONVERSION_CUDASCHEDULE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_CUDASCHEDULE
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_CUDASCHEDULE_H
