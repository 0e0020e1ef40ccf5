//===- Compiled.h - Functions that a target compiled ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends that go through an artifact and the runtime's C API.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_COMPILED_H
#define ATTN_LIB_EXECUTION_COMPILED_H

#include "attn/Execution/Backend.h"
#include "attn/Target/Compile.h"
#include "attn/Target/Target.h"

namespace attn::execution {

/// Compiles `function` for auto or a target, opens the device and loads it
/// there.
mlir::FailureOr<std::unique_ptr<Executable>>
createCompiled(mlir::func::FuncOp function, const BackendOptions &options);

/// Why this machine runs nothing compiled for the backend of `options`, one of
/// those, or "".
std::string explainNoDevice(const BackendOptions &options);

/// The artifact of `function` for `target` as `options` want it. `chip` is what
/// the device asks for, where neither they nor the module say.
mlir::FailureOr<std::string> compileFor(mlir::func::FuncOp function,
                                        const Target &target,
                                        llvm::StringRef chip,
                                        const BackendOptions &options,
                                        CompileReport &report);

/// What was chosen when compiling and why, as Executable::describe tells it.
llvm::json::Object describeReport(const Target &target,
                                  const CompileReport &report,
                                  size_t artifactBytes);

} // namespace attn::execution

#endif // ATTN_LIB_EXECUTION_COMPILED_H
