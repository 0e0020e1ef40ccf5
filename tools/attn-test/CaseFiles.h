//===- CaseFiles.h - Cases for machines without a compiler ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a compiled case with its inputs and what it must give, for attn-check
// of the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_CASEFILES_H
#define ATTN_TOOLS_ATTN_TEST_CASEFILES_H

#include "attn/Reference/Interpreter.h"

namespace attn::tools {

/// A case that has been interpreted.
struct InterpretedCase {
  std::string name;
  mlir::func::FuncOp function;
  /// One for each argument.
  mlir::ArrayRef<reference::Tensor> inputs;
  /// What the reference and the unfused computation give, one an output.
  mlir::ArrayRef<reference::Tensor> ref, unfused;
  /// Whether the target promises NaN where one is due (rule 16).
  bool promisesNaN = true;
};

/// Makes 16-bit floats multiples of 1/8, so that files compress well: no score
/// or mask region can tell.
void coarsen(mlir::MutableArrayRef<reference::Tensor> inputs);

/// Writes DIRECTORY/PREFIX.json and the files that it names. "" or what went
/// wrong.
std::string writeCase(const InterpretedCase &interpreted,
                      llvm::StringRef artifact, const std::string &directory,
                      const std::string &prefix);

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_CASEFILES_H
