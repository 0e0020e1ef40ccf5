//===- ExpandBooleans.cpp - Arithmetic on i1 by logic ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Booleans have and, or, exclusive or and equality; the rest is made of those.
// Between them and floats, and between indices and what is smaller than a word,
// there is an i32.
//
//===----------------------------------------------------------------------===//

#include "RewriteOps.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDBOOLEANS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

static Value negate(OpBuilder &b, Location loc, Value boolean) {
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, loc, boolean, yes);
}

namespace {
/// An op on two booleans that a logical op is.
template <typename Source, typename Target>
struct ToLogic final : OpRewritePattern<Source> {
  using OpRewritePattern<Source>::OpRewritePattern;

  LogicalResult matchAndRewrite(Source op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(1))
      return failure();
    rewriter.replaceOpWithNewOp<Target>(op, op.getLhs(), op.getRhs());
    return success();
  }
};

/// a < b is !a && b. Of signed numbers true, -1, is the smaller one.
struct ExpandOrder final : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &rewriter) const override {
    using P = arith::CmpIPredicate;
    P predicate = op.getPredicate();
    if (!op.getLhs().getType().isInteger(1) || predicate == P::eq ||
        predicate == P::ne)
      return failure();
    Value low = op.getLhs(), high = op.getRhs();
    if (llvm::is_contained({P::sgt, P::sge, P::ugt, P::uge}, predicate))
      std::swap(low, high);
    if (predicate < P::ult)
      std::swap(low, high);
    Value notLow = negate(rewriter, op.getLoc(), low);
    if (llvm::is_contained({P::sle, P::sge, P::ule, P::uge}, predicate))
      rewriter.replaceOpWithNewOp<arith::OrIOp>(op, notLow, high);
    else
      rewriter.replaceOpWithNewOp<arith::AndIOp>(op, notLow, high);
    return success();
  }
};

/// x << y and x >> y without sign are x where y is 0, else 0.
template <typename Shift> struct ExpandShift final : OpRewritePattern<Shift> {
  using OpRewritePattern<Shift>::OpRewritePattern;

  LogicalResult matchAndRewrite(Shift op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(1))
      return failure();
    Value stays = negate(rewriter, op.getLoc(), op.getRhs());
    rewriter.replaceOpWithNewOp<arith::AndIOp>(op, op.getLhs(), stays);
    return success();
  }
};

/// What is divided by true leaves nothing (and nothing by false: rule 8).
template <typename Remainder>
struct ExpandRemainder final : OpRewritePattern<Remainder> {
  using OpRewritePattern<Remainder>::OpRewritePattern;

  LogicalResult matchAndRewrite(Remainder op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(1))
      return failure();
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op,
                                                   rewriter.getBoolAttr(false));
    return success();
  }
};

/// An op on one bit, or on its sign, that changes nothing.
template <typename Source> struct ToOperand final : OpRewritePattern<Source> {
  using OpRewritePattern<Source>::OpRewritePattern;

  LogicalResult matchAndRewrite(Source op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(1))
      return failure();
    rewriter.replaceOp(op, op->getOperand(0));
    return success();
  }
};

/// A cast from what is too small for it, of another kind from i32 on.
template <typename Cast, typename Extension>
struct ExtendFirst final : OpRewritePattern<Cast> {
  ExtendFirst(MLIRContext *context, unsigned width)
      : OpRewritePattern<Cast>(context), width(width) {}

  LogicalResult matchAndRewrite(Cast op,
                                PatternRewriter &rewriter) const override {
    auto from = dyn_cast<IntegerType>(op.getIn().getType());
    if (!from || from.getWidth() > width)
      return failure();
    Value word = Extension::create(rewriter, op.getLoc(), rewriter.getI32Type(),
                                   op.getIn());
    if (std::is_same_v<Cast, arith::IndexCastUIOp>)
      rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, op.getType(), word);
    else
      rewriter.replaceOpWithNewOp<Cast>(op, op.getType(), word);
    return success();
  }

private:
  unsigned width;
};

/// A cast to what is too small for it, of another kind up to i32.
template <typename Cast> struct TruncateLast final : OpRewritePattern<Cast> {
  TruncateLast(MLIRContext *context, unsigned width)
      : OpRewritePattern<Cast>(context), width(width) {}

  LogicalResult matchAndRewrite(Cast op,
                                PatternRewriter &rewriter) const override {
    auto to = dyn_cast<IntegerType>(op.getType());
    if (!to || to.getWidth() > width)
      return failure();
    Value word =
        Cast::create(rewriter, op.getLoc(), rewriter.getI32Type(), op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncIOp>(op, to, word);
    return success();
  }

private:
  unsigned width;
};

struct ExpandBooleans final : attn::impl::ExpandBooleansBase<ExpandBooleans> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    using namespace arith;
    patterns.add<
        ToLogic<AddIOp, XOrIOp>, ToLogic<SubIOp, XOrIOp>,
        ToLogic<MulIOp, AndIOp>, ToLogic<MinUIOp, AndIOp>,
        ToLogic<MaxSIOp, AndIOp>, ToLogic<MaxUIOp, OrIOp>,
        ToLogic<MinSIOp, OrIOp>, ToLogic<DivSIOp, AndIOp>,
        ToLogic<DivUIOp, AndIOp>, ExpandShift<ShLIOp>, ExpandShift<ShRUIOp>,
        ExpandRemainder<RemSIOp>, ExpandRemainder<RemUIOp>, ToOperand<ShRSIOp>,
        ToOperand<math::AbsIOp>, ToOperand<math::CtPopOp>, ExpandOrder>(
        &getContext());
    patterns.add<ExtendFirst<SIToFPOp, ExtSIOp>, ExtendFirst<UIToFPOp, ExtUIOp>,
                 TruncateLast<FPToSIOp>, TruncateLast<FPToUIOp>>(&getContext(),
                                                                 /*width=*/1);
    patterns.add<ExtendFirst<IndexCastOp, ExtSIOp>,
                 ExtendFirst<IndexCastUIOp, ExtUIOp>, TruncateLast<IndexCastOp>,
                 TruncateLast<IndexCastUIOp>>(&getContext(), /*width=*/31);
    auto isBoolean = [](Operation *op) {
      auto isOne = [](Type type) { return type.isInteger(1); };
      return isa<IndexCastOp, IndexCastUIOp>(op) ||
             llvm::any_of(op->getOperandTypes(), isOne) ||
             llvm::any_of(op->getResultTypes(), isOne);
    };
    FailureOr<bool> changed =
        attn::rewriteOps(getOperation(), std::move(patterns), isBoolean);
    if (failed(changed))
      return signalPassFailure();
    if (!*changed)
      markAllAnalysesPreserved();
  }
};
} // namespace
