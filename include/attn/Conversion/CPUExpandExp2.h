//===- CPUExpandExp2.h - exp2 of vectors by a polynomial --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `cpu-expand-exp2`: exp2 and log2 of vectors, which CPUs have no instruction
// for.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_CPUEXPANDEXP2_H
#define ATTN_CONVERSION_CPUEXPANDEXP2_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_CPUEXPANDEXP2
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_CPUEXPANDEXP2_H
