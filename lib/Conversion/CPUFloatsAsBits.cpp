//===- CPUFloatsAsBits.cpp - cpu-floats-as-bits ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions of bf16 and f16 become integer arithmetic; then no op computes
// with such numbers, and what moves them moves i16.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/CPUFloatsAsBits.h"
#include "RewriteOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"

namespace attn {
#define GEN_PASS_DEF_CPUFLOATSASBITS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr uint32_t kHalfInfinity = 0x7c00, kInfinity = 0x7f800000;

namespace {
/// Ops on scalars, or on vectors of the shape of `value`.
struct Shaped {
  ImplicitLocOpBuilder b;
  Type i16, i32, f16, f32;

  Shaped(PatternRewriter &rewriter, Value value) : b(value.getLoc(), rewriter) {
    auto like = [&](Type element) -> Type {
      if (auto vector = dyn_cast<VectorType>(value.getType()))
        return vector.clone(element);
      return element;
    };
    i16 = like(b.getI16Type());
    i32 = like(b.getI32Type());
    f16 = like(b.getF16Type());
    f32 = like(b.getF32Type());
  }

  Value constant(TypedAttr scalar, Type type) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(vector, cast<Attribute>(scalar)));
    return arith::ConstantOp::create(b, scalar);
  }
  Value number(float value) { return constant(b.getF32FloatAttr(value), f32); }
  Value bits(uint32_t value) {
    return constant(b.getI32IntegerAttr(static_cast<int32_t>(value)), i32);
  }
  template <typename Op> Value op(Value left, Value right) {
    return Op::create(b, left, right);
  }
  Value bitcast(Value value, Type type) {
    return arith::BitcastOp::create(b, type, value);
  }
  Value isAtLeast(Value value, uint32_t limit) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::uge, value,
                                 bits(limit));
  }
  Value select(Value condition, Value one, Value other) {
    return arith::SelectOp::create(b, condition, one, other);
  }
};

/// A half is its bits as those of a float, times 2^112: that is exact, for
/// subnormal numbers, too.
struct ExpandHalfExtension final : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF16() ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Shaped s(rewriter, op.getIn());
    Value bits =
        arith::ExtUIOp::create(s.b, s.i32, s.bitcast(op.getIn(), s.i16));
    Value magnitude = s.op<arith::AndIOp>(bits, s.bits(0x7fff));
    Value sign =
        s.op<arith::ShLIOp>(s.op<arith::XOrIOp>(bits, magnitude), s.bits(16));
    Value shifted = s.op<arith::ShLIOp>(magnitude, s.bits(13));
    Value number =
        s.op<arith::MulFOp>(s.bitcast(shifted, s.f32), s.number(0x1p112f));
    Value infinite = s.op<arith::OrIOp>(shifted, s.bits(kInfinity));
    Value result = s.select(s.isAtLeast(magnitude, kHalfInfinity), infinite,
                            s.bitcast(number, s.i32));
    rewriter.replaceOp(op, s.bitcast(s.op<arith::OrIOp>(result, sign), s.f32));
    return success();
  }
};

/// To the nearest, ties to even. Below 2^-14 the sum with 0.5 rounds as the
/// subnormal result has to; from 65520 on it is infinite.
struct ExpandHalfTruncation final : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF32() ||
        !getElementTypeOrSelf(op.getType()).isF16())
      return failure();
    constexpr uint32_t bias = (127 - 15) << 23, smallest = 0x38800000;
    Shaped s(rewriter, op.getIn());
    Value bits = s.bitcast(op.getIn(), s.i32);
    Value magnitude = s.op<arith::AndIOp>(bits, s.bits(0x7fffffff));
    Value sign =
        s.op<arith::ShRUIOp>(s.op<arith::XOrIOp>(bits, magnitude), s.bits(16));
    Value sum =
        s.op<arith::AddFOp>(s.bitcast(magnitude, s.f32), s.number(0.5f));
    Value subnormal =
        s.op<arith::SubIOp>(s.bitcast(sum, s.i32), s.bits(0x3f000000));
    Value odd = s.op<arith::AndIOp>(s.op<arith::ShRUIOp>(magnitude, s.bits(13)),
                                    s.bits(1));
    Value rounded = s.op<arith::AddIOp>(
        s.op<arith::AddIOp>(s.op<arith::SubIOp>(magnitude, s.bits(bias)),
                            s.bits(0xfff)),
        odd);
    Value normal = s.op<arith::ShRUIOp>(rounded, s.bits(13));
    Value result =
        s.select(s.isAtLeast(magnitude, smallest), normal, subnormal);
    result = s.select(s.isAtLeast(magnitude, 0x477ff000), s.bits(kHalfInfinity),
                      result);
    result =
        s.select(s.isAtLeast(magnitude, kInfinity + 1), s.bits(0x7e00), result);
    Value half =
        arith::TruncIOp::create(s.b, s.i16, s.op<arith::OrIOp>(result, sign));
    rewriter.replaceOp(op, s.bitcast(half, s.f16));
    return success();
  }
};

/// i16 in place of bf16, and of f16 if asked for: alone, in vectors and in
/// memory.
struct BitTypes final : TypeConverter {
  explicit BitTypes(bool half) {
    addConversion([](Type type) { return type; });
    addConversion([half](FloatType type) -> Type {
      if (type.isBF16() || (half && type.isF16()))
        return IntegerType::get(type.getContext(), 16);
      return type;
    });
    addConversion([this](VectorType type) -> Type {
      return type.clone(convertType(type.getElementType()));
    });
    addConversion([this](MemRefType type) -> Type {
      return MemRefType::Builder(type).setElementType(
          convertType(type.getElementType()));
    });
  }
};

struct ConvertConstant final : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Attribute value;
    if (auto number = dyn_cast<FloatAttr>(op.getValue()))
      value = rewriter.getIntegerAttr(rewriter.getI16Type(),
                                      number.getValue().bitcastToAPInt());
    else if (auto elements = dyn_cast<DenseElementsAttr>(op.getValue()))
      value = elements.bitcast(rewriter.getI16Type());
    else
      return failure();
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, cast<TypedAttr>(value));
    return success();
  }
};

struct ConvertBitcast final : OpConversionPattern<arith::BitcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::BitcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getType());
    if (adaptor.getIn().getType() == type)
      rewriter.replaceOp(op, adaptor.getIn());
    else
      rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, adaptor.getIn());
    return success();
  }
};

/// An op that only moves numbers does so whatever their type is.
struct MoveBits final : ConversionPattern {
  MoveBits(const TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    bool computes =
        isa<arith::ArithDialect, math::MathDialect>(op->getDialect());
    if ((computes && !isa<arith::SelectOp>(op)) || op->getNumRegions() != 0)
      return rewriter.notifyMatchFailure(op, "computes with 16 bits");
    FailureOr<Operation *> converted =
        convertOpResultTypes(op, operands, *getTypeConverter(), rewriter);
    if (failed(converted))
      return failure();
    rewriter.replaceOp(op, *converted);
    return success();
  }
};

struct CPUFloatsAsBits final
    : attn::impl::CPUFloatsAsBitsBase<CPUFloatsAsBits> {
  using CPUFloatsAsBitsBase::CPUFloatsAsBitsBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    BitTypes types(half);
    auto isLegal = [&](Operation *op) {
      auto function = dyn_cast<func::FuncOp>(op);
      return types.isLegal(op) &&
             (!function || types.isSignatureLegal(function.getFunctionType()));
    };
    // Most kernels have no such numbers.
    if (!kernel
             .walk([&](Operation *op) {
               return isLegal(op) ? WalkResult::advance()
                                  : WalkResult::interrupt();
             })
             .wasInterrupted())
      return markAllAnalysesPreserved();

    MLIRContext *context = &getContext();
    RewritePatternSet conversions(context);
    arith::populateExpandBFloat16Patterns(conversions);
    if (half)
      conversions.add<ExpandHalfExtension, ExpandHalfTruncation>(context);
    if (failed(rewriteOps(kernel, std::move(conversions),
                          llvm::IsaPred<arith::ExtFOp, arith::TruncFOp>)))
      return signalPassFailure();

    ConversionTarget target(*context);
    RewritePatternSet moves(context);
    scf::populateSCFStructuralTypeConversions(types, moves);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(moves,
                                                                   types);
    moves.add<ConvertConstant, ConvertBitcast, MoveBits>(types, context);
    target.markUnknownOpDynamicallyLegal(isLegal);
    if (failed(applyFullConversion(kernel, target, std::move(moves))))
      signalPassFailure();
  }
};
} // namespace
