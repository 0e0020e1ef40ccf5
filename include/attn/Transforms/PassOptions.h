//===- PassOptions.h - Which values options may have ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one diagnostic for numbers that a pass was given and cannot follow.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_PASSOPTIONS_H
#define ATTN_TRANSFORMS_PASSOPTIONS_H

#include "mlir/Pass/Pass.h"

namespace attn {

/// An integer option, and the values it may have: multiples of `multiple` from
/// `low` to `high`.
struct OptionRange {
  llvm::StringRef name;
  int64_t value, low, high;
  int64_t multiple = 1;
};

/// Diagnoses the first of `options` of `pass` that has another value.
inline mlir::LogicalResult checkOptions(const mlir::Pass &pass,
                                        mlir::Operation *op,
                                        llvm::ArrayRef<OptionRange> options) {
  for (const OptionRange &option : options) {
    if (option.value >= option.low && option.value <= option.high &&
        option.value % option.multiple == 0)
      continue;
    mlir::InFlightDiagnostic error = op->emitError(pass.getArgument())
                                     << ": " << option.name << " = "
                                     << option.value << " is not ";
    if (option.multiple != 1)
      error << "a multiple of " << option.multiple << " ";
    return error << "in " << option.low << " .. " << option.high;
  }
  return mlir::success();
}

} // namespace attn

#endif // ATTN_TRANSFORMS_PASSOPTIONS_H
