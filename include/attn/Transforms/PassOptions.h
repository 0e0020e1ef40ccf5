//===- PassOptions.h - Which values options may have ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one diagnostic for numbers that a pass was given and cannot follow.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_PASSOPTIONS_H
#define ATTN_TRANSFORMS_PASSOPTIONS_H

#include "attn/Support/Places.h"

#include "mlir/Pass/Pass.h"

#include "llvm/Support/MathExtras.h"

#include <string>

namespace attn {

/// An integer option, and the values it may have: multiples of `multiple` from
/// `low` to `high`, powers of two if it says so.
struct OptionRange {
  llvm::StringRef name;
  int64_t value, low, high;
  int64_t multiple = 1;
  /// What `multiple` is; the number if empty.
  std::string unit = {};
  bool isPowerOf2 = false;
};

/// Diagnoses the first of `options` of `pass` that has another value.
inline mlir::LogicalResult checkOptions(const mlir::Pass &pass,
                                        mlir::Operation *op,
                                        llvm::ArrayRef<OptionRange> options) {
  for (const OptionRange &option : options) {
    if (option.value >= option.low && option.value <= option.high &&
        option.value % option.multiple == 0 &&
        (!option.isPowerOf2 || llvm::isPowerOf2_64(option.value)))
      continue;
    mlir::InFlightDiagnostic error =
        mlir::emitError(getPlace(op), pass.getArgument())
        << ": " << option.name << " = " << option.value << " is not ";
    if (option.multiple != 1)
      error << "a multiple of "
            << (option.unit.empty() ? std::to_string(option.multiple)
                                    : option.unit)
            << " ";
    if (option.isPowerOf2)
      error << "a power of two ";
    return error << "in " << option.low << " .. " << option.high;
  }
  return mlir::success();
}

} // namespace attn

#endif // ATTN_TRANSFORMS_PASSOPTIONS_H
