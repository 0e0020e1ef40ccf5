//===- ExpandMath.cpp - Functions from exp2, log2 and arithmetic ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expansion of the functions that score regions may use (rule 8). Targets
// provide exp2 and log2; the accuracies are in the description of the pass and
// are measured by test/Conversion/expand-math.mlir.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/ExpandMath.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/bit.h"

#include <limits>

namespace attn {
#define GEN_PASS_DEF_EXPANDMATH
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {

/// 2^x = c[0] + x (c[1] + ...) for abs(x) <= 1/2, to 1.9e-9.
constexpr float kExp2Coefficients[] = {
    1.0f,           6.93147206e-1f, 2.40226462e-1f, 5.55032866e-2f,
    9.61848907e-3f, 1.33999309e-3f, 1.53458095e-4f};

/// Builds f32 expressions on scalars or vectors of one type, for a target with
/// precise math or without.
class Expression {
public:
  Expression(RewriterBase &rewriter, Location loc, Type type, bool isPrecise)
      : builder(loc, rewriter), type(type), isPrecise(isPrecise) {}

  Value constant(float value) {
    TypedAttr attr = builder.getF32FloatAttr(value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(builder, attr);
  }
  Value add(Value a, Value b) { return exactly<arith::AddFOp>(a, b); }
  Value sub(Value a, Value b) { return exactly<arith::SubFOp>(a, b); }
  Value mul(Value a, Value b) { return exactly<arith::MulFOp>(a, b); }
  Value neg(Value a) { return exactly<arith::NegFOp>(a); }
  /// Rounded once or twice.
  Value fma(Value a, Value b, Value c) { return exactly<math::FmaOp>(a, b, c); }
  Value exp2(Value a) { return math::Exp2Op::create(builder, a); }
  Value log2(Value a) { return math::Log2Op::create(builder, a); }
  Value floor(Value a) { return math::FloorOp::create(builder, a); }
  Value trunc(Value a) { return math::TruncOp::create(builder, a); }
  Value sqrt(Value a) { return math::SqrtOp::create(builder, a); }
  Value abs(Value a) { return math::AbsFOp::create(builder, a); }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, condition, a, b);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(builder, predicate, a, b);
  }
  Value maximum(Value a, Value b) {
    return arith::MaximumFOp::create(builder, a, b);
  }
  Value minimum(Value a, Value b) {
    return arith::MinimumFOp::create(builder, a, b);
  }
  /// NaN stays NaN.
  Value clamp(Value a, float low, float high) {
    return minimum(maximum(a, constant(low)), constant(high));
  }
  Value divide(Value a, Value b) {
    return arith::DivFOp::create(builder, a, b);
  }
  Value isLess(Value a, float b) {
    return compare(arith::CmpFPredicate::OLT, a, constant(b));
  }
  Value isMore(Value a, float b) {
    return compare(arith::CmpFPredicate::OGT, a, constant(b));
  }
  Value isEqual(Value a, float b) {
    return compare(arith::CmpFPredicate::OEQ, a, constant(b));
  }
  Value both(Value a, Value b) { return arith::AndIOp::create(builder, a, b); }
  /// a where `negative` is false, else -a.
  Value negateIf(Value negative, Value a) {
    return select(negative, neg(a), a);
  }
  /// A positive normal number as m * 2^e, sqrt(1/2) <= m < sqrt(2).
  std::pair<Value, Value> splitExponent(Value a) {
    constexpr int32_t kRootHalf = 0x3f3504f3, kMantissaBits = 23;
    Value bits = arith::BitcastOp::create(builder, integerType(), a);
    Value e = arith::ShRSIOp::create(
        builder, arith::SubIOp::create(builder, bits, integer(kRootHalf)),
        integer(kMantissaBits));
    Value m = arith::SubIOp::create(
        builder, bits,
        arith::ShLIOp::create(builder, e, integer(kMantissaBits)));
    return {arith::BitcastOp::create(builder, type, m),
            arith::SIToFPOp::create(builder, type, e)};
  }
  /// a b + c where c is about -a b: what the rounding of either lost. Where fma
  /// rounds the product first, nothing would be left of it: that is the sum of
  /// four products of 12 bits each.
  Value addProduct(Value a, Value b, Value c) {
    if (isPrecise)
      return fma(a, b, c);
    auto [aHigh, aLow] = split(a);
    auto [bHigh, bLow] = split(b);
    Value sum = fma(aHigh, bHigh, c);
    sum = fma(aHigh, bLow, sum);
    sum = fma(aLow, bHigh, sum);
    return fma(aLow, bLow, sum);
  }
  /// exp2 to within 2 ULP.
  Value preciseExp2(Value a) {
    if (isPrecise)
      return exp2(a);
    Value x = clamp(a, -152.0f, 129.0f);
    Value n = floor(add(x, constant(0.5f)));
    Value power = polynomial(sub(x, n), kExp2Coefficients);
    // 2^n is no number of f32 at either end: two factors.
    Value exponent = arith::FPToSIOp::create(builder, integerType(), n);
    Value half = arith::ShRSIOp::create(builder, exponent, integer(1));
    Value rest = arith::SubIOp::create(builder, exponent, half);
    return mul(mul(power, powerOfTwo(half)), powerOfTwo(rest));
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
  /// What rounding lost is found by sums that are 0 for a device which regroups
  /// them.
  template <typename Op, typename... Values> Value exactly(Values... values) {
    auto op = Op::create(builder, values...);
    if (!isPrecise)
      op->setAttr(attn::tile::kExactAttrName, builder.getUnitAttr());
    return op;
  }
  /// The upper 12 bits of a number, and what is left.
  std::pair<Value, Value> split(Value a) {
    constexpr int32_t kUpper = ~0xfff;
    FloatAttr known;
    if (matchPattern(a, m_Constant(&known))) {
      float all = known.getValueAsDouble();
      float high = llvm::bit_cast<float>(llvm::bit_cast<int32_t>(all) & kUpper);
      return {constant(high), constant(all - high)};
    }
    Value bits = arith::BitcastOp::create(builder, integerType(), a);
    bits = arith::AndIOp::create(builder, bits, integer(kUpper));
    Value high = arith::BitcastOp::create(builder, type, bits);
    return {high, sub(a, high)};
  }
  Value powerOfTwo(Value exponent) {
    Value biased = arith::AddIOp::create(builder, exponent, integer(127));
    return arith::BitcastOp::create(
        builder, type, arith::ShLIOp::create(builder, biased, integer(23)));
  }
  Type integerType() {
    Type i32 = builder.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      return vector.clone(i32);
    return i32;
  }
  Value integer(int32_t value) {
    TypedAttr attr = builder.getI32IntegerAttr(value);
    if (auto vector = dyn_cast<VectorType>(integerType()))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(builder, attr);
  }

  ImplicitLocOpBuilder builder;
  Type type;
  bool isPrecise;
};

constexpr float kLog2E = 1.44269502f;       // log2(e) rounded to f32
constexpr float kLog2ELow = 1.92596303e-8f; // log2(e) - kLog2E
constexpr float kLn2 = 0.693147182f;
constexpr float kLargest = 0x1.fffffep127f;

Value expandExp(Expression &e, ValueRange operands) {
  Value x = operands[0];
  // The product x * log2(e) is split into a rounded part h and its error l:
  // h alone would cost abs(h) ULP. Below -104 the result is 0; the clamp keeps
  // infinities out of the subtraction that finds l.
  Value clamped = e.clamp(x, -104.0f, 128.0f);
  Value log2e = e.constant(kLog2E);
  Value high = e.mul(clamped, log2e);
  Value low = e.addProduct(clamped, log2e, e.neg(high));
  low = e.fma(clamped, e.constant(kLog2ELow), low);
  Value power = e.preciseExp2(high);
  Value corrected = e.fma(power, e.mul(low, e.constant(kLn2)), power);
  // Past the largest finite result, power is infinite and has no correction.
  Value overflows =
      e.compare(arith::CmpFPredicate::OGT, clamped, e.constant(88.7228317f));
  return e.select(overflows, power, corrected);
}

Value expandLog(Expression &e, ValueRange x) {
  return e.mul(e.log2(x[0]), e.constant(kLn2));
}

Value expandLog1p(Expression &e, ValueRange operands) {
  Value x = operands[0], one = e.constant(1.0f), zero = e.constant(0.0f);
  // log(1 + x) = 2 artanh(s), s = x / (2 + x), and 2 s = x - s x.
  Value s = e.divide(x, e.add(x, e.constant(2.0f)));
  Value square = e.mul(s, s);
  Value series =
      e.polynomial(square, {6.666667e-1f, 3.9999995e-1f, 2.857226e-1f,
                            2.216421e-1f, 1.9810794e-1f});
  Value small = e.fma(e.neg(s), e.fma(e.neg(square), series, x), x);
  // Elsewhere what the rounding of 1 + x lost is added to first order.
  Value sum = e.add(x, one);
  Value lost = e.divide(e.sub(x, e.sub(sum, one)), sum);
  Value isOrdinary =
      e.both(e.isMore(sum, 0.0f),
             e.compare(arith::CmpFPredicate::OLE, sum, e.constant(kLargest)));
  Value large =
      e.fma(e.log2(sum), e.constant(kLn2), e.select(isOrdinary, lost, zero));
  Value isSmall = e.both(e.isMore(x, -0.25f), e.isLess(x, 0.5f));
  return e.select(isSmall, small, large);
}

/// log2 of a positive number as the sum of two floats.
std::pair<Value, Value> expandLog2InTwo(Expression &e, Value x) {
  constexpr float kSmallestNormal = 0x1p-126f;
  Value isSubnormal = e.isLess(x, kSmallestNormal);
  Value normal = e.select(isSubnormal, e.mul(x, e.constant(0x1p24f)), x);
  auto [m, exponent] = e.splitExponent(normal);
  exponent = e.sub(exponent,
                   e.select(isSubnormal, e.constant(24.0f), e.constant(0.0f)));
  // log(m) = 2 artanh(s), s = (m - 1) / (m + 1) with what rounding lost.
  Value one = e.constant(1.0f);
  Value numerator = e.sub(m, one), denominator = e.add(m, one);
  Value lost = e.sub(m, e.sub(denominator, one));
  Value s = e.divide(numerator, denominator), minusS = e.neg(s);
  Value rest =
      e.fma(minusS, lost, e.addProduct(minusS, denominator, numerator));
  Value sLow = e.divide(rest, denominator);
  Value square = e.mul(s, s);
  Value series = e.polynomial(
      square, {6.666667e-1f, 4.0000123e-1f, 2.8550783e-1f, 2.3331334e-1f});
  Value tail = e.fma(e.mul(s, square), series, e.add(sLow, sLow));
  Value twice = e.add(s, s), log2e = e.constant(kLog2E);
  Value high = e.mul(twice, log2e);
  Value low = e.addProduct(twice, log2e, e.neg(high));
  low = e.fma(twice, e.constant(kLog2ELow), low);
  low = e.fma(tail, log2e, low);
  // The exponent is 0 or larger than the rest: two exact sums.
  Value sum = e.add(exponent, high);
  low = e.add(e.add(e.sub(exponent, sum), high), low);
  Value result = e.add(sum, low);
  return {result, e.sub(low, e.sub(result, sum))};
}

Value expandPow(Expression &e, ValueRange operands) {
  Value x = operands[0], y = operands[1];
  Value magnitude = e.abs(x);
  auto [high, low] = expandLog2InTwo(e, magnitude);
  // Not infinite: some targets have no such constant (rule 16).
  high = e.select(e.isEqual(x, 0.0f), e.constant(-kLargest), high);
  Value isFinite =
      e.compare(arith::CmpFPredicate::OLE, magnitude, e.constant(kLargest));
  high = e.select(isFinite, high, magnitude);
  Value power = e.mul(y, high);
  Value powerLow = e.fma(y, low, e.addProduct(y, high, e.neg(power)));
  Value rough = e.preciseExp2(power);
  Value exact = e.fma(rough, e.mul(powerLow, e.constant(kLn2)), rough);
  // Past the range the correction is not a number, and not needed.
  Value result = e.select(e.isLess(e.abs(power), 128.0f), exact, rough);
  // A negative number has integer powers only; its root is NaN.
  Value half = e.mul(y, e.constant(0.5f));
  Value isInteger = e.compare(arith::CmpFPredicate::OEQ, e.floor(y), y);
  Value isOdd = e.compare(arith::CmpFPredicate::ONE, e.floor(half), half);
  Value ofNegative = e.select(isInteger, e.negateIf(isOdd, result), e.sqrt(x));
  result = e.select(e.isLess(x, 0.0f), ofNegative, result);
  Value one = e.constant(1.0f);
  result = e.select(e.isEqual(y, 0.0f), one, result);
  return e.select(e.isEqual(x, 1.0f), one, result);
}

/// Coefficients by N. Juffa.
Value expandErf(Expression &e, ValueRange operands) {
  Value x = operands[0];
  Value square = e.mul(x, x);
  Value small = e.fma(
      e.polynomial(square, {1.28379166e-1f, -3.76125336e-1f, 1.12819925e-1f,
                            -2.67681349e-2f, 4.99119423e-3f, -5.96761703e-4f}),
      x, x);
  // erf is 1 in f32 from 3.92 on; the bound keeps the polynomial falling.
  Value t = e.clamp(e.abs(x), 0.0f, 4.0f);
  Value exponent = e.polynomial(
      t, {-1.28717512e-1f, -6.34846687e-1f, -1.06777877e-1f, 2.42546219e-2f,
          -3.88396438e-3f, 3.83197126e-4f, -1.72853470e-5f});
  exponent = e.fma(exponent, t, e.neg(t));
  Value large = e.sub(e.constant(1.0f), expandExp(e, exponent));
  large = e.negateIf(e.isLess(x, 0.0f), large);
  Value isSmall = e.isLess(e.abs(x), 0.927734375f);
  return e.select(isSmall, small, large);
}

/// Away from zero in the middle: 0.5 would round its neighbour below up.
Value expandRound(Expression &e, ValueRange x) {
  Value half = e.select(e.isLess(x[0], 0.0f), e.constant(-0x1.fffffep-2f),
                        e.constant(0x1.fffffep-2f));
  return e.trunc(e.add(x[0], half));
}

Value expandClamp(Expression &e, ValueRange operands) {
  return e.maximum(e.minimum(operands[0], operands[2]), operands[1]);
}

Value expandIsNaN(Expression &e, ValueRange x) {
  return e.compare(arith::CmpFPredicate::UNO, x[0], x[0]);
}

Value expandTanh(Expression &e, ValueRange operands) {
  Value x = operands[0];
  // tanh is 1 in f32 from 9.1 on; the bound keeps exp2 finite. Of a negative
  // argument the quotient would be near 2, and so would be its error.
  Value magnitude = e.minimum(e.abs(x), e.constant(16.0f));
  Value power = e.exp2(e.mul(magnitude, e.constant(2 * kLog2E)));
  Value one = e.constant(1.0f);
  Value large = e.negateIf(
      e.isLess(x, 0.0f),
      e.sub(one, e.divideApproximately(e.constant(2.0f), e.add(power, one))));
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

/// What an absolute error of tanh may become in a score: 2^8 times 2^-21 moves
/// a weight by less than half of what rounding it to f16 does.
constexpr double kMostMagnified = 256;

/// How large an absolute error of 1 in some value of a map is in what the map
/// yields. Infinite where that depends on other values, or on a threshold.
class Magnification {
public:
  double get(Value value) {
    auto [entry, isNew] = known.try_emplace(value, 0);
    if (!isNew)
      return entry->second;
    double sum = 0;
    for (OpOperand &use : value.getUses())
      sum += getThrough(use);
    return known[value] = sum;
  }

private:
  double getThrough(OpOperand &use) {
    Operation *op = use.getOwner();
    auto times = [&](Value other, bool isDivisor = false) {
      APFloat constant(0.0f);
      if (!matchPattern(other, m_ConstantFloat(&constant)))
        return std::numeric_limits<double>::infinity();
      double factor = std::abs(constant.convertToDouble());
      return (isDivisor ? 1 / factor : factor) * get(op->getResult(0));
    };
    unsigned number = use.getOperandNumber();
    if (isa<arith::MulFOp>(op) || (isa<math::FmaOp>(op) && number < 2))
      return times(op->getOperand(1 - number));
    if (isa<arith::DivFOp>(op) && number == 0)
      return times(op->getOperand(1), /*isDivisor=*/true);
    if (isa<arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::SelectOp,
            arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
            arith::MinNumFOp, math::AbsFOp, math::FmaOp, math::ClampFOp>(op))
      return get(op->getResult(0));
    return isa<attn::tile::YieldOp>(op)
               ? 1
               : std::numeric_limits<double>::infinity();
  }

  DenseMap<Value, double> known;
};

/// `x * factor` as a number times a constant: a softcap divides what the scale
/// has multiplied.
std::pair<Value, float> splitFactor(Value x, double factor) {
  FloatAttr constant;
  while (auto product = x.getDefiningOp<arith::MulFOp>()) {
    if (!matchPattern(product.getRhs(), m_Constant(&constant)))
      break;
    double next = factor * constant.getValueAsDouble();
    if (!APFloat(static_cast<float>(next)).isNormal())
      break;
    factor = next;
    x = product.getLhs();
  }
  return {x, static_cast<float>(factor)};
}

/// tanh(x) where `exponent` is 2 x log2(e), without a polynomial.
Value expandTanhOfExponent(Expression &e, Value exponent) {
  Value one = e.constant(1.0f);
  return e.sub(one, e.divideApproximately(e.constant(2.0f),
                                          e.add(e.exp2(exponent), one)));
}

Value getTanhExponent(Expression &e, Value x) {
  auto [number, factor] = splitFactor(x, 2 * kLog2E);
  return e.mul(number, e.constant(factor));
}

/// For infinities that behave.
Value expandShortTanh(Expression &e, ValueRange x) {
  return expandTanhOfExponent(e, getTanhExponent(e, x[0]));
}

/// Where a machine may assume that nothing is infinite. A NaN is not above.
Value expandBoundedShortTanh(Expression &e, ValueRange x) {
  Value exponent = getTanhExponent(e, x[0]);
  Value most = e.constant(16.0f * (2 * kLog2E));
  Value isAbove = e.compare(arith::CmpFPredicate::OGT, exponent, most);
  return expandTanhOfExponent(e, e.select(isAbove, most, exponent));
}

/// c (1 - 2 / y) as c - 2 c / y, where a softcap multiplies a short tanh.
void foldCap(arith::MulFOp product) {
  FloatAttr cap, one, two;
  auto difference = product.getLhs().getDefiningOp<arith::SubFOp>();
  auto quotient = difference
                      ? difference.getRhs().getDefiningOp<arith::DivFOp>()
                      : arith::DivFOp();
  if (!quotient || !difference->hasOneUse() || !quotient->hasOneUse() ||
      !matchPattern(product.getRhs(), m_Constant(&cap)) ||
      !matchPattern(difference.getLhs(), m_Constant(&one)) ||
      !matchPattern(quotient.getLhs(), m_Constant(&two)) ||
      !one.getValue().isExactlyValue(1.0) ||
      !two.getValue().isExactlyValue(2.0) || !product.getType().isF32())
    return;
  ImplicitLocOpBuilder b(product.getLoc(), product);
  double most = cap.getValueAsDouble();
  if (std::abs(most) > kMostMagnified)
    return;
  auto constant = [&](double value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
  };
  quotient.getLhsMutable().set(constant(2 * most));
  quotient->moveBefore(product);
  product.replaceAllUsesWith(
      arith::SubFOp::create(b, constant(most), quotient).getResult());
  product.erase();
  difference.erase();
}

/// sin(x + shift * pi/2).
Value expandSin(Expression &e, Value x, float shift) {
  // x = k pi/2 + r with pi/2 in four parts (Cody and Waite), abs(r) <= pi/4.
  // The first three have 8 bits: up to 2^16, their products with k are exact.
  Value k = e.floor(e.fma(x, e.constant(0.636619747f), e.constant(0.5f)));
  Value r = e.fma(k, e.constant(-1.5703125f), x);
  r = e.fma(k, e.constant(-0.000482559204f), r);
  r = e.fma(k, e.constant(-1.2665987e-06f), r);
  r = e.fma(k, e.constant(-9.9209358e-10f), r);
  // From about 2^24 on k is no longer exact and r is anything, and so would be
  // the polynomials: the sine of some number is within [-1, 1]. x * 0 keeps
  // the NaN of an infinity.
  r = e.select(e.compare(arith::CmpFPredicate::OLE, e.abs(r), e.constant(1.0f)),
               r, e.mul(x, e.constant(0.0f)));
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

/// Whether a target may approximate it.
template <typename Op> static bool isApproximate(Op op) {
  return bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn);
}

template <typename Op> struct Expand final : OpRewritePattern<Op> {
  using Build = Value (*)(Expression &, ValueRange);
  Expand(MLIRContext *context, Build build, bool isPrecise,
         bool keepApproximate = false)
      : OpRewritePattern<Op>(context), build(build), isPrecise(isPrecise),
        keepApproximate(keepApproximate) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type type = op->getOperand(0).getType();
    if (!getElementTypeOrSelf(type).isF32())
      return rewriter.notifyMatchFailure(op, "only f32 is expanded");
    if (keepApproximate && isApproximate(op))
      return rewriter.notifyMatchFailure(op, "the target approximates it");
    Expression expression(rewriter, op.getLoc(), type, isPrecise);
    rewriter.replaceOp(op, build(expression, op->getOperands()));
    return success();
  }

  Build build;
  bool isPrecise, keepApproximate;
};

/// Whether the operands of all products of a kernel have 16 bits.
bool multipliesSixteenBits(Operation *op) {
  return !op->walk([](attn::tile::DotOp dot) {
              return dot.getA().getType().getElementType().isF32()
                         ? WalkResult::interrupt()
                         : WalkResult::advance();
            }).wasInterrupted();
}

struct ExpandMathPass final : attn::impl::ExpandMathBase<ExpandMathPass> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    expansions.any = false;
    // One by one: what combines the parts of split keys multiplies f32,
    // whatever the kernels do that make them.
    getOperation()->walk(
        [this](FunctionOpInterface function) { expandIn(function); });
    if (!expansions.any)
      markAllAnalysesPreserved();
  }

private:
  void expandIn(Operation *function) {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    auto target = attn::tile::TargetAttr::lookup(function);
    bool isPrecise =
        !target || !target.doesLack(attn::tile::Lacks::PreciseMath);
    patterns.add<Expand<math::ExpOp>>(context, expandExp, isPrecise);
    patterns.add<Expand<math::LogOp>>(context, expandLog, isPrecise);
    bool isShort = shortTanh && multipliesSixteenBits(function);
    if (isShort)
      expandShortTanhs(function);
    patterns.add<Expand<math::TanhOp>>(context, expandTanh, isPrecise,
                                       keepTanh);
    patterns.add<Expand<math::SinOp>>(
        context,
        +[](Expression &e, ValueRange x) { return expandSin(e, x[0], 0.0f); },
        isPrecise);
    patterns.add<Expand<math::CosOp>>(
        context,
        +[](Expression &e, ValueRange x) { return expandSin(e, x[0], 1.0f); },
        isPrecise);
    patterns.add<Expand<math::Log1pOp>>(context, expandLog1p, isPrecise);
    patterns.add<Expand<math::PowFOp>>(context, expandPow, isPrecise);
    patterns.add<Expand<math::ErfOp>>(context, expandErf, isPrecise);
    patterns.add<Expand<math::RoundOp>>(context, expandRound, isPrecise);
    patterns.add<Expand<math::ClampFOp>>(context, expandClamp, isPrecise);
    patterns.add<Expand<math::IsNaNOp>>(context, expandIsNaN, isPrecise);
    walkAndApplyPatterns(function, std::move(patterns), &expansions);
    if (isShort && expansions.any)
      function->walk(foldCap);
  }

  /// Those of which scores show no more than products of 16 bits do.
  void expandShortTanhs(Operation *function) {
    SmallVector<math::TanhOp> found;
    Magnification magnification;
    function->walk([&](math::TanhOp tanh) {
      if (!(keepTanh && isApproximate(tanh)) &&
          getElementTypeOrSelf(tanh.getType()).isF32() &&
          magnification.get(tanh) <= kMostMagnified)
        found.push_back(tanh);
    });
    auto target = attn::tile::TargetAttr::lookup(function);
    bool hasInfinity = !target || !target.doesLack(attn::tile::Lacks::Infinity);
    for (math::TanhOp tanh : found) {
      IRRewriter rewriter(tanh, &expansions);
      Expression e(rewriter, tanh.getLoc(), tanh.getType(),
                   /*isPrecise=*/true);
      ValueRange x = tanh->getOperands();
      rewriter.replaceOp(tanh, hasInfinity ? expandShortTanh(e, x)
                                           : expandBoundedShortTanh(e, x));
    }
  }

  /// Whether anything was expanded.
  struct Expansions final : RewriterBase::Listener {
    void notifyOperationReplaced(Operation *, ValueRange) override {
      any = true;
    }
    bool any = false;
  };
  Expansions expansions;
};

} // namespace
