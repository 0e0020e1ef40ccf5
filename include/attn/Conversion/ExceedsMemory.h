//===- ExceedsMemory.h - Kernels too large for a machine --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An error of a lowering that those who try tiles and machines can tell from
// others: it carries a tag that is not part of its text.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_EXCEEDSMEMORY_H
#define ATTN_CONVERSION_EXCEEDSMEMORY_H

#include "mlir/IR/Diagnostics.h"

namespace attn {

constexpr llvm::StringLiteral kExceedsMemoryTag = "tile.exceeds_memory";

/// Says that `error` is about a kernel that needs more workgroup memory than
/// its machine has.
inline void tagExceedsMemory(mlir::InFlightDiagnostic &error) {
  if (mlir::Diagnostic *diagnostic = error.getUnderlyingDiagnostic())
    diagnostic->getMetadata().emplace_back(llvm::StringRef(kExceedsMemoryTag));
}

inline bool exceedsMemory(mlir::Diagnostic &diagnostic) {
  using Kind = mlir::DiagnosticArgument::DiagnosticArgumentKind;
  return llvm::any_of(diagnostic.getMetadata(), [](const auto &entry) {
    return entry.getKind() == Kind::String &&
           entry.getAsString() == kExceedsMemoryTag;
  });
}

} // namespace attn

#endif // ATTN_CONVERSION_EXCEEDSMEMORY_H
