//===- CPUExpandExp2.cpp - cpu-expand-exp2 --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp2 and log2 of f32 scalars and vectors as polynomials, so that generated
// CPU code calls no library.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/CPUExpandExp2.h"
#include "RewriteOps.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

namespace attn {
#define GEN_PASS_DEF_CPUEXPANDEXP2
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// f32 and i32 arithmetic on scalars or vectors of one shape.
struct Shaped {
  ImplicitLocOpBuilder b;
  Type floatType, intType;

  Shaped(PatternRewriter &rewriter, Operation *op)
      : b(op->getLoc(), rewriter), floatType(op->getResult(0).getType()) {
    intType = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(floatType))
      intType = vector.clone(intType);
  }

  Value constant(TypedAttr scalar, Type type) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(vector, cast<Attribute>(scalar)));
    return arith::ConstantOp::create(b, scalar);
  }
  Value f32(double x) {
    return constant(b.getF32FloatAttr(static_cast<float>(x)), floatType);
  }
  Value i32(int32_t x) { return constant(b.getI32IntegerAttr(x), intType); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, x, y, z);
  }
  Value select(arith::CmpFPredicate predicate, Value x, Value y, Value then,
               Value otherwise) {
    Value condition = arith::CmpFOp::create(b, predicate, x, y);
    return arith::SelectOp::create(b, condition, then, otherwise);
  }
  /// x less an integer, exactly, of vectors of 16, by AVX-512DQ: the nearest,
  /// or the largest that is not above x. 0 of infinities.
  enum class Integer : int32_t { Nearest = 8, Below = 1 };
  Value reduce(Value x, Integer integer) {
    Value mask = arith::ConstantOp::create(b, b.getI16IntegerAttr(-1));
    Value rounding = arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(integer)));
    Value currentRounding =
        arith::ConstantOp::create(b, b.getI32IntegerAttr(4));
    return LLVM::CallIntrinsicOp::create(
               b, floatType,
               b.getStringAttr("llvm.x86.avx512.mask.reduce.ps.512"),
               ValueRange{x, rounding, x, mask, currentRounding})
        .getResult(0);
  }
  /// x * 2^floor(n) of vectors of 16, by AVX-512.
  Value scalef(Value x, Value n) {
    Value mask = arith::ConstantOp::create(b, b.getI16IntegerAttr(-1));
    Value currentRounding =
        arith::ConstantOp::create(b, b.getI32IntegerAttr(4));
    // The operands are (a, b, passthrough) whatever their names say.
    return x86vector::MaskScaleFOp::create(b, floatType, x, n, x, mask,
                                           currentRounding);
  }
  Value asInt(Value x) { return arith::BitcastOp::create(b, intType, x); }
  Value asFloat(Value x) { return arith::BitcastOp::create(b, floatType, x); }
};

/// The factor c of `value` = d * c if it is a positive constant.
std::optional<double> positiveFactor(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  Attribute constant;
  if (!product || !matchPattern(product.getRhs(), m_Constant(&constant)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(constant))
    constant = splat.getSplatValue<Attribute>();
  auto factor = dyn_cast<FloatAttr>(constant);
  // Far smaller factors would make the bounds overflow.
  if (!factor || !(factor.getValueAsDouble() > 1e-6))
    return std::nullopt;
  return factor.getValueAsDouble();
}

/// The f32 next to a negative `x` that is not below it.
double towardsZero(double x) {
  float rounded = static_cast<float>(x);
  return rounded < x ? std::nextafter(rounded, 0.0f) : rounded;
}

/// What exponents of vectors of 16 may use.
struct Avx512 {
  bool scalef; ///< vscalefps
  bool reduce; ///< and vreduceps
};

struct ExpandExp2 : OpRewritePattern<math::Exp2Op> {
  ExpandExp2(MLIRContext *context, Avx512 avx512)
      : OpRewritePattern(context), avx512(avx512) {}

  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Shaped s(rewriter, op);
    Value x = op.getOperand();
    auto vector = dyn_cast<VectorType>(op.getType());
    bool isWide = vector && vector.getNumElements() == 16;
    bool useScalef = isWide && avx512.scalef;
    bool useReduce = isWide && avx512.reduce;
    // Results below 2^-126 are 0, decided by the argument: what is computed for
    // such lanes is 2^-126, since processors take a hundred times as long for
    // subnormal numbers. Results of 2^128 and more are inf. Written so that NaN
    // passes.
    constexpr double low = -126.0, high = 128.49;
    Value underflows;
    auto clamp = [&](Value value, double scale) {
      // Rounded towards zero: f is not negative at the bound, nor is 2^f < 1.
      Value least = s.f32(towardsZero(low / scale));
      Value most = s.f32(high / scale);
      underflows =
          arith::CmpFOp::create(s.b, arith::CmpFPredicate::OLT, value, least);
      // A masked vscalefps leaves such lanes out.
      if (!useScalef)
        value = arith::SelectOp::create(s.b, underflows, least, value);
      // vreduceps leaves 0 of what is large, and vscalefps makes that inf.
      if (useReduce && scale == 1.0)
        return value;
      return s.select(arith::CmpFPredicate::OGT, value, most, most, value);
    };
    // exp2(d * c), the exponential of a difference of scores: the product stays
    // exact in the fraction, where rounding it would cost an error of |d * c|
    // half-ULPs.
    Value n, f;
    if (std::optional<double> factor = positiveFactor(x)) {
      auto product = x.getDefiningOp<arith::MulFOp>();
      Value d = clamp(product.getLhs(), *factor);
      x = arith::MulFOp::create(s.b, d, product.getRhs());
      n = math::RoundEvenOp::create(s.b, x);
      f = s.fma(d, product.getRhs(), arith::NegFOp::create(s.b, n));
    } else if (useReduce) {
      x = clamp(x, 1.0);
      f = s.reduce(x, Shaped::Integer::Nearest);
      n = arith::SubFOp::create(s.b, x, f);
    } else {
      x = clamp(x, 1.0);
      n = math::RoundEvenOp::create(s.b, x);
      f = arith::SubFOp::create(s.b, x, n);
    }
    // Minimax polynomial of 2^f on [-1/2, 1/2], relative error 1.9e-9, so that
    // what is left is the rounding of its evaluation: 1 ULP in f32.
    constexpr double kCoefficients[] = {1.5345809385365248e-4,
                                        1.3399931256481068e-3,
                                        9.618488963869503e-3,
                                        5.550328776811539e-2,
                                        2.4022646890639904e-1,
                                        6.93147205737364e-1,
                                        1.0};
    // Without vscalefps the exponent is built one too small and the
    // polynomial is doubled, so that 2^128 does not wrap around. At the lower
    // bound the factor built is 0.
    double factor = useScalef ? 1.0 : 2.0;
    Value p = s.f32(factor * kCoefficients[0]);
    for (double coefficient : ArrayRef(kCoefficients).drop_front())
      p = s.fma(p, f, s.f32(factor * coefficient));
    if (useScalef) {
      Value scaled = s.scalef(p, n);
      rewriter.replaceOpWithNewOp<arith::SelectOp>(op, underflows, s.f32(0.0),
                                                   scaled);
      return success();
    }
    Value exponent = arith::FPToSIOp::create(s.b, s.intType, n);
    exponent = arith::AddIOp::create(s.b, exponent, s.i32(126));
    exponent = arith::ShLIOp::create(s.b, exponent, s.i32(23));
    Value scaled = arith::MulFOp::create(s.b, p, s.asFloat(exponent));
    // The integer made of a NaN is arbitrary.
    rewriter.replaceOp(op,
                       s.select(arith::CmpFPredicate::UNO, x, x, x, scaled));
    return success();
  }

  Avx512 avx512;
};

/// An approximation that is asked for (afn), of vectors that vscalefps scales:
/// where results take 16 bits, half of the operations will do. vscalefps takes
/// the largest integer that is not above its argument, and vreduceps what is
/// left. Of infinities that is 0; NaN passes.
struct ApproximateExp2 : OpRewritePattern<math::Exp2Op> {
  ApproximateExp2(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(math::Exp2Op op,
                                PatternRewriter &rewriter) const override {
    auto vector = dyn_cast<VectorType>(op.getType());
    bool mayApproximate =
        bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn);
    if (!mayApproximate || !vector || !vector.getElementType().isF32() ||
        vector.getNumElements() != 16)
      return failure();
    Shaped s(rewriter, op);
    Value x = op.getOperand();
    Value f = s.reduce(x, Shaped::Integer::Below);
    // Minimax polynomial of 2^f on [0, 1], relative error 7.5e-5.
    constexpr double kCoefficients[] = {
        7.802452266443372e-2, 2.260671553931281e-1, 6.958335405064483e-1,
        9.9992521856401e-1};
    Value p = s.f32(kCoefficients[0]);
    for (double coefficient : ArrayRef(kCoefficients).drop_front())
      p = s.fma(p, f, s.f32(coefficient));
    rewriter.replaceOp(op, s.scalef(p, x));
    return success();
  }
};

struct ExpandLog2 : OpRewritePattern<math::Log2Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Log2Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Shaped s(rewriter, op);
    Value x = op.getOperand(), zero = s.f32(0.0);
    // Subnormal numbers are scaled into the normal range.
    Value tiny = arith::CmpFOp::create(s.b, arith::CmpFPredicate::OLT, x,
                                       s.f32(0x1p-126));
    Value normal = arith::SelectOp::create(
        s.b, tiny, arith::MulFOp::create(s.b, x, s.f32(0x1p23)), x);
    Value bias = arith::SelectOp::create(s.b, tiny, s.f32(-23.0), zero);
    // x = 2^e * m with m in [sqrt(1/2), sqrt(2)).
    constexpr int32_t kSqrtHalf = 0x3f3504f3;
    Value bits = arith::SubIOp::create(s.b, s.asInt(normal), s.i32(kSqrtHalf));
    Value e = arith::ShRSIOp::create(s.b, bits, s.i32(23));
    Value mantissaBits = arith::AddIOp::create(
        s.b, arith::AndIOp::create(s.b, bits, s.i32(0x7fffff)),
        s.i32(kSqrtHalf));
    Value m = s.asFloat(mantissaBits);
    Value one = s.f32(1.0);
    Value t = arith::DivFOp::create(s.b, arith::SubFOp::create(s.b, m, one),
                                    arith::AddFOp::create(s.b, m, one));
    Value t2 = arith::MulFOp::create(s.b, t, t);
    // 2 / ln 2 * (1 + t^2/3 + t^4/5 + t^6/7 + t^8/9); |t| < 0.172.
    constexpr double kTwoOverLn2 = 2.8853900817779268;
    Value p = s.f32(kTwoOverLn2 / 9);
    for (double divisor : {7.0, 5.0, 3.0, 1.0})
      p = s.fma(p, t2, s.f32(kTwoOverLn2 / divisor));
    Value exponent = arith::AddFOp::create(
        s.b, arith::SIToFPOp::create(s.b, s.floatType, e), bias);
    Value result = s.fma(p, t, exponent);
    // log2 of 0, a negative number, inf and NaN.
    result =
        s.select(arith::CmpFPredicate::OEQ, x, zero, s.f32(-INFINITY), result);
    result = s.select(arith::CmpFPredicate::OLT, x, zero, s.f32(NAN), result);
    Value infinity = s.f32(INFINITY);
    result = s.select(arith::CmpFPredicate::OEQ, x, infinity, infinity, result);
    rewriter.replaceOp(op,
                       s.select(arith::CmpFPredicate::UNO, x, x, x, result));
    return success();
  }
};

struct CPUExpandExp2 : attn::impl::CPUExpandExp2Base<CPUExpandExp2> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    constexpr int64_t scalefBits = 512;
    tile::TargetAttr target = tile::TargetAttr::lookup(getOperation());
    bool isWide = target && target.getVectorBits() >= scalefBits &&
                  target.hasFeature("avx512f");
    Avx512 avx512;
    avx512.scalef = scalef || isWide;
    avx512.reduce = scalef || (isWide && target.hasFeature("avx512dq"));
    patterns.add<ExpandExp2>(&getContext(), avx512);
    if (avx512.reduce)
      patterns.add<ApproximateExp2>(&getContext());
    patterns.add<ExpandLog2>(&getContext());
    FailureOr<bool> changed =
        rewriteOps(getOperation(), std::move(patterns),
                   llvm::IsaPred<math::Exp2Op, math::Log2Op>);
    if (failed(changed))
      return signalPassFailure();
    if (!*changed)
      markAllAnalysesPreserved();
  }
};
} // namespace
