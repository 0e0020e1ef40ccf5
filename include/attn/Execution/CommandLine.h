//===- CommandLine.h - Options of tools -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every tool does about options and their errors.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_COMMANDLINE_H
#define ATTN_EXECUTION_COMMANDLINE_H

#include "attn/Execution/Autotune.h"
#include "attn/Execution/Signature.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/CommandLine.h"

#include <set>
#include <string>
#include <utility>

namespace attn::execution {

/// Prints errors that speak of no place in a file (options, devices) as the
/// tool's own and drops remarks that were made before: the kernels of one
/// operation often have the same to say. Leaves all others to the handler that
/// was there before.
class ToolDiagnostics {
public:
  ToolDiagnostics(mlir::MLIRContext *context, std::string tool);

private:
  /// Consumes the diagnostic if it is one of the above.
  mlir::LogicalResult handle(mlir::Diagnostic &diagnostic);

  const std::string tool;
  /// The place and text of each.
  std::set<std::pair<const void *, std::string>> remarks;
  mlir::ScopedDiagnosticHandler handler;
};

/// Which device runs, and who watches.
struct DeviceArguments {
  explicit DeviceArguments(llvm::cl::OptionCategory &category);

  void apply(BackendOptions &options) const;

  llvm::cl::opt<std::string> device;
  llvm::cl::opt<bool> validation;
};

/// How schedules are measured, beside the option that asks for it.
struct TuneArguments {
  explicit TuneArguments(llvm::cl::OptionCategory &category);

  /// What is wrong with them, and with `others` that also choose schedules, by
  /// name; empty if nothing is.
  std::string
  explainMisuse(bool tunes,
                llvm::ArrayRef<std::pair<llvm::StringRef, bool>> others) const;
  /// Measures, says what came out on stderr and writes the schedule.
  mlir::FailureOr<TuneResult> run(mlir::func::FuncOp function,
                                  llvm::ArrayRef<Tensor> inputs,
                                  const BackendOptions &backend) const;

  llvm::cl::opt<std::string> output;
  llvm::cl::opt<std::string> candidates;
  llvm::cl::list<double> times;
};

/// Sets the sizes that `text` gives by name or by order: "B=2,Sq=100" or
/// "2,100". Returns what is wrong, or "" if no size is missing then.
std::string setSizes(Signature &signature, llvm::StringRef text);

/// Writes a file that is whole or not there. Returns what went wrong, or "".
std::string writeWholeFile(llvm::StringRef path, llvm::StringRef content);

/// The #attn.schedule in a file that holds nothing else; null for an empty
/// `path`. A diagnostic if it cannot be read.
mlir::FailureOr<ScheduleAttr> readSchedule(llvm::StringRef path,
                                           mlir::MLIRContext *context);

/// The array of #attn.schedule that is all of a file; none for an empty `path`.
mlir::FailureOr<llvm::SmallVector<ScheduleAttr>>
readCandidates(llvm::StringRef path, mlir::MLIRContext *context);

} // namespace attn::execution

#endif // ATTN_EXECUTION_COMMANDLINE_H
