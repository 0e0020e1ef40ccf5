//===- AttnHole.cpp - Functions that are written later --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifier of attn.hole: names that text may have, and a value for what is
// not filled.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Hole.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace attn;

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/AttnHole.cpp.inc"

/// Text of other languages calls functions and parameters so.
static bool isName(StringRef name) {
  return !name.empty() && llvm::isAlpha(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

LogicalResult HoleOp::verify() {
  SmallVector<StringRef> functions{getFunction()};
  if (std::optional<StringRef> test = getTileTest())
    functions.push_back(*test);
  for (StringRef name : functions)
    if (!isName(name))
      return emitOpError("calls a function '")
             << name << "'; names are letters, digits and underscores, a "
             << "letter first";
  if (getParameters().size() != getOperands().size())
    return emitOpError("names ")
           << getParameters().size() << " parameters, but has "
           << getOperands().size() << " operands";
  llvm::StringSet<> taken;
  for (StringRef name : getParameters().getAsValueRange<StringAttr>()) {
    if (!isName(name))
      return emitOpError("has a parameter '")
             << name << "'; names are letters, digits and underscores, a "
             << "letter first";
    if (!taken.insert(name).second)
      return emitOpError("has two parameters called '") << name << "'";
  }
  Type type = getResult().getType();
  if (type.isInteger(1))
    return success();
  if (getTileTest())
    return emitOpError("has a tile_test, but is no mask: it gives ") << type;
  if (getOperands().empty() || getOperands().front().getType() != type)
    return emitOpError("gives ")
           << type << ", which its first operand has to be: an unfilled hole "
           << "yields it";
  return success();
}
