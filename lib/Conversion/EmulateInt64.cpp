//===- EmulateInt64.cpp - 64 bits in two words ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is left of index arithmetic becomes i64, what MLIR's emulation does not
// know becomes what it knows, and its results what every target has.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/WideIntEmulationConverter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_EMULATEINT64
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Index to i64
//===----------------------------------------------------------------------===//

static Value castIndex(OpBuilder &b, Value value, Type type) {
  return b.createOrFold<arith::IndexCastOp>(value.getLoc(), type, value);
}

/// A loop between bounds of 64 bits counts its iterations, of which there are
/// no more than 31 bits hold, and computes its index from their number.
static void countIterations(scf::ForOp loop) {
  Value index = loop.getInductionVar();
  if (!index.getType().isIndex() && !index.getType().isInteger(64))
    return;
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  auto toI64 = [&](Value value) {
    return value.getType() == i64 ? value : castIndex(b, value, i64);
  };
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  Value lower = toI64(loop.getLowerBound()), step = toI64(loop.getStep());
  Value count = arith::SubIOp::create(b, toI64(loop.getUpperBound()), lower);
  if (!isConstantIntValue(loop.getStep(), 1)) {
    Value last = arith::SubIOp::create(b, step, constant(1));
    Value most = arith::AddIOp::create(b, count, last);
    count = arith::DivSIOp::create(b, most, step);
  }
  count = arith::MaxSIOp::create(b, count, constant(0));
  count = arith::MinSIOp::create(b, count, constant(INT32_MAX));
  loop.setUpperBound(arith::TruncIOp::create(b, i32, count));
  loop.setLowerBound(arith::ConstantOp::create(b, b.getI32IntegerAttr(0)));
  loop.setStep(arith::ConstantOp::create(b, b.getI32IntegerAttr(1)));

  b.setInsertionPointToStart(loop.getBody());
  Type type = index.getType();
  index.setType(i32);
  auto number = arith::ExtSIOp::create(b, i64, index);
  Value distance = arith::MulIOp::create(b, number, step);
  Value here = arith::AddIOp::create(b, lower, distance);
  if (type.isIndex())
    here = castIndex(b, here, type);
  index.replaceAllUsesExcept(here, number);
}

/// Lets an op compute with i64 where it does with index.
static void replaceIndex(Operation *op) {
  Type i64 = IntegerType::get(op->getContext(), 64);
  Retype toI64{
      [&](OpBuilder &b, Value value) { return castIndex(b, value, i64); },
      castIndex};
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [number, value] : llvm::enumerate(loop.getInitArgs()))
      if (value.getType().isIndex())
        toI64.carried(loop, number, i64);
    return;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (auto [number, value] : llvm::enumerate(branch.getResults()))
      if (value.getType().isIndex())
        toI64.yielded(branch, number, i64);
    return;
  }
  if (isa<arith::ConstantOp, arith::IndexCastOp, arith::IndexCastUIOp>(op) ||
      !isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return;
  for (OpOperand &operand : op->getOpOperands())
    if (operand.get().getType().isIndex())
      toI64.operand(operand);
  for (Value result : op->getResults())
    if (result.getType().isIndex()) {
      op->removeAttr(tile::kSizeAttrName);
      toI64.result(result, i64);
    }
}

/// Upstream makes the words of a shift by n with one by 32 - n: nothing may be
/// shifted by 0.
static void avoidNoShift(Operation *shift) {
  if (!isa<arith::ShLIOp, arith::ShRUIOp, arith::ShRSIOp>(shift) ||
      !shift->getResult(0).getType().isInteger(64) ||
      matchPattern(shift->getOperand(1), m_Constant()))
    return;
  ImplicitLocOpBuilder b(shift->getLoc(), shift);
  Value amount = shift->getOperand(1);
  Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  Value one = arith::ConstantOp::create(b, b.getI64IntegerAttr(1));
  Value isZero =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, amount, zero);
  shift->setOperand(1, arith::SelectOp::create(b, isZero, one, amount));
  b.setInsertionPointAfter(shift);
  Value result = shift->getResult(0);
  auto chosen =
      arith::SelectOp::create(b, isZero, shift->getOperand(0), result);
  result.replaceAllUsesExcept(chosen, chosen);
}

//===----------------------------------------------------------------------===//
// What the emulation does not know
//===----------------------------------------------------------------------===//

namespace {
/// Arithmetic on i64 with its constants.
struct Wide {
  ImplicitLocOpBuilder b;

  Wide(PatternRewriter &rewriter, Operation *op) : b(op->getLoc(), rewriter) {}

  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }
  template <typename Op> Value make(Value x, Value y) {
    return Op::create(b, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, predicate, x, y);
  }
  Value choose(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value isNegative(Value x) {
    return compare(arith::CmpIPredicate::slt, x, constant(0));
  }
  /// The magnitude of a signed number.
  Value magnitude(Value x) {
    return choose(isNegative(x), make<arith::SubIOp>(constant(0), x), x);
  }

  /// Quotient and remainder of unsigned numbers, a bit at a time; of a
  /// division by zero nobody looks at either.
  std::pair<Value, Value> divide(Value x, Value y);
};

std::pair<Value, Value> Wide::divide(Value x, Value y) {
  auto i32 = [&](int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  Value one = constant(1);
  auto bits = scf::ForOp::create(
      b, b.getLoc(), i32(0), i32(64), i32(1),
      ValueRange{x, constant(0), constant(0)},
      [&](OpBuilder &, Location, Value, ValueRange carried) {
        Value rest = carried[0], quotient = carried[1], part = carried[2];
        // The next bit of x moves into the part of it that is divided.
        Value top = make<arith::ShRUIOp>(rest, constant(63));
        Value over = isNegative(part);
        part = make<arith::OrIOp>(make<arith::ShLIOp>(part, one), top);
        rest = make<arith::ShLIOp>(rest, one);
        quotient = make<arith::ShLIOp>(quotient, one);
        Value goes = make<arith::OrIOp>(
            over, compare(arith::CmpIPredicate::uge, part, y));
        part = choose(goes, make<arith::SubIOp>(part, y), part);
        quotient = choose(goes, make<arith::OrIOp>(quotient, one), quotient);
        scf::YieldOp::create(b, ValueRange{rest, quotient, part});
      });
  return {bits.getResult(1), bits.getResult(2)};
}

/// Divisions: by a power of two with shifts, else bit by bit.
template <typename Op> struct ExpandDivision final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  static constexpr bool isSigned =
      std::is_same_v<Op, arith::DivSIOp> || std::is_same_v<Op, arith::RemSIOp>;
  static constexpr bool isQuotient =
      std::is_same_v<Op, arith::DivSIOp> || std::is_same_v<Op, arith::DivUIOp>;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(64))
      return failure();
    Wide wide(rewriter, op);
    Value x = op.getLhs(), y = op.getRhs();
    Value magnitudeX = isSigned ? wide.magnitude(x) : x;
    Value magnitudeY = isSigned ? wide.magnitude(y) : y;
    APInt divisor;
    Value quotient, rest;
    if (matchPattern(y, m_ConstantInt(&divisor)) && divisor.isPowerOf2() &&
        !divisor.isNegative()) {
      quotient = wide.make<arith::ShRUIOp>(magnitudeX,
                                           wide.constant(divisor.logBase2()));
      rest = wide.make<arith::AndIOp>(
          magnitudeX, wide.constant(divisor.getSExtValue() - 1));
    } else {
      std::tie(quotient, rest) = wide.divide(magnitudeX, magnitudeY);
    }
    Value result = isQuotient ? quotient : rest;
    if (isSigned) {
      Value negative = wide.isNegative(x);
      if (isQuotient)
        negative = wide.make<arith::XOrIOp>(negative, wide.isNegative(y));
      Value opposite = wide.make<arith::SubIOp>(wide.constant(0), result);
      result = wide.choose(negative, opposite, result);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ExpandAbs final : OpRewritePattern<math::AbsIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::AbsIOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(64))
      return failure();
    Value magnitude = Wide(rewriter, op).magnitude(op.getOperand());
    rewriter.replaceOp(op, magnitude);
    return success();
  }
};

/// The bits of two words.
struct ExpandCount final : OpRewritePattern<math::CtPopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::CtPopOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(64))
      return failure();
    Wide wide(rewriter, op);
    Type i32 = rewriter.getI32Type();
    auto countWord = [&](Value word) -> Value {
      return math::CtPopOp::create(wide.b,
                                   arith::TruncIOp::create(wide.b, i32, word));
    };
    Value x = op.getOperand();
    Value high = wide.make<arith::ShRUIOp>(x, wide.constant(32));
    Value count = wide.make<arith::AddIOp>(countWord(x), countWord(high));
    rewriter.replaceOpWithNewOp<arith::ExtUIOp>(op, op.getType(), count);
    return success();
  }
};

/// An i64 that became an index only to become an i64 again keeps its bits.
/// Upstream's patterns do this, too, but others of them take the extension of
/// a boolean into the cast, which tile-expand-booleans took out of it.
struct KeepBits final : OpRewritePattern<arith::IndexCastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::IndexCastOp op,
                                PatternRewriter &rewriter) const override {
    auto source = op.getIn().getDefiningOp<arith::IndexCastOp>();
    if (!source || !op.getIn().getType().isIndex() ||
        source.getIn().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, source.getIn());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// What the emulation leaves
//===----------------------------------------------------------------------===//

/// A sum that is less than one of its parts has a carry.
struct ExpandCarry final : OpRewritePattern<arith::AddUIExtendedOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddUIExtendedOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value sum = arith::AddIOp::create(rewriter, loc, op.getLhs(), op.getRhs());
    Value carry = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::ult, sum, op.getLhs());
    rewriter.replaceOp(op, {sum, carry});
    return success();
  }
};

/// The product of two words by those of their halves.
struct ExpandProduct final : OpRewritePattern<arith::MulUIExtendedOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulUIExtendedOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto constant = [&](int64_t value) {
      return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
    };
    Value mask = constant(0xffff), half = constant(16);
    auto low = [&](Value x) -> Value {
      return arith::AndIOp::create(b, x, mask);
    };
    auto high = [&](Value x) -> Value {
      return arith::ShRUIOp::create(b, x, half);
    };
    auto add = [&](Value x, Value y) -> Value {
      return arith::AddIOp::create(b, x, y);
    };
    auto mul = [&](Value x, Value y) -> Value {
      return arith::MulIOp::create(b, x, y);
    };
    Value x = op.getLhs(), y = op.getRhs();
    Value x0 = low(x), x1 = high(x), y0 = low(y), y1 = high(y);
    // Each of these is at most (2^16 - 1)^2 + 2 (2^16 - 1) = 2^32 - 1.
    Value first = add(mul(x1, y0), high(mul(x0, y0)));
    Value second = add(mul(x0, y1), low(first));
    Value top = add(add(mul(x1, y1), high(first)), high(second));
    rewriter.replaceOp(op, {mul(x, y), top});
    return success();
  }
};

/// A word of a choice between pairs is a choice between words.
struct ChooseWord final : OpRewritePattern<vector::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::ExtractOp op,
                                PatternRewriter &rewriter) const override {
    auto select = op.getSource().getDefiningOp<arith::SelectOp>();
    if (!select || !select.getCondition().getType().isInteger(1))
      return failure();
    auto word = [&](Value pair) -> Value {
      return vector::ExtractOp::create(rewriter, op.getLoc(), pair,
                                       op.getStaticPosition());
    };
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, select.getCondition(),
                                                 word(select.getTrueValue()),
                                                 word(select.getFalseValue()));
    return success();
  }
};

/// A pair of which one word is replaced is made of two words.
struct MakePair final : OpRewritePattern<vector::InsertOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::InsertOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = op.getDestVectorType();
    if (type.getShape() != ArrayRef<int64_t>{2} || op.hasDynamicPosition())
      return failure();
    int64_t replaced = op.getStaticPosition().front();
    SmallVector<Value> words;
    for (int64_t word : {0, 1})
      words.push_back(word == replaced
                          ? op.getValueToStore()
                          : rewriter.createOrFold<vector::ExtractOp>(
                                op.getLoc(), op.getDest(), word));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, words);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct EmulateInt64 final
    : KernelsThatLack<attn::impl::EmulateInt64Base<EmulateInt64>,
                      tile::Lacks::Int64> {
  FailureOr<bool> visit(gpu::GPUFuncOp kernel) override {
    kernel.walk(countIterations);
    kernel.walk(replaceIndex);
    if (!hasWide(kernel))
      return false;
    kernel.walk(avoidNoShift);
    if (failed(expand(kernel)) || failed(emulate(kernel)) ||
        failed(simplify(kernel)))
      return failure();
    return true;
  }

  /// Most kernels compute with words alone.
  static bool hasWide(gpu::GPUFuncOp kernel) {
    auto isWide = [](Type type) {
      return getElementTypeOrSelf(type).isInteger(64);
    };
    return kernel
        .walk([&](Operation *op) {
          // With two results, these are expanded, too.
          bool is = isa<arith::AddUIExtendedOp, arith::MulUIExtendedOp>(op) ||
                    llvm::any_of(op->getResultTypes(), isWide) ||
                    llvm::any_of(op->getOperandTypes(), isWide);
          return is ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  LogicalResult expand(gpu::GPUFuncOp kernel) {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandDivision<arith::DivSIOp>, ExpandDivision<arith::DivUIOp>,
                 ExpandDivision<arith::RemSIOp>, ExpandDivision<arith::RemUIOp>,
                 ExpandAbs, ExpandCount, KeepBits>(&getContext());
    return applyPatternsGreedily(kernel, std::move(patterns));
  }

  LogicalResult emulate(gpu::GPUFuncOp kernel) {
    arith::WideIntEmulationConverter types(/*widestIntSupportedByTarget=*/32);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return types.isLegal(op); });
    RewritePatternSet patterns(&getContext());
    arith::populateArithWideIntEmulationPatterns(types, patterns);
    scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns,
                                                         target);
    return applyPartialConversion(kernel, target, std::move(patterns));
  }

  LogicalResult simplify(gpu::GPUFuncOp kernel) {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandCarry, ExpandProduct, ChooseWord, MakePair, KeepBits>(
        &getContext());
    for (StringRef dialect : {"arith", "vector"})
      for (RegisteredOperationName name :
           getContext().getRegisteredOperationsByDialect(dialect))
        if (name.getStringRef() != arith::IndexCastOp::getOperationName())
          name.getCanonicalizationPatterns(patterns, &getContext());
    return applyPatternsGreedily(kernel, std::move(patterns));
  }
};
} // namespace
