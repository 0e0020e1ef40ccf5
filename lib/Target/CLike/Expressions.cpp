//===- Expressions.cpp - Ops as expressions of languages like C -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A case an op. What languages spell differently they spell themselves.
//
//===----------------------------------------------------------------------===//

#include "Printer.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn::clike;

FailureOr<Expression> Printer::refuse(Operation &op) const {
  op.emitOpError("has no ") << language << " form";
  return failure();
}

Expression Printer::spellPosition(Value memory, Value index) const {
  auto view = memory.getDefiningOp<memref::ReinterpretCastOp>();
  if (!view || view.getOffsets().empty())
    return get(index);
  return {get(view.getOffsets().front()).at(kSum) + " + " + get(index).at(kSum),
          kSum};
}

std::string Printer::access(Value memory, Value index) {
  auto type = cast<MemRefType>(memory.getType());
  std::string name = get(memory).text;
  if (type.hasStaticShape() && type.getNumElements() == 1 &&
      isa<BlockArgument>(memory))
    if (auto space =
            dyn_cast_or_null<gpu::AddressSpaceAttr>(type.getMemorySpace());
        space && space.getValue() == gpu::AddressSpace::Private)
      return name;
  return name + "[" + spellPosition(memory, index).text + "]";
}

Expression Printer::binary(StringRef symbol, Precedence precedence,
                           Operation &op) {
  // Bitwise operators do not mix with anything without parentheses.
  int left = precedence == kBits ? int(kUnary) : int(precedence);
  int right = precedence == kBits  ? int(kUnary)
              : precedence >= kSum ? precedence + 1
                                   : precedence;
  // `a < b >> c` would begin a template list.
  if (precedence == kRelation)
    left = right = kSum;
  if (APInt amount; isa<arith::AddIOp>(op) &&
                    matchPattern(op.getOperand(1), m_ConstantInt(&amount)) &&
                    amount.isNegative() && !amount.isMinSignedValue())
    return {get(op.getOperand(0)).at(kSum) + " - " +
                spellInteger(-amount, op.getResult(0).getType()),
            kSum};
  return {get(op.getOperand(0)).at(left) + " " + symbol.str() + " " +
              get(op.getOperand(1)).at(right),
          precedence};
}

Expression Printer::call(StringRef function, ValueRange operands) {
  std::string text = function.str() + "(";
  // `f(a < b, c > d)` would be a template list: only the last operand may be a
  // relation as it is.
  for (Value value : operands.drop_back())
    text += spellOperand(value).at(kBits) + ", ";
  return {text + spellOperand(operands.back()).text + ")"};
}

//===----------------------------------------------------------------------===//
// Constants and comparisons
//===----------------------------------------------------------------------===//

FailureOr<Expression> Printer::spellConstantOp(arith::ConstantOp op) {
  Type type = op.getType();
  if (type.isInteger(1))
    return Expression{cast<BoolAttr>(op.getValue()).getValue() ? "true"
                                                               : "false"};
  bool isNegative = false;
  std::string text;
  if (auto attr = dyn_cast<IntegerAttr>(op.getValue())) {
    text = spellInteger(attr.getValue(), type);
    isNegative = attr.getValue().isNegative();
  } else if (auto attr = dyn_cast<FloatAttr>(op.getValue())) {
    if (attr.getValue().isFinite())
      text = spellFloat(attr.getValue(), type);
    isNegative = attr.getValue().isNegative();
  }
  if (text.empty())
    return op.emitError() << language << " has no constant " << op.getValue();
  return Expression{text, isNegative ? kUnary : kPrimary};
}

std::string attn::clike::toDecimal(const APFloat &value) {
  SmallString<24> text;
  value.toString(text, /*FormatPrecision=*/9, /*FormatMaxPadding=*/4);
  for (char &c : text)
    c = c == 'E' ? 'e' : c;
  if (!text.str().contains('.') && !text.str().contains('e'))
    text += ".0";
  return text.str().str();
}

Expression Printer::compare(arith::CmpIOp op) {
  using P = arith::CmpIPredicate;
  if (op.getPredicate() == P::eq && op.getLhs().getType().isInteger(1) &&
      matchPattern(op.getRhs(), m_Zero()))
    return {"!" + get(op.getLhs()).at(kPrimary), kUnary};
  StringRef symbol;
  switch (op.getPredicate()) {
  case P::eq:
    symbol = "==";
    break;
  case P::ne:
    symbol = "!=";
    break;
  case P::ult:
  case P::slt:
    symbol = "<";
    break;
  case P::ule:
  case P::sle:
    symbol = "<=";
    break;
  case P::ugt:
  case P::sgt:
    symbol = ">";
    break;
  case P::uge:
  case P::sge:
    symbol = ">=";
    break;
  }
  if (op.getPredicate() < P::ult)
    return binary(symbol, kRelation, *op);
  return {spellUnsigned(op.getLhs()) + " " + symbol.str() + " " +
              spellUnsigned(op.getRhs()),
          kRelation};
}

Expression Printer::compare(arith::CmpFOp op) {
  using P = arith::CmpFPredicate;
  auto is = [&](StringRef symbol) { return binary(symbol, kRelation, *op); };
  auto isNot = [&](StringRef symbol) {
    return Expression{"!(" + is(symbol).text + ")", kUnary};
  };
  switch (op.getPredicate()) {
  case P::AlwaysFalse:
    return {"false"};
  case P::AlwaysTrue:
    return {"true"};
  case P::OEQ:
    return is("==");
  case P::OGT:
    return is(">");
  case P::OGE:
    return is(">=");
  case P::OLT:
    return is("<");
  case P::OLE:
    return is("<=");
  case P::UNE:
    return is("!=");
  case P::ULE:
    return isNot(">");
  case P::ULT:
    return isNot(">=");
  case P::UGE:
    return isNot("<");
  case P::UGT:
    return isNot("<=");
  // NaN is not promised (rule 16): ordered and unordered are the same.
  case P::ONE:
    return is("!=");
  case P::UEQ:
    return is("==");
  case P::ORD:
    return {"true"};
  case P::UNO:
    return {"false"};
  }
  llvm_unreachable("unknown predicate");
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Expression Printer::unsignedOp(StringRef symbol, Operation &op) {
  return {spellType(op.getResult(0).getType()) + "(" +
          spellUnsigned(op.getOperand(0)) + " " + symbol.str() + " " +
          spellUnsigned(op.getOperand(1)) + ")"};
}

Expression Printer::unsignedCall(StringRef function, Operation &op) {
  std::string text;
  for (Value operand : op.getOperands())
    text += (text.empty() ? "" : ", ") + spellUnsigned(operand);
  return {spellType(op.getResult(0).getType()) + "(" + function.str() + "(" +
          text + "))"};
}

/// A quotient or remainder. Divisors are not 0 but where nobody looks
/// (attn-make-total), which compilers refuse if they see it.
Expression Printer::divide(StringRef symbol, Operation &op) {
  if (matchPattern(op.getOperand(1), m_Zero()))
    return symbol == "/" ? get(op.getOperand(0)) : Expression{"0"};
  if (isa<arith::DivUIOp, arith::RemUIOp>(op))
    return unsignedOp(symbol, op);
  return spellArithmetic(symbol, kProduct, op);
}

/// Amounts are less than the width (attn-make-total).
Expression Printer::shift(StringRef symbol, Operation &op) {
  return {get(op.getOperand(0)).at(kUnary) + " " + symbol.str() + " " +
              spellUnsigned(op.getOperand(1)),
          kBits};
}

FailureOr<Expression> Printer::spellLogic(Operation &op) {
  // && and || do not mix without parentheses.
  auto logical = [&](StringRef symbol, Precedence precedence) {
    auto operand = [&](unsigned k) {
      Expression e = get(op.getOperand(k));
      return e.precedence == precedence || e.precedence >= kRelation
                 ? e.text
                 : "(" + e.text + ")";
    };
    return Expression{operand(0) + " " + symbol.str() + " " + operand(1),
                      precedence};
  };
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::AndIOp) { return logical("&&", kAnd); })
      .Case([&](arith::OrIOp) { return logical("||", kOr); })
      .Case([&](arith::XOrIOp) {
        if (matchPattern(op.getOperand(1), m_One()))
          return Expression{"!" + get(op.getOperand(0)).at(kPrimary), kUnary};
        return binary("!=", kRelation, op);
      })
      .Default([&](Operation *op) -> FailureOr<Expression> {
        return op->emitOpError("has no ") << language << " form on i1";
      });
}

FailureOr<Expression> Printer::spellIntegerOp(Operation &op) {
  if (op.getResult(0).getType().isInteger(1))
    return spellLogic(op);
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::AddIOp) { return spellArithmetic("+", kSum, op); })
      .Case([&](arith::SubIOp) { return spellArithmetic("-", kSum, op); })
      .Case([&](arith::MulIOp) { return spellArithmetic("*", kProduct, op); })
      .Case<arith::DivSIOp, arith::DivUIOp>(
          [&](auto) { return divide("/", op); })
      .Case<arith::RemSIOp, arith::RemUIOp>(
          [&](auto) { return divide("%", op); })
      .Case([&](arith::MaxSIOp) { return call("max", op.getOperands()); })
      .Case([&](arith::MinSIOp) { return call("min", op.getOperands()); })
      .Case([&](arith::MaxUIOp) { return unsignedCall("max", op); })
      .Case([&](arith::MinUIOp) { return unsignedCall("min", op); })
      .Case([&](arith::AndIOp) { return binary("&", kBits, op); })
      .Case([&](arith::OrIOp) { return binary("|", kBits, op); })
      .Case([&](arith::XOrIOp) { return binary("^", kBits, op); })
      .Case([&](arith::ShLIOp) { return spellArithmetic("<<", kBits, op); })
      .Case([&](arith::ShRSIOp) { return shift(">>", op); })
      .Case([&](arith::ShRUIOp) { return unsignedOp(">>", op); })
      .Case([&](math::AbsIOp) { return call("abs", op.getOperands()); })
      .Case([&](math::CtPopOp) { return unsignedCall(spellFunction(op), op); })
      .Default([&](Operation *op) { return refuse(*op); });
}

//===----------------------------------------------------------------------===//
// All ops
//===----------------------------------------------------------------------===//

StringRef Printer::spellFunction(Operation &op) const {
  return TypeSwitch<Operation *, StringRef>(&op)
      .Case<arith::MaxNumFOp, arith::MaximumFOp>([](auto) { return "max"; })
      .Case<arith::MinNumFOp, arith::MinimumFOp>([](auto) { return "min"; })
      .Case([](math::FmaOp) { return "fma"; })
      .Case([](math::Exp2Op) { return "exp2"; })
      .Case([](math::Log2Op) { return "log2"; })
      .Case([](math::FloorOp) { return "floor"; })
      .Case([](math::CeilOp) { return "ceil"; })
      .Case([](math::TruncOp) { return "trunc"; })
      .Case([](math::SqrtOp) { return "sqrt"; })
      .Default([](Operation *) { return ""; });
}

Expression Printer::spellBuiltin(gpu::Dimension dimension, StringRef vector,
                                 Type type) {
  StringRef dimensions[] = {"x", "y", "z"};
  return {spellType(type) + "(" + vector.str() + "." +
          dimensions[static_cast<unsigned>(dimension)].str() + ")"};
}

FailureOr<Expression> Printer::spell(Operation &op) {
  if (std::optional<FailureOr<Expression>> own = spellOwn(op))
    return *own;
  if (StringRef function = spellFunction(op);
      !function.empty() &&
      isa<FloatType>(getElementTypeOrSelf(op.getResult(0).getType())))
    return call(function, op.getOperands());
  return TypeSwitch<Operation *, FailureOr<Expression>>(&op)
      .Case([&](arith::ConstantOp op) { return spellConstantOp(op); })
      .Case<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp>([&](auto id) {
        StringRef vector = isa<gpu::ThreadIdOp>(op)  ? "local"
                           : isa<gpu::BlockIdOp>(op) ? "group"
                                                     : "group_count";
        return spellBuiltin(id.getDimension(), vector, id.getType());
      })
      .Case([&](func::CallOp op) {
        return call(op.getCallee(), op.getOperands());
      })
      .Case([&](memref::LoadOp op) {
        return Expression{access(op.getMemRef(), op.getIndices().front())};
      })
      .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp,
            arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::MaxSIOp,
            arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp, arith::AndIOp,
            arith::OrIOp, arith::XOrIOp, arith::ShLIOp, arith::ShRSIOp,
            arith::ShRUIOp, math::AbsIOp, math::CtPopOp>(
          [&](auto) { return spellIntegerOp(op); })
      .Case([&](arith::AddFOp) { return binary("+", kSum, op); })
      .Case([&](arith::SubFOp) { return binary("-", kSum, op); })
      .Case([&](arith::MulFOp) { return binary("*", kProduct, op); })
      .Case([&](arith::DivFOp) { return binary("/", kProduct, op); })
      .Case([&](arith::NegFOp op) {
        return Expression{"-" + get(op.getOperand()).at(kPrimary), kUnary};
      })
      .Case([&](arith::CmpIOp op) { return compare(op); })
      .Case([&](arith::CmpFOp op) { return compare(op); })
      .Case([&](arith::SelectOp op) { return spellSelect(op); })
      .Case<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::SIToFPOp,
            arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp, arith::ExtFOp,
            arith::TruncFOp, arith::BitcastOp, arith::IndexCastOp,
            arith::IndexCastUIOp>([&](auto) -> FailureOr<Expression> {
        FailureOr<std::string> type =
            getTypeName(&op, op.getResult(0).getType());
        if (failed(type))
          return failure();
        return spellCast(op, *type);
      })
      .Default([&](Operation *op) { return refuse(*op); });
}
