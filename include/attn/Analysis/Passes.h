//===- Passes.h - Analysis passes -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that print what an analysis found.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_PASSES_H
#define ATTN_ANALYSIS_PASSES_H

#include "attn/Analysis/MaskAnalysis.h"

#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL
#include "attn/Analysis/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "attn/Analysis/Passes.h.inc"
} // namespace attn

#endif // ATTN_ANALYSIS_PASSES_H
