//===- KnownAttributes.h - No attribute is ignored --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A misspelt attribute would otherwise be a discardable one, and the op would
// compute something else than what was written.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_KNOWNATTRIBUTES_H
#define ATTN_DIALECT_KNOWNATTRIBUTES_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/StringExtras.h"

namespace attn {

/// The nearest of the `known` names, if one is near.
inline std::optional<llvm::StringRef>
findNearest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> known) {
  auto distance = [&](llvm::StringRef other) -> unsigned {
    if (other.starts_with(name) || name.starts_with(other))
      return 1;
    return name.edit_distance(other);
  };
  const auto *nearest =
      llvm::min_element(known, [&](llvm::StringRef lhs, llvm::StringRef rhs) {
        return distance(lhs) < distance(rhs);
      });
  if (nearest != known.end() && distance(*nearest) <= 1 + name.size() / 3)
    return *nearest;
  return std::nullopt;
}

/// Ends a diagnostic about the unknown `name`: the nearest of the `known`
/// names, or all of them if none is near.
inline void suggestName(mlir::InFlightDiagnostic &diagnostic,
                        llvm::StringRef name,
                        llvm::ArrayRef<llvm::StringRef> known) {
  if (std::optional<llvm::StringRef> nearest = findNearest(name, known))
    diagnostic << "; did you mean '" << *nearest << "'?";
  else if (known.empty())
    diagnostic << "; there are none";
  else
    diagnostic << "; known are " << llvm::join(known, ", ");
}

/// Verifies that `op` carries no attribute without a dialect prefix but those
/// that it declares.
inline mlir::LogicalResult verifyKnownAttributes(mlir::Operation *op) {
  llvm::SmallVector<llvm::StringRef> known;
  for (mlir::StringAttr name : op->getName().getAttributeNames())
    if (name != "operandSegmentSizes")
      known.push_back(name);
  for (mlir::NamedAttribute attribute : op->getDiscardableAttrs()) {
    llvm::StringRef name = attribute.getName();
    if (name.contains('.'))
      continue;
    mlir::InFlightDiagnostic diagnostic =
        op->emitOpError() << "has no attribute '" << name << "'";
    suggestName(diagnostic, name, known);
    return diagnostic;
  }
  return mlir::success();
}

/// Verifies that `name`, which has the prefix of one of the project's dialects,
/// is one of the `known` names.
inline mlir::LogicalResult
verifyKnownName(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> known) {
  if (llvm::is_contained(known, name))
    return mlir::success();
  mlir::InFlightDiagnostic diagnostic =
      emitError() << "has the unknown attribute '" << name << "'";
  suggestName(diagnostic, name, known);
  return diagnostic;
}

/// The trait that runs verifyKnownAttributes.
template <typename ConcreteOp>
class KnownAttributes
    : public mlir::OpTrait::TraitBase<ConcreteOp, KnownAttributes> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) {
    return verifyKnownAttributes(op);
  }
};

} // namespace attn

#endif // ATTN_DIALECT_KNOWNATTRIBUTES_H
