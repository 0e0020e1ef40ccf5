//===- CPUSchedule.h - Tiles for the caches of a CPU ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `cpu-schedule`: tile sizes, packed heads and split keys for a CPU.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_CPUSCHEDULE_H
#define ATTN_CONVERSION_CPUSCHEDULE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_CPUSCHEDULE
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_CPUSCHEDULE_H
