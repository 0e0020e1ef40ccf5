//===- HostExpressions.cpp - Host arithmetic as expressions ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integers of a host function as expressions of a description: what is used
// more than once has a name there.
//
//===----------------------------------------------------------------------===//

#include "Planner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::plan;
namespace json = llvm::json;

FailureOr<json::Value> Planner::expression(Value value) {
  if (auto it = expressions.find(value); it != expressions.end())
    return it->second;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return json::Value(constant.getBitWidth() == 1
                           ? static_cast<int64_t>(constant.getZExtValue())
                           : constant.getSExtValue());
  Operation *op = value.getDefiningOp();
  if (!op)
    return entry.emitError("a launch cannot depend on this value");
  FailureOr<json::Value> result = compute(op);
  if (failed(result))
    return failure();
  if (isa<memref::LoadOp>(op) ||
      llvm::any_of(op->getOperands(),
                   [&](Value operand) { return contents.contains(operand); }))
    contents.insert(value);
  // What is used more than once is computed once.
  auto isCall = [](const json::Value &v) { return v.getAsArray() != nullptr; };
  if (isa<arith::ArithDialect>(op->getDialect()) && !value.hasOneUse() &&
      !contents.contains(value) && isCall(*result) &&
      llvm::any_of(*result->getAsArray(), isCall)) {
    std::string name = "n" + std::to_string(symbols.size());
    symbols.push_back(named(name, *result));
    result = json::Value(json::Array{"symbol", name});
  }
  expressions.insert({value, *result});
  return result;
}

FailureOr<json::Value> Planner::expression(OpFoldResult value) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return json::Value(*known);
  return sizeExpression(cast<Value>(value));
}

FailureOr<json::Value> Planner::sizeExpression(Value value) {
  FailureOr<json::Value> result = expression(value);
  if (succeeded(result) && contents.contains(value))
    return emitError(value.getLoc(),
                     "depends on what a buffer holds, which is known too late "
                     "for a launch, a size or a slice of an artifact; pass it "
                     "as a scalar, or as a tensor where the op takes one");
  return result;
}

/// True if `value` is a size or what arithmetic on sizes cannot make negative.
bool Planner::isNonNegative(Value value) {
  if (auto it = nonNegative.find(value); it != nonNegative.end())
    return it->second;
  APInt constant;
  bool result = false;
  Operation *op = value.getDefiningOp();
  auto all = [&](ValueRange values) {
    return llvm::all_of(values, [&](Value x) { return isNonNegative(x); });
  };
  if (matchPattern(value, m_ConstantInt(&constant)))
    result = constant.getBitWidth() == 1 || !constant.isNegative();
  else if (isa_and_nonnull<memref::DimOp>(op))
    result = true;
  else if (isa_and_nonnull<arith::MaxSIOp>(op))
    result =
        isNonNegative(op->getOperand(0)) || isNonNegative(op->getOperand(1));
  else if (isa_and_nonnull<arith::AddIOp, arith::MulIOp, arith::MinSIOp,
                           arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp,
                           arith::CeilDivUIOp, arith::FloorDivSIOp,
                           arith::RemSIOp, arith::RemUIOp, arith::MinUIOp,
                           arith::MaxUIOp, arith::IndexCastOp>(op))
    result = all(op->getOperands());
  else if (auto select = dyn_cast_if_present<arith::SelectOp>(op))
    result = all({select.getTrueValue(), select.getFalseValue()});
  return nonNegative[value] = result;
}

FailureOr<json::Value> Planner::refuse(Operation *op, const Twine &why) {
  return op->emitOpError("is not something that a launch can compute: only "
                         "arithmetic on sizes runs on the host")
         << why;
}

/// On truth values, which are 0 and 1.
FailureOr<json::Value> Planner::computeBoolean(Operation *op, json::Value x,
                                               json::Value y) {
  if (isa<arith::AndIOp>(op))
    return call("and", std::move(x), std::move(y));
  if (isa<arith::OrIOp>(op))
    return call("or", std::move(x), std::move(y));
  if (isa<arith::XOrIOp>(op))
    return call("ne", std::move(x), std::move(y));
  if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
    if (cmp.getPredicate() == arith::CmpIPredicate::eq)
      return call("eq", std::move(x), std::move(y));
    if (cmp.getPredicate() == arith::CmpIPredicate::ne)
      return call("ne", std::move(x), std::move(y));
  }
  return refuse(op);
}

static bool isUnsigned(Operation *op) {
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    switch (cmp.getPredicate()) {
    case arith::CmpIPredicate::ult:
    case arith::CmpIPredicate::ule:
    case arith::CmpIPredicate::ugt:
    case arith::CmpIPredicate::uge:
      return true;
    default:
      return false;
    }
  return isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp, arith::MinUIOp,
             arith::MaxUIOp>(op);
}

static StringRef nameOf(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return "eq";
  case arith::CmpIPredicate::ne:
    return "ne";
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return "lt";
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return "le";
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return "gt";
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return "ge";
  }
  llvm_unreachable("unknown predicate");
}

/// On integers. Division rounds down in an expression and towards zero in
/// divsi, which differs for negative numbers only, as do signed and unsigned.
FailureOr<json::Value> Planner::computeInteger(Operation *op, json::Value x,
                                               json::Value y) {
  bool isPositive =
      isNonNegative(op->getOperand(0)) && isNonNegative(op->getOperand(1));
  if (isUnsigned(op) && !isPositive)
    return refuse(op, ", and this reads what may be negative as unsigned");
  auto quotient = [&]() -> json::Value {
    if (isPositive)
      return call("floordiv", x, y);
    return choose(call("eq", call("lt", x, 0), call("lt", y, 0)),
                  call("floordiv", x, y), call("ceildiv", x, y));
  };
  if (isa<arith::DivSIOp, arith::DivUIOp>(op))
    return quotient();
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return isPositive ? call("mod", x, y)
                      : call("sub", x, call("mul", y, quotient()));
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return call(nameOf(cmp.getPredicate()), std::move(x), std::move(y));
  StringRef name =
      llvm::TypeSwitch<Operation *, StringRef>(op)
          .Case<arith::AddIOp>([](auto) { return "add"; })
          .Case<arith::SubIOp>([](auto) { return "sub"; })
          .Case<arith::MulIOp>([](auto) { return "mul"; })
          .Case<arith::FloorDivSIOp>([](auto) { return "floordiv"; })
          .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
              [](auto) { return "ceildiv"; })
          .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return "min"; })
          .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return "max"; })
          .Default([](Operation *) { return ""; });
  if (name.empty())
    return refuse(op);
  return call(name, std::move(x), std::move(y));
}

/// An element of a buffer of integers, by its distance from the first.
FailureOr<json::Value> Planner::computeRead(memref::LoadOp load) {
  FailureOr<View> view = lookup(load, load.getMemRef());
  if (failed(view))
    return failure();
  if (!artifact.getHostReads() || !view->argument)
    return load.emitOpError("reads what ")
           << (view->argument ? "the host of this target cannot see"
                              : "only the program itself writes");
  json::Value offset = view->offset;
  for (auto [k, operand] : llvm::enumerate(load.getIndices())) {
    FailureOr<json::Value> index = expression(operand);
    if (failed(index))
      return failure();
    offset = add(std::move(offset), multiply(*index, view->strides[k]));
  }
  return json::Value(json::Array{"load", view->buffer, std::move(offset)});
}

FailureOr<json::Value> Planner::compute(Operation *op) {
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> k = dim.getConstantIndex();
    auto it = views.find(dim.getSource());
    if (k && it != views.end())
      return it->second.sizes[*k];
  }
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return computeRead(load);
  if (!isa<arith::ArithDialect>(op->getDialect()))
    return refuse(op);
  SmallVector<json::Value> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<json::Value> part = expression(operand);
    if (failed(part))
      return failure();
    operands.push_back(*part);
  }
  if (isa<arith::IndexCastOp>(op))
    return operands[0];
  if (isa<arith::SelectOp>(op))
    return choose(operands[0], operands[1], operands[2]);
  if (operands.size() != 2)
    return refuse(op);
  if (op->getOperand(0).getType().isInteger(1))
    return computeBoolean(op, operands[0], operands[1]);
  return computeInteger(op, operands[0], operands[1]);
}
