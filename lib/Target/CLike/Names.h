//===- Names.h - Names of printed kernels -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Identifiers from the names that locations carry, each declared once in the
// scopes around it and none that the language keeps for itself.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CLIKE_NAMES_H
#define LIB_TARGET_CLIKE_NAMES_H

#include "mlir/IR/Location.h"
#include "mlir/IR/Types.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"

namespace attn::clike {

/// `hint` as an identifier.
std::string toIdentifier(llvm::StringRef hint);

/// What a value of `type` would like to be called.
std::string getNameHint(mlir::Location loc, mlir::Type type);

/// The same of a value: what branches and loops make is called what they yield.
std::string getNameHint(mlir::Value value);

/// True if `name` occurs in `text` as a whole word.
bool mentions(llvm::StringRef text, llvm::StringRef name);

/// Which names are taken where.
class Names {
public:
  /// `isReserved` tells the words of the language.
  explicit Names(std::function<bool(llvm::StringRef)> isReserved)
      : isReserved(std::move(isReserved)) {}

  /// A name like `hint` for the innermost scope, or for the whole text.
  std::string declare(llvm::StringRef hint, bool isGlobal = false);
  void enterScope();
  void leaveScope();
  /// An identifier that reads as `hint`, a word of the language at worst.
  std::string spell(llvm::StringRef hint) const;

  bool isReservedWord(llvm::StringRef name) const { return isReserved(name); }
  /// Forgets all scopes, but what is known in the whole text.
  void leaveAllScopes() {
    while (!scopes.empty())
      leaveScope();
  }

private:
  std::function<bool(llvm::StringRef)> isReserved;
  llvm::StringSet<> globals;
  llvm::SmallVector<llvm::StringSet<>> scopes;
  /// The first number that was not tried for a name, and what it was before the
  /// names of a scope: numbers below are taken.
  llvm::StringMap<unsigned> untried;
  llvm::SmallVector<llvm::SmallVector<std::pair<std::string, unsigned>>> tried;
};

} // namespace attn::clike

#endif // LIB_TARGET_CLIKE_NAMES_H
