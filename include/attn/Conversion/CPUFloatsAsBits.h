//===- CPUFloatsAsBits.h - Numbers of 16 bits as integers -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `cpu-floats-as-bits`: f16 and bf16 for machines without them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_CPUFLOATSASBITS_H
#define ATTN_CONVERSION_CPUFLOATSASBITS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_CPUFLOATSASBITS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_CPUFLOATSASBITS_H
