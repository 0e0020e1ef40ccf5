//===- Postpone.h - Code for some launches first ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an op has versions for some sizes, the general one can be compiled
// first and the others when a launch needs them.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_COMPILE_POSTPONE_H
#define LIB_TARGET_COMPILE_POSTPONE_H

#include "attn/Target/Target.h"
#include "attn/runtime/Artifact.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// Marks the launches of `entry` that are not wanted now, those of general
/// versions or the others, and returns their kernels, which need no code.
llvm::SmallVector<mlir::Operation *> postponeLaunches(mlir::func::FuncOp entry,
                                                      bool keepsGeneral);

/// Gives launches of `plan` without code that of `artifact`, which was compiled
/// from the same module. Returns what speaks against it, or "" and the sections
/// of both.
std::string takeCodeOver(llvm::StringRef artifact, llvm::json::Object &plan,
                         std::vector<CodeSection> &sections);

} // namespace attn

#endif // LIB_TARGET_COMPILE_POSTPONE_H
