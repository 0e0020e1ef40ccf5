//===- CommandLine.h - Options of tools -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every tool does about options and their errors.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_COMMANDLINE_H
#define ATTN_EXECUTION_COMMANDLINE_H

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/IR/Diagnostics.h"

#include <string>

namespace attn::execution {

/// Prints errors that speak of no place in a file (options, devices) as the
/// tool's own; leaves all others to the handler that was there before.
class OptionErrors {
public:
  OptionErrors(mlir::MLIRContext *context, std::string tool);

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// The #attn.schedule in a file that holds nothing else; null for an empty
/// `path`. A diagnostic if it cannot be read.
mlir::FailureOr<ScheduleAttr> readSchedule(llvm::StringRef path,
                                           mlir::MLIRContext *context);

} // namespace attn::execution

#endif // ATTN_EXECUTION_COMMANDLINE_H
