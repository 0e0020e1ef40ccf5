//===- PackArtifact.h - A lowered program to an artifact --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The end of a compilation, and all of what makes an artifact of passes that
// ran one by one.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_PACKARTIFACT_H
#define ATTN_TARGET_PACKARTIFACT_H

#include "attn/Target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// What else is done on the way: with the description, when the host function
/// is gone, and with the code.
struct PackSteps {
  llvm::function_ref<void(llvm::json::Object &)> afterPlan = nullptr;
  llvm::function_ref<mlir::LogicalResult(llvm::json::Object &,
                                         std::vector<CodeSection> &)>
      afterCode = nullptr;
};

/// Bytes of the artifact of a lowered program: of its one host function, which
/// is erased, the description, and the code of its kernels.
mlir::FailureOr<std::string> packArtifact(mlir::func::FuncOp host,
                                          const Target &target,
                                          const TargetOptions &options,
                                          PhaseCallback timer,
                                          const PackSteps &steps = {});

} // namespace attn

#endif // ATTN_TARGET_PACKARTIFACT_H
