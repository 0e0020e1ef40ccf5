//===- Plan.h - How a host program launches its kernels ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the host function of lowered kernels into the artifact's description:
// arguments, results, temporaries, launches and checks, with sizes as
// expressions. The JSON is documented in docs/artifact.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_PLAN_H
#define ATTN_TARGET_PLAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// What messages call the arguments of `function`, one unique name an argument:
/// what the first attn op that takes it calls it (query, key, lse, ...), else
/// arg0 and so on.
llvm::SmallVector<std::string> nameArguments(mlir::func::FuncOp function);

/// The description of host function `entry`, whose kernels are lowered, without
/// target, chip, features and metadata. Its arguments go by `names`;
/// `readsBuffers` says whether the host can check what they hold. Emits a
/// diagnostic at the op if the function does something that a launch list
/// cannot express.
mlir::FailureOr<llvm::json::Object> buildPlan(mlir::func::FuncOp entry,
                                              llvm::ArrayRef<std::string> names,
                                              bool readsBuffers);

} // namespace attn

#endif // ATTN_TARGET_PLAN_H
