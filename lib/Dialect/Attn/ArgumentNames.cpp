//===- ArgumentNames.cpp - What messages call the arguments ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arguments of a function by the operands of attn ops that they are, in the
// words of the verifiers.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Attn/Attn.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace attn;

using NameOperand = llvm::function_ref<void(StringRef name, Value operand)>;

static void nameOperands(AttentionOp op, NameOperand name) {
  name("query", op.getQuery());
  name("key", op.getKey());
  name("value", op.getValue());
  name("output", op.getOutput());
  name("lse", op.getLse());
  name("scale", op.getScale());
  name("alibi", op.getAlibi());
  name("bias", op.getBias());
  name("mask_tensor", op.getMaskTensor());
  name("q_segments", op.getQSegments());
  name("kv_segments", op.getKvSegments());
  name("prefix", op.getPrefix());
  name("q_offset", op.getQOffset());
  name("kv_len", op.getKvLen());
  name("cu_seqlens_q", op.getCuSeqlensQ());
  name("cu_seqlens_kv", op.getCuSeqlensKv());
  name("page_table", op.getPageTable());
  name("sink", op.getSink());
  for (auto [index, capture] : llvm::enumerate(op.getCaptures()))
    name(("capture" + Twine(index)).str(), capture);
}

static void nameOperands(MergeOp op, NameOperand name) {
  name("o1", op.getO1());
  name("lse1", op.getLse1());
  name("o2", op.getO2());
  name("lse2", op.getLse2());
  name("output", op.getInits()[0]);
  name("lse", op.getInits()[1]);
}

/// What `attn.name` and ops say; "" where neither does.
static SmallVector<std::string> getGivenNames(FunctionOpInterface function) {
  SmallVector<std::string> names(function.getNumArguments());
  llvm::StringSet<> taken;
  for (auto [index, given] : llvm::enumerate(names))
    if (auto attribute =
            function.getArgAttrOfType<StringAttr>(index, kArgumentNameAttr)) {
      given = attribute.str();
      taken.insert(given);
    }
  if (function.isExternal())
    return names;
  auto name = [&](StringRef role, Value operand) {
    auto argument = dyn_cast_if_present<BlockArgument>(operand);
    if (!argument ||
        argument.getOwner() != &function.getFunctionBody().front() ||
        !names[argument.getArgNumber()].empty())
      return;
    std::string unique = role.str();
    for (unsigned count = 2; !taken.insert(unique).second; ++count)
      unique = (role + "_" + Twine(count)).str();
    names[argument.getArgNumber()] = unique;
  };
  function->walk([&](Operation *op) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      nameOperands(attention, name);
    else if (auto merge = dyn_cast<MergeOp>(op))
      nameOperands(merge, name);
  });
  return names;
}

SmallVector<std::string> attn::getArgumentNames(FunctionOpInterface function) {
  SmallVector<std::string> names = getGivenNames(function);
  for (auto [index, name] : llvm::enumerate(names))
    if (name.empty())
      name = "arg" + std::to_string(index);
  return names;
}

std::string attn::describeArgument(FunctionOpInterface function,
                                   unsigned index) {
  return "argument " + std::to_string(index) + " '" +
         getArgumentNames(function)[index] + "'";
}

void attn::nameArguments(FunctionOpInterface function) {
  for (auto [index, name] : llvm::enumerate(getGivenNames(function)))
    if (!name.empty())
      function.setArgAttr(index, kArgumentNameAttr,
                          StringAttr::get(function.getContext(), name));
}
