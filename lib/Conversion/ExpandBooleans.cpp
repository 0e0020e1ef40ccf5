//===- ExpandBooleans.cpp - Arithmetic on i1 by logic ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Booleans have and, or, exclusive or and equality; the rest is made of those.
//
//===----------------------------------------------------------------------===//

#include "RewriteOps.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDBOOLEANS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

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
    Location loc = op.getLoc();
    Value yes =
        arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
    Value notLow = arith::XOrIOp::create(rewriter, loc, low, yes);
    if (llvm::is_contained({P::sle, P::sge, P::ule, P::uge}, predicate))
      rewriter.replaceOpWithNewOp<arith::OrIOp>(op, notLow, high);
    else
      rewriter.replaceOpWithNewOp<arith::AndIOp>(op, notLow, high);
    return success();
  }
};

struct ExpandBooleans final : attn::impl::ExpandBooleansBase<ExpandBooleans> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    using namespace arith;
    patterns.add<ToLogic<AddIOp, XOrIOp>, ToLogic<SubIOp, XOrIOp>,
                 ToLogic<MulIOp, AndIOp>, ToLogic<MinUIOp, AndIOp>,
                 ToLogic<MaxSIOp, AndIOp>, ToLogic<MaxUIOp, OrIOp>,
                 ToLogic<MinSIOp, OrIOp>, ExpandOrder>(&getContext());
    auto isBoolean = [](Operation *op) {
      return op->getNumOperands() == 2 &&
             op->getOperand(0).getType().isInteger(1);
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
