//===- Names.cpp - Names of printed kernels -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Identifiers and the scopes in which they are declared.
//
//===----------------------------------------------------------------------===//

#include "Names.h"
#include "attn/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace attn::clike;

std::string attn::clike::toIdentifier(StringRef hint) {
  std::string name;
  for (char c : hint)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name.front()) || name.front() == '_')
    name = "x" + name;
  return name;
}

std::string attn::clike::getNameHint(Location loc, Type type) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (type.isInteger(1))
    return "is";
  if (isa<attn::kernel::MatrixType>(type))
    return "m";
  return isa<FloatType>(getElementTypeOrSelf(type)) ? "x" : "n";
}

/// The name of a value, from its location or what it is yielded from; empty if
/// it has none.
static StringRef findName(Value value) {
  auto ofLoc = [](Location loc) {
    auto name = dyn_cast<NameLoc>(loc);
    return name ? name.getName().getValue() : StringRef();
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    StringRef own = ofLoc(argument.getLoc());
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    OpOperand *next = loop ? loop.getTiedLoopYieldedValue(argument) : nullptr;
    if (!next || !next->get().getDefiningOp() ||
        isa<scf::ForOp>(next->get().getDefiningOp()))
      return own;
    // One of several that hold a tile has its number.
    StringRef yielded = findName(next->get());
    return own.empty() || yielded.starts_with((own + "_").str()) ? yielded
                                                                 : own;
  }
  auto result = cast<OpResult>(value);
  Operation *op = result.getOwner();
  if (auto branch = dyn_cast<scf::IfOp>(op))
    if (op->getNumResults() > 1 || !isa<NameLoc>(op->getLoc()))
      return findName(branch.thenYield().getOperand(result.getResultNumber()));
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return findName(loop.getTiedLoopRegionIterArg(result));
  return ofLoc(op->getLoc());
}

std::string attn::clike::getNameHint(Value value) {
  StringRef name = findName(value);
  return name.empty()
             ? getNameHint(UnknownLoc::get(value.getContext()), value.getType())
             : name.str();
}

bool attn::clike::mentions(StringRef text, StringRef name) {
  // A word of a pair mentions the pair, a field of the parameters does not.
  auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos;
       at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if ((at == 0 || !(isWord(text[at - 1]) || text[at - 1] == '.')) &&
        (end == text.size() || !isWord(text[end])))
      return true;
  }
  return false;
}

std::string Names::spell(StringRef hint) const {
  std::string name = toIdentifier(hint);
  // Where two underscores are the compiler's, no number at the end helps.
  if (isReserved(name))
    name.erase(std::unique(name.begin(), name.end(),
                           [](char x, char y) { return x == '_' && y == '_'; }),
               name.end());
  return name;
}

std::string Names::declare(StringRef hint, bool isGlobal) {
  std::string base = spell(hint);
  auto number = [&](unsigned k) {
    StringRef between = llvm::isDigit(base.back()) ? "_" : "";
    return k == 0 ? base : (base + between + Twine(k)).str();
  };
  auto isTaken = [&](StringRef name) {
    return isReserved(name) || globals.contains(name) ||
           llvm::any_of(scopes, [&](const llvm::StringSet<> &scope) {
             return scope.contains(name);
           });
  };
  unsigned first = untried.lookup(base), k = first;
  std::string name = number(k);
  while (isTaken(name))
    name = number(++k);
  if (isGlobal) {
    globals.insert(name);
    return name;
  }
  scopes.back().insert(name);
  tried.back().emplace_back(base, first);
  untried[base] = k + 1;
  return name;
}

void Names::enterScope() {
  scopes.emplace_back();
  tried.emplace_back();
}

void Names::leaveScope() {
  for (const auto &[base, first] : llvm::reverse(tried.back()))
    untried[base] = first;
  scopes.pop_back();
  tried.pop_back();
}
