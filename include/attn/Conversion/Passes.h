//===- Passes.h - Conversions out of the tile dialect -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that take tile kernels to what targets print or compile, and the
// legalisations of scalar regions that targets share.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_PASSES_H
#define ATTN_CONVERSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL
#include "attn/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "attn/Conversion/Passes.h.inc"

/// Stack bytes of a kernel's call on a CPU beyond its buffers: spills, saved
/// registers, alignment.
constexpr int64_t kCPUFrameBytes = 65536;
} // namespace attn

#endif // ATTN_CONVERSION_PASSES_H
