//===- Autotune.h - Schedules by measurement --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a function with schedules around the one that its target chooses,
// runs them on given inputs, and says which is fastest and by how much.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_AUTOTUNE_H
#define ATTN_EXECUTION_AUTOTUNE_H

#include "attn/Execution/Backend.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace attn::execution {

struct TuneOptions {
  /// What runs; its schedule is null.
  BackendOptions backend;
  /// Schedules to measure; those that the target lists if empty.
  mlir::SmallVector<ScheduleAttr> candidates;
  /// For tests: milliseconds in place of what is measured, of the model's
  /// choice and then of each candidate, over again if they are too few.
  std::vector<double> times;
};

/// A schedule and what became of it.
struct Trial {
  ScheduleAttr schedule;
  /// The least time, and the model's over it where both ran in turns.
  double ms = 0, gain = 0;
  /// Why it has no time; empty if it has one.
  std::string problem;
};

struct TuneResult {
  /// What the target chooses by itself.
  Trial model;
  /// In the order in which they were measured.
  std::vector<Trial> trials;
  /// The fastest; null if that is the model's choice.
  ScheduleAttr chosen;
  /// Of what was chosen, against the model's choice, in turns.
  double ms = 0, gain = 1;

  /// What to write down: what was chosen, or what the model did.
  ScheduleAttr getSchedule() const { return chosen ? chosen : model.schedule; }
  /// One sentence for people.
  std::string summarize() const;
  llvm::json::Object toJSON() const;
};

/// Measures all candidates on `inputs`, which are bound once for each. What
/// cannot be compiled or run, or computes something else than the model's
/// choice, is no candidate. A bar on a terminal, else a line for each
/// candidate, goes to `os`. Failure with a diagnostic if there is nothing to
/// choose from, and if the process was interrupted (SIGINT).
mlir::FailureOr<TuneResult> autotune(mlir::func::FuncOp function,
                                     mlir::ArrayRef<Tensor> inputs,
                                     const TuneOptions &options,
                                     llvm::raw_fd_ostream &os);

} // namespace attn::execution

#endif // ATTN_EXECUTION_AUTOTUNE_H
