//===- Hosted.h - Functions that another program runs -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends of targets that have a host (Target.h) in place of the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_HOSTED_H
#define ATTN_LIB_EXECUTION_HOSTED_H

#include "attn/Execution/Backend.h"
#include "attn/Target/Target.h"

namespace attn::execution {

/// Compiles `function` for `target`, which has a host, and loads it there.
mlir::FailureOr<std::unique_ptr<Executable>>
createHosted(mlir::func::FuncOp function, const Target &target,
             const BackendOptions &options);

/// Why the host of `target` runs nothing here, or "".
std::string explainNoHost(const Target &target);

} // namespace attn::execution

#endif // ATTN_LIB_EXECUTION_HOSTED_H
