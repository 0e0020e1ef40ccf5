//===- Retype.cpp - Ops on values of another type -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Changes types in place; names and places of values stay.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Dialect/Tile/AttributeNames.h"

using namespace mlir;

namespace attn {

void Retype::operand(OpOperand &operand) const {
  OpBuilder b(operand.getOwner());
  operand.set(into(b, operand.get()));
}

void Retype::result(Value value, Type type) const {
  Type old = value.getType();
  value.setType(type);
  if (value.use_empty())
    return;
  OpBuilder b(value.getContext());
  b.setInsertionPointAfterValue(value);
  Value cast = back(b, value, old);
  value.replaceAllUsesExcept(cast, cast.getDefiningOp());
}

void Retype::carried(scf::ForOp loop, unsigned number, Type type) const {
  operand(loop.getInitArgsMutable()[number]);
  operand(loop.getBody()->getTerminator()->getOpOperand(number));
  result(loop.getRegionIterArg(number), type);
  result(loop.getResult(number), type);
}

void Retype::yielded(scf::IfOp branch, unsigned number, Type type) const {
  operand(branch.thenYield()->getOpOperand(number));
  operand(branch.elseYield()->getOpOperand(number));
  result(branch.getResult(number), type);
}

FailureOr<bool>
forKernelsThatLack(Operation *root, StringRef pass, tile::Lacks what,
                   function_ref<FailureOr<bool>(gpu::GPUFuncOp)> visit) {
  FailureOr<tile::TargetAttr> target = tile::TargetAttr::require(root, pass);
  if (failed(target))
    return failure();
  bool hasChanged = false;
  if (!target->doesLack(what))
    return hasChanged;
  WalkResult result = root->walk([&](gpu::GPUFuncOp kernel) {
    FailureOr<bool> changed = visit(kernel);
    if (failed(changed))
      return WalkResult::interrupt();
    hasChanged |= *changed;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return hasChanged;
}

SmallVector<BlockArgument> getParameters(gpu::GPUFuncOp kernel) {
  return llvm::to_vector(kernel.getArguments().take_front(
      kernel.getFunctionType().getNumInputs()));
}

void setParameterType(gpu::GPUFuncOp kernel, BlockArgument argument,
                      Type type) {
  SmallVector<Type> types(kernel.getFunctionType().getInputs());
  types[argument.getArgNumber()] = type;
  kernel.setFunctionType(
      FunctionType::get(kernel.getContext(), types, TypeRange()));
  argument.setType(type);
}

static MemRefType withElement(Type type, Type element) {
  return MemRefType::Builder(cast<MemRefType>(type)).setElementType(element);
}

void setElementType(gpu::GPUFuncOp kernel, BlockArgument argument,
                    Type element) {
  kernel.setArgAttr(
      argument.getArgNumber(), tile::kElementAttrName,
      TypeAttr::get(cast<MemRefType>(argument.getType()).getElementType()));
  setParameterType(kernel, argument, withElement(argument.getType(), element));
  for (Operation *user : argument.getUsers())
    if (auto view = dyn_cast<memref::ReinterpretCastOp>(user))
      view.getResult().setType(withElement(view.getType(), element));
}

SmallVector<Operation *> getAccesses(BlockArgument argument) {
  SmallVector<Operation *> accesses;
  for (Operation *user : argument.getUsers())
    if (auto view = dyn_cast<memref::ReinterpretCastOp>(user))
      llvm::append_range(accesses, view->getUsers());
  return accesses;
}

} // namespace attn
