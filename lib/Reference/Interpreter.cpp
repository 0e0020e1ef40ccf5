//===- Interpreter.cpp - Executes attention as it is defined --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a function computes, and its execution: host code in
// HostInterpreter.cpp, the attn ops in Attention.cpp.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Interpreter.h"
#include "Attention.h"
#include "HostInterpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::reference;

//===----------------------------------------------------------------------===//
// What a function takes and gives
//===----------------------------------------------------------------------===//

/// True if `op` makes a view of its first operand. MLIR 22 does not count
/// memref.transpose among the view-like ops.
static bool isView(Operation *op) {
  return isa<ViewLikeOpInterface, memref::TransposeOp>(op);
}

/// True if `value`, a memref, or a view of it is written (`writes`) or read.
static bool isAccessed(Value value, bool writes) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isView(user)) {
      if (isAccessed(user->getResult(0), writes))
        return true;
      continue;
    }
    // Anything unknown does both.
    auto effects = dyn_cast<MemoryEffectOpInterface>(user);
    if (!effects)
      return true;
    if (writes
            ? effects.getEffectOnValue<MemoryEffects::Write>(value).has_value()
            : effects.getEffectOnValue<MemoryEffects::Read>(value).has_value())
      return true;
  }
  return false;
}

/// Fills in what `value`, the result or the destination of an op, is.
static void classify(Operation *op, unsigned resultNumber, Output &output) {
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    output.kind = resultNumber == 1 ? Output::Kind::Lse : Output::Kind::Value;
    output.inputType =
        cast<ShapedType>(attention.getQuery().getType()).getElementType();
    output.softcap = attention.getSoftcapAttr() != nullptr;
    attention.getScore().walk([&](math::TanhOp) { output.softcap = true; });
    return;
  }
  // What is moved elsewhere is what it was.
  Value moved;
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    moved = insert.getSource();
  else if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    moved = transpose.getInput();
  if (auto result = dyn_cast_if_present<OpResult>(moved))
    return classify(result.getOwner(), result.getResultNumber(), output);
  auto merge = dyn_cast<MergeOp>(op);
  if (!merge)
    return;
  // The states decide: follow the first one.
  if (auto state = merge.getO1().getDefiningOp<AttentionOp>())
    classify(state, 0, output);
  else
    output.inputType =
        cast<ShapedType>(merge.getO1().getType()).getElementType();
  output.kind = resultNumber == 1 ? Output::Kind::Lse : Output::Kind::Value;
}

SmallVector<Output> attn::reference::getOutputs(func::FuncOp function) {
  SmallVector<Output> outputs;
  if (function.isDeclaration())
    return outputs;
  Operation *terminator = function.front().getTerminator();
  for (Value value : terminator->getOperands()) {
    Output &output = outputs.emplace_back();
    output.type = value.getType();
    if (auto result = dyn_cast<OpResult>(value))
      classify(result.getOwner(), result.getResultNumber(), output);
  }
  for (BlockArgument argument : function.getArguments()) {
    if (!isa<MemRefType>(argument.getType()) ||
        !isAccessed(argument, /*writes=*/true))
      continue;
    Output &output = outputs.emplace_back();
    output.type = argument.getType();
    output.argument = argument.getArgNumber();
    // Views may lie between the argument and the op that writes it.
    SmallVector<Value> views{argument};
    while (!views.empty())
      for (OpOperand &use : views.pop_back_val().getUses()) {
        Operation *user = use.getOwner();
        if (isView(user))
          views.push_back(user->getResult(0));
        auto destination = dyn_cast<DestinationStyleOpInterface>(user);
        if (destination && destination.isDpsInit(&use))
          classify(
              user,
              use.getOperandNumber() -
                  destination.getDpsInitsMutable().begin()->getOperandNumber(),
              output);
      }
  }
  return outputs;
}

bool attn::reference::isDestination(func::FuncOp function, unsigned index) {
  BlockArgument argument = function.getArgument(index);
  if (isa<MemRefType>(argument.getType()))
    return !isAccessed(argument, /*writes=*/false) &&
           isAccessed(argument, /*writes=*/true);
  return isa<RankedTensorType>(argument.getType()) && !argument.use_empty() &&
         llvm::all_of(argument.getUses(), [](OpOperand &use) {
           auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
           return isa<AttentionOp, MergeOp>(use.getOwner()) &&
                  op.isDpsInit(&use);
         });
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

namespace {

/// Host code with attn ops.
class Interpreter : public HostInterpreter {
public:
  explicit Interpreter(const Options &options)
      : HostInterpreter({/*wide=*/options.mode == Mode::Float64}),
        options(options) {}

private:
  LogicalResult executeOther(Operation &op) override;
  std::unique_ptr<HostInterpreter> makeCallee() const override {
    return std::make_unique<Interpreter>(options);
  }
  LogicalResult executeDestinationStyle(DestinationStyleOpInterface op);

  const Options &options;
};

} // namespace

LogicalResult Interpreter::executeOther(Operation &op) {
  if (isa<AttentionOp, MergeOp>(op))
    return executeDestinationStyle(cast<DestinationStyleOpInterface>(op));
  return executeScalar(op);
}

LogicalResult
Interpreter::executeDestinationStyle(DestinationStyleOpInterface op) {
  // Destinations of tensor type are values: what is written is a copy.
  SmallVector<Array> destinations;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    const Array &array = getArray(init.get());
    destinations.push_back(isa<TensorType>(init.get().getType()) ? array.copy()
                                                                 : array);
  }
  LogicalResult executed =
      isa<AttentionOp>(op)
          ? executeAttention(cast<AttentionOp>(op), env, destinations, options)
          : executeMerge(cast<MergeOp>(op), env, destinations, options);
  if (failed(executed))
    return failure();
  if (options.mode == Mode::Unfused)
    for (Array &array : destinations) {
      Rounding rounding(cast<FloatType>(array.elementType));
      array.forEach([&](ArrayRef<int64_t> indices) {
        double &number = array.buffer->floats[array.at(indices)];
        number = rounding(number);
      });
    }
  for (auto [result, array] : llvm::zip(op->getResults(), destinations))
    env[result] = array;
  return success();
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Tensor>>
attn::reference::interpret(func::FuncOp function, ArrayRef<Tensor> inputs,
                           const Options &options) {
  FailureOr<SmallVector<RuntimeValue>> arguments =
      bindArguments(function, function.getArgumentTypes(), inputs);
  if (failed(arguments))
    return failure();
  FailureOr<SmallVector<RuntimeValue>> results =
      Interpreter(options).execute(function.front(), *arguments);
  if (failed(results))
    return failure();
  SmallVector<Tensor> outputs;
  for (auto [index, output] : llvm::enumerate(getOutputs(function)))
    outputs.push_back(toTensor(output.argument ? (*arguments)[*output.argument]
                                               : (*results)[index],
                               output.type, options.mode == Mode::Float64));
  return outputs;
}
