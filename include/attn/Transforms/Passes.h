//===- Passes.h - Transformation passes -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on attn and tile IR that no target owns.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_PASSES_H
#define ATTN_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL
#include "attn/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "attn/Transforms/Passes.h.inc"

/// Adds canonicalisation and CSE. Grids keep dimensions of extent 1: a grid
/// stays (batch, head, query tile) and becomes a kernel even if it has one
/// point.
void addCleanup(mlir::OpPassManager &pm);

/// The same, and what loops do not change moves out of them.
void addCleanupAndHoisting(mlir::OpPassManager &pm);
} // namespace attn

#endif // ATTN_TRANSFORMS_PASSES_H
