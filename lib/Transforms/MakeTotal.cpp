//===- MakeTotal.cpp - Region code that may run anywhere ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gives every op of the regions a result for every operand (rule 8), so that
// later passes may evaluate, hoist and vectorise any of them for elements and
// branches that nobody looks at: reads stay inside of their table, divisors
// are never 0, nothing is poison. Loops become straight code.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

namespace attn {
#define GEN_PASS_DEF_MAKETOTAL
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// verifyRegionSizes bounds what all trips together make.
static void unroll(scf::ForOp loop) {
  ConstantLoop trips = *getConstantLoop(loop);
  OpBuilder builder(loop);
  SmallVector<Value> carried(loop.getInitArgs());
  for (int64_t trip = 0; trip < trips.count; ++trip) {
    IRMapping mapping;
    Value index = arith::ConstantOp::create(
        builder, loop.getLoc(),
        builder.getIntegerAttr(loop.getInductionVar().getType(),
                               trips.first + trip * trips.step));
    mapping.map(loop.getInductionVar(), index);
    mapping.map(loop.getRegionIterArgs(), carried);
    for (Operation &nested : loop.getBody()->without_terminator())
      builder.clone(nested, mapping);
    for (auto [value, yielded] : llvm::zip_equal(
             carried, loop.getBody()->getTerminator()->getOperands()))
      value = mapping.lookupOrDefault(yielded);
  }
  loop->replaceAllUsesWith(carried);
  loop.erase();
}

//===----------------------------------------------------------------------===//
// Arithmetic and reads
//===----------------------------------------------------------------------===//

namespace {
/// Rewrites the operands of one op, in place, to what it is defined for. The
/// op itself stays the one that defines the value: mask analysis knows it.
class Totaler {
public:
  Totaler(AttentionOp attention, Operation *op)
      : attention(attention), op(op), b(op->getLoc(), op) {}

  /// Whether operands or the op changed.
  bool run() {
    dropPromises();
    SmallVector<Value> before(op->getOperands());
    TypeSwitch<Operation *>(op)
        .Case<arith::DivSIOp, arith::RemSIOp, arith::FloorDivSIOp,
              arith::CeilDivSIOp>([&](auto) { guardDivision(true); })
        .Case<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp>(
            [&](auto) { guardDivision(false); })
        .Case<arith::ShLIOp, arith::ShRUIOp>([&](auto) { guardShift(false); })
        .Case([&](arith::ShRSIOp) { guardShift(true); })
        .Case([&](arith::FPToSIOp) { saturate(true); })
        .Case([&](arith::FPToUIOp) { saturate(false); })
        .Case<tensor::ExtractOp, memref::LoadOp>([&](auto) { clampRead(); })
        .Case<arith::IndexCastOp, arith::IndexCastUIOp>(
            [&](auto) { keepTruncation(); });
    if (isOpTriviallyDead(op)) {
      op->erase();
      return true;
    }
    return !llvm::equal(before, op->getOperands());
  }

private:
  Value constant(Type type, int64_t value) {
    return arith::ConstantOp::create(
        b, b.getIntegerAttr(
               type, APInt(type.isIndex() ? 64 : type.getIntOrFloatBitWidth(),
                           value, /*isSigned=*/true, /*implicitTrunc=*/true)));
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return b.createOrFold<arith::CmpIOp>(predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return b.createOrFold<arith::SelectOp>(condition, x, y);
  }

  /// What an op promises about its operands may be broken where nobody looks.
  void dropPromises() {
    if (isa<arith::ArithIntegerOverflowFlagsInterface>(op))
      op->setInherentAttr(
          b.getStringAttr("overflowFlags"),
          arith::IntegerOverflowFlagsAttr::get(
              b.getContext(), arith::IntegerOverflowFlags::none));
    if (op->getInherentAttr("isExact").value_or(Attribute()))
      op->setInherentAttr(b.getStringAttr("isExact"), Attribute());
  }

  /// x / 0 and x rem 0 are 0: as 0 / 1. x / -1 is -x, which may wrap:
  /// as -x / 1.
  void guardDivision(bool isSigned) {
    Value x = op->getOperand(0), y = op->getOperand(1);
    APInt known;
    bool isConstant = matchPattern(y, m_ConstantInt(&known));
    if (isConstant && !known.isZero() && !(isSigned && known.isAllOnes()))
      return;
    Value zero = constant(y.getType(), 0), one = constant(y.getType(), 1);
    Value isZero = compare(arith::CmpIPredicate::eq, y, zero);
    Value dividend = select(isZero, zero, x), divisor = select(isZero, one, y);
    if (isSigned) {
      Value isMinusOne =
          compare(arith::CmpIPredicate::eq, y, constant(y.getType(), -1));
      dividend =
          select(isMinusOne, b.createOrFold<arith::SubIOp>(zero, x), dividend);
      divisor = select(isMinusOne, one, divisor);
    }
    op->setOperands({dividend, divisor});
  }

  /// A shift by the width or more is what shifting one by one gives: 0, or
  /// copies of the sign.
  void guardShift(bool keepsSign) {
    Value x = op->getOperand(0), amount = op->getOperand(1);
    Type type = amount.getType();
    unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    APInt known;
    if (matchPattern(amount, m_ConstantInt(&known)) && known.ult(width))
      return;
    Value last = constant(type, width - 1);
    Value fits = compare(arith::CmpIPredicate::ule, amount, last);
    if (!keepsSign)
      x = select(fits, x, constant(type, 0));
    op->setOperands({x, select(fits, amount, last)});
  }

  /// Numbers out of range become the nearest integer, NaN 0.
  void saturate(bool isSigned) {
    Value x = op->getOperand(0), result = op->getResult(0);
    unsigned width = result.getType().getIntOrFloatBitWidth();
    // LLVM 22 takes every number but 0 for false on NVIDIA's GPUs.
    if (width == 1) {
      arith::CmpFPredicate holds =
          isSigned ? arith::CmpFPredicate::OLE : arith::CmpFPredicate::OGE;
      Value limit =
          arith::ConstantOp::create(b, b.getF32FloatAttr(isSigned ? -1 : 1));
      result.replaceAllUsesWith(arith::CmpFOp::create(b, holds, x, limit));
      return;
    }
    double past = std::ldexp(1.0, isSigned ? width - 1 : width);
    auto number = [&](double value) -> Value {
      return arith::ConstantOp::create(
          b, b.getF32FloatAttr(static_cast<float>(value)));
    };
    auto isLess = [&](Value y, Value z) -> Value {
      return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, y, z);
    };
    Value low = number(isSigned ? -past : 0.0), high = number(past);
    Value atLeast = select(isLess(x, low), low, x);
    op->setOperand(0, select(isLess(x, high), atLeast, number(0.0)));
    b.setInsertionPointAfter(op);
    APInt most =
        isSigned ? APInt::getSignedMaxValue(width) : APInt::getMaxValue(width);
    Value largest =
        arith::ConstantOp::create(b, b.getIntegerAttr(result.getType(), most));
    Value isAbove =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, x, high);
    auto saturated = arith::SelectOp::create(b, isAbove, largest, result);
    result.replaceAllUsesExcept(saturated, saturated);
  }

  /// Upstream takes a cast of an index to fewer bits and back to an index for
  /// the index. It cannot where the bits are those of an i64: casts to i8 are
  /// always written so, those to i32, which mostly become numbers, where such a
  /// cast follows.
  void keepTruncation() {
    Value in = op->getOperand(0), out = op->getResult(0);
    if (!in.getType().isIndex() || out.getType().isInteger(64) ||
        (out.getType().isInteger(32) && !becomesIndex(out)))
      return;
    Value wide = arith::IndexCastOp::create(b, b.getI64Type(), in);
    out.replaceAllUsesWith(arith::TruncIOp::create(b, out.getType(), wide));
  }

  static bool becomesIndex(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) {
      return isa<arith::IndexCastOp, arith::IndexCastUIOp>(user) ||
             (isa<arith::ExtSIOp, arith::ExtUIOp>(user) &&
              becomesIndex(user->getResult(0)));
    });
  }

  /// Every index is clamped into the table. An empty table is read at its
  /// first byte, where every launch has one (docs/tile-form.md).
  void clampRead() {
    Value table = op->getOperand(0);
    auto type = cast<ShapedType>(table.getType());
    bool isTensor = isa<TensorType>(type);
    Value zero = constant(b.getIndexType(), 0);
    SmallVector<Value> sizes;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (ShapedType::isStatic(size))
        sizes.push_back(constant(b.getIndexType(), size));
      else if (isTensor)
        sizes.push_back(tensor::DimOp::create(b, table, dim));
      else
        sizes.push_back(memref::DimOp::create(b, table, dim));
    }
    // Where one size is 0 the other indices must be 0, too.
    Value isEmpty;
    if (type.getRank() > 1)
      for (auto [size, known] : llvm::zip_equal(sizes, type.getShape())) {
        if (ShapedType::isStatic(known) && known != 0)
          continue;
        Value none = compare(arith::CmpIPredicate::eq, size, zero);
        isEmpty = isEmpty ? b.createOrFold<arith::OrIOp>(isEmpty, none) : none;
      }
    for (auto [dim, size] : llvm::enumerate(sizes)) {
      OpOperand &index = op->getOpOperand(dim + 1);
      if (isInside(index.get(), type.getDimSize(dim)) && !isEmpty)
        continue;
      Value last =
          b.createOrFold<arith::SubIOp>(size, constant(b.getIndexType(), 1));
      if (isEmpty)
        last = select(isEmpty, zero, last);
      // The lower bound comes last: an empty table is read at 0.
      Value below = b.createOrFold<arith::MinSIOp>(index.get(), last);
      index.set(b.createOrFold<arith::MaxSIOp>(below, zero));
    }
  }

  /// True if `index` is known to lie in a dimension of `size`.
  bool isInside(Value index, int64_t size) {
    if (ShapedType::isDynamic(size))
      return false;
    APInt known;
    if (matchPattern(index, m_ConstantInt(&known)))
      return known.ult(static_cast<uint64_t>(size));
    auto argument = dyn_cast<BlockArgument>(index);
    if (!argument)
      return false;
    auto isArgument = [&](Region &region, unsigned number) {
      return !region.empty() && argument.getOwner() == &region.front() &&
             argument.getArgNumber() == number;
    };
    auto isBatchOrHead = [&](unsigned number) {
      constexpr unsigned score =
          AttentionOp::kNumScoreArgs - AttentionOp::kNumMaskArgs;
      return isArgument(attention.getScore(), score + number) ||
             isArgument(attention.getMask(), number);
    };
    auto within = [&](int64_t bound) {
      return ShapedType::isStatic(bound) && bound <= size;
    };
    return (isBatchOrHead(0) && within(attention.getBatch())) ||
           (isBatchOrHead(1) && within(attention.getNumQueryHeads()));
  }

  AttentionOp attention;
  Operation *op;
  ImplicitLocOpBuilder b;
};

struct MakeTotalPass : attn::impl::MakeTotalBase<MakeTotalPass> {
  void runOnOperation() override {
    WalkResult walk = getOperation()->walk([&](AttentionOp attention) {
      if (failed(verifyRegionSizes(attention)))
        return WalkResult::interrupt();
      // Inner loops come first.
      attention->walk([&](scf::ForOp loop) {
        unroll(loop);
        ++numLoops;
      });
      SmallVector<Operation *> ops;
      attention->walk([&](Operation *op) {
        if (op != attention)
          ops.push_back(op);
      });
      for (Operation *op : ops) {
        // A dead op is gone afterwards.
        bool reads = isa<tensor::ExtractOp, memref::LoadOp>(op);
        if (Totaler(attention, op).run())
          ++(reads ? numReads : numGuards);
      }
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
