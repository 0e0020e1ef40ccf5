//===- ScheduleChoices.h - Options, schedule, defaults ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What holds for an op, a grid or a kernel: an option that was given to the
// pass, else what its #attn.schedule says, else the option's default; and how
// --explain gets to know of it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_SCHEDULECHOICES_H
#define ATTN_TRANSFORMS_SCHEDULECHOICES_H

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"

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

/// What the schedule of an op says, or else `otherwise`: for passes whose
/// options are about ops without a schedule.
inline bool decideScheduled(bool otherwise, mlir::Operation *op,
                            Switch (ScheduleAttr::*get)() const) {
  ScheduleAttr schedule = ScheduleAttr::of(op);
  Switch scheduled = schedule ? (schedule.*get)() : Switch::Chosen;
  return scheduled == Switch::Chosen ? otherwise : scheduled == Switch::On;
}

/// Whether a workgroup may see what another one of its launch wrote, so that
/// the last of them can add up what all have (tile-join-launches).
inline bool seesOtherWorkgroups(tile::TargetAttr target) {
  return target && target.hasFeature("vulkanMemoryModel");
}

/// A choice for people, with the knob of #attn.schedule that makes it: because
/// the kernel's schedule says so, or else why it is best.
template <typename Knob>
std::string explainChoice(mlir::Operation *kernel, llvm::StringRef knob,
                          Knob (ScheduleAttr::*get)() const,
                          const llvm::Twine &choice,
                          const llvm::Twine &reason) {
  ScheduleAttr schedule = ScheduleAttr::of(kernel);
  // A number 0 and Switch::Chosen leave it open.
  bool isGiven = schedule && (schedule.*get)() != Knob();
  return (choice + " (" + knob +
          "): " + (isGiven ? "the schedule says so" : reason))
      .str();
}

/// Adds to what `--explain` says of a kernel.
inline void addChoices(mlir::Operation *kernel,
                       llvm::ArrayRef<std::string> choices) {
  llvm::SmallVector<llvm::StringRef> all;
  auto known = kernel->getAttrOfType<mlir::ArrayAttr>(tile::kChoicesAttrName);
  if (known)
    llvm::append_range(all, known.getAsValueRange<mlir::StringAttr>());
  all.append(choices.begin(), choices.end());
  kernel->setAttr(tile::kChoicesAttrName,
                  mlir::Builder(kernel->getContext()).getStrArrayAttr(all));
}

/// What passes in front have said of a kernel that another one replaces.
inline void takeChoices(mlir::Operation *kernel, mlir::Operation *replaced) {
  if (mlir::Attribute known = replaced->getAttr(tile::kChoicesAttrName))
    kernel->setAttr(tile::kChoicesAttrName, known);
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

#endif // ATTN_TRANSFORMS_SCHEDULECHOICES_H
