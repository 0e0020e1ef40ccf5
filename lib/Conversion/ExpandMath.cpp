//===- ExpandMath.cpp - Functions from exp2, log2 and arithmetic ----------===//
//
// Expansion of the transcendental functions that score regions may use (rule
// 8). Targets provide exp2 and log2; the accuracies are in the description of
// the pass and are measured by test/Conversion/expand-math.mlir.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDMATH
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {

/// Builds f32 expressions on scalars or vectors of one type.
class Expression {
public:
  Expression(PatternRewriter &rewriter, Location loc, Type type)
      : builder(loc, rewriter), type(type) {}

  Value constant(float value) {
    TypedAttr attr = builder.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(builder, attr);
  }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(builder, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(builder, a, b); }
  Value neg(Value a) { return arith::NegFOp::create(builder, a); }
  Value fma(Value a, Value b, Value c) {
    return math::FmaOp::create(builder, a, b, c);
  }
  Value exp2(Value a) { return math::Exp2Op::create(builder, a); }
  Value log2(Value a) { return math::Log2Op::create(builder, a); }
  Value floor(Value a) { return math::FloorOp::create(builder, a); }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, condition, a, b);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(builder, predicate, a, b);
  }
  /// NaN stays NaN.
  Value clamp(Value a, float low, float high) {
    Value atLeast = arith::MaximumFOp::create(builder, a, constant(low));
    return arith::MinimumFOp::create(builder, atLeast, constant(high));
  }
  /// a / b where one ULP more does not matter: a reciprocal and a product.
  Value divideApproximately(Value a, Value b) {
    auto op = arith::DivFOp::create(builder, a, b);
    op.setFastmath(arith::FastMathFlags::arcp | arith::FastMathFlags::afn);
    return op;
  }
  /// c[0] + x (c[1] + x (c[2] + ...)).
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = constant(coefficients.back());
    for (float c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, constant(c));
    return sum;
  }

private:
  ImplicitLocOpBuilder builder;
  Type type;
};

constexpr float kLog2E = 1.44269502f;       // log2(e) rounded to f32
constexpr float kLog2ELow = 1.92596303e-8f; // log2(e) - kLog2E
constexpr float kLn2 = 0.693147182f;

Value expandExp(Expression &e, Value x) {
  // The product x * log2(e) is split into a rounded part h and its error l:
  // h alone would cost abs(h) ULP. Below -104 the result is 0; the clamp keeps
  // infinities out of the subtraction that finds l.
  Value clamped = e.clamp(x, -104.0f, 128.0f);
  Value log2e = e.constant(kLog2E);
  Value high = e.mul(clamped, log2e);
  Value low = e.fma(clamped, log2e, e.neg(high));
  low = e.fma(clamped, e.constant(kLog2ELow), low);
  Value power = e.exp2(high);
  Value corrected = e.fma(power, e.mul(low, e.constant(kLn2)), power);
  // Past the largest finite result, power is infinite and has no correction.
  Value overflows =
      e.compare(arith::CmpFPredicate::OGT, clamped, e.constant(88.7228317f));
  return e.select(overflows, power, corrected);
}

Value expandLog(Expression &e, Value x) {
  return e.mul(e.log2(x), e.constant(kLn2));
}

Value expandTanh(Expression &e, Value x) {
  // tanh is 1 in f32 from 9.1 on; the clamp keeps exp2 finite.
  Value power =
      e.exp2(e.mul(e.clamp(x, -16.0f, 16.0f), e.constant(2 * kLog2E)));
  Value one = e.constant(1.0f);
  Value large =
      e.sub(one, e.divideApproximately(e.constant(2.0f), e.add(power, one)));
  // The difference has an absolute error only, which a softcap of 50 would
  // magnify: small arguments take an odd polynomial (Cephes).
  Value square = e.mul(x, x);
  Value small =
      e.fma(e.mul(x, square),
            e.polynomial(square, {-3.33332819422e-1f, 1.33314422036e-1f,
                                  -5.37397155531e-2f, 2.06390887954e-2f,
                                  -5.70498872745e-3f}),
            x);
  // In terms of the square, which needs no absolute value; NaN is not below.
  Value isSmall =
      e.compare(arith::CmpFPredicate::OLT, square, e.constant(0.625f * 0.625f));
  return e.select(isSmall, small, large);
}

/// The same without the polynomial, for infinities that behave.
Value expandShortTanh(Expression &e, Value x) {
  Value power = e.exp2(e.mul(x, e.constant(2 * kLog2E)));
  Value one = e.constant(1.0f);
  return e.sub(one, e.divideApproximately(e.constant(2.0f), e.add(power, one)));
}

/// sin(x + shift * pi/2).
Value expandSin(Expression &e, Value x, float shift) {
  // x = k pi/2 + r with pi/2 in three parts (Cody and Waite), abs(r) <= pi/4.
  Value k = e.floor(e.fma(x, e.constant(0.636619747f), e.constant(0.5f)));
  Value r = e.fma(k, e.constant(-1.57079601f), x);
  r = e.fma(k, e.constant(-3.13916473e-7f), r);
  r = e.fma(k, e.constant(-5.39030253e-15f), r);
  Value square = e.mul(r, r);
  Value sine = e.fma(e.mul(r, square),
                     e.polynomial(square, {-1.6666654611e-1f, 8.3321608736e-3f,
                                           -1.9515295891e-4f}),
                     r);
  Value cosine = e.polynomial(square, {1.0f, -0.5f, 4.166664568e-2f,
                                       -1.388731625e-3f, 2.443315712e-5f});
  // The quadrant, k + shift modulo 4, in floats: exact, and no conversion to
  // an integer that could be out of range.
  Value turned = e.add(k, e.constant(shift));
  Value half = e.mul(turned, e.constant(0.5f));
  Value odd = e.compare(arith::CmpFPredicate::ONE, half, e.floor(half));
  Value quarter = e.floor(e.mul(turned, e.constant(0.25f)));
  Value quadrant = e.fma(quarter, e.constant(-4.0f), turned);
  Value negative =
      e.compare(arith::CmpFPredicate::OGE, quadrant, e.constant(2.0f));
  Value value = e.select(odd, cosine, sine);
  return e.select(negative, e.neg(value), value);
}

template <typename Op> struct Expand final : OpRewritePattern<Op> {
  using Build = Value (*)(Expression &, Value);
  Expand(MLIRContext *context, Build build, bool keepApproximate = false)
      : OpRewritePattern<Op>(context), build(build),
        keepApproximate(keepApproximate) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "only f32 is expanded");
    if (keepApproximate &&
        bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn))
      return rewriter.notifyMatchFailure(op, "the target approximates it");
    Expression expression(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, build(expression, op.getOperand()));
    return success();
  }

  Build build;
  bool keepApproximate;
};

struct ExpandMathPass final : attn::impl::ExpandMathBase<ExpandMathPass> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<Expand<math::ExpOp>>(context, expandExp);
    patterns.add<Expand<math::LogOp>>(context, expandLog);
    patterns.add<Expand<math::TanhOp>>(
        context, shortTanh ? expandShortTanh : expandTanh, keepTanh);
    patterns.add<Expand<math::SinOp>>(
        context, +[](Expression &e, Value x) { return expandSin(e, x, 0.0f); });
    patterns.add<Expand<math::CosOp>>(
        context, +[](Expression &e, Value x) { return expandSin(e, x, 1.0f); });
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
