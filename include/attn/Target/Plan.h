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

/// On a tile.launch: its kernel gets no code for now.
constexpr llvm::StringLiteral kPostponedAttrName = "attn.postponed";

/// The description of host function `entry`, whose kernels are lowered and
/// whose module has a #tile.artifact. Its arguments go by their `attn.name`.
/// Emits a diagnostic at the op if the function does something that a launch
/// list cannot express.
mlir::FailureOr<llvm::json::Object> buildPlan(mlir::func::FuncOp entry);

} // namespace attn

#endif // ATTN_TARGET_PLAN_H
