//===- KernelChoices.h - Options, schedule, defaults ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What holds for a kernel: an option that was given to the pass, else what its
// #attn.schedule says, else the option's default.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELCHOICES_H
#define LIB_CONVERSION_KERNELCHOICES_H

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/Twine.h"

namespace attn {

template <typename NumberOption>
int64_t decide(const NumberOption &option, mlir::Operation *kernel,
               int64_t (ScheduleAttr::*get)() const) {
  ScheduleAttr schedule = ScheduleAttr::of(kernel);
  int64_t scheduled = schedule ? (schedule.*get)() : 0;
  // An option of 0 leaves the choice.
  bool isGiven = option.hasValue() && option.getValue() != 0;
  return isGiven || !scheduled ? option.getValue() : scheduled;
}

template <typename FlagOption>
bool decide(const FlagOption &option, mlir::Operation *kernel,
            Switch (ScheduleAttr::*get)() const) {
  ScheduleAttr schedule = ScheduleAttr::of(kernel);
  Switch scheduled = schedule ? (schedule.*get)() : Switch::Chosen;
  return option.hasValue() || scheduled == Switch::Chosen
             ? option.getValue()
             : scheduled == Switch::On;
}

/// A choice for people, with the knob of #attn.schedule that makes it: because
/// the kernel's schedule says so, or else why it is best.
inline std::string explainChoice(mlir::Operation *kernel, llvm::StringRef knob,
                                 int64_t (ScheduleAttr::*get)() const,
                                 const llvm::Twine &choice,
                                 const llvm::Twine &reason) {
  ScheduleAttr schedule = ScheduleAttr::of(kernel);
  bool isGiven = schedule && (schedule.*get)();
  return (choice + " (" + knob +
          "): " + (isGiven ? "the schedule says so" : reason))
      .str();
}

inline std::string explainChoice(mlir::Operation *kernel, llvm::StringRef knob,
                                 Switch (ScheduleAttr::*get)() const,
                                 const llvm::Twine &choice,
                                 const llvm::Twine &reason) {
  ScheduleAttr schedule = ScheduleAttr::of(kernel);
  bool isGiven = schedule && (schedule.*get)() != Switch::Chosen;
  return (choice + " (" + knob +
          "): " + (isGiven ? "the schedule says so" : reason))
      .str();
}

/// Checks what holds where no schedule says otherwise, then what holds for each
/// kernel, before any is lowered: a choice that cannot be is no reason for a
/// slower path.
inline mlir::LogicalResult
checkChoices(mlir::ModuleOp module,
             llvm::function_ref<mlir::LogicalResult(mlir::Operation *)> check) {
  if (failed(check(module)))
    return mlir::failure();
  return mlir::failure(module
                           .walk([&](mlir::func::FuncOp kernel) {
                             return mlir::WalkResult(check(kernel));
                           })
                           .wasInterrupted());
}

} // namespace attn

#endif // LIB_CONVERSION_KERNELCHOICES_H
