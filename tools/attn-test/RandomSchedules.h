//===- RandomSchedules.h - Schedules that nobody chose ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random schedules for the attention ops of a case, for --schedules.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_RANDOMSCHEDULES_H
#define ATTN_TOOLS_ATTN_TEST_RANDOMSCHEDULES_H

#include "mlir/IR/BuiltinOps.h"

namespace attn::tools {

/// Draws what the schedules of the ops leave open: every knob but the workers.
void drawSchedules(mlir::ModuleOp module, uint64_t seed);

/// Whether the errors of a compilation are one that says which knob of a
/// schedule cannot be.
bool isScheduleRefused(llvm::StringRef message);

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_RANDOMSCHEDULES_H
