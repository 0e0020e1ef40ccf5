//===- PrepareMatrixKernels.cpp - Kernels as tensor cores want them -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Merges bounds, flattens guards, expands rounding divisions, hoists scalars:
// before tile-narrow-indices clamps bounds where they stand.
//
//===----------------------------------------------------------------------===//

#include "MatrixKernels.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;
using namespace attn;

namespace {
/// x <= a and x <= b is x <= min(a, b), likewise for lower bounds: a row's
/// bound is computed once, a compare an element is saved.
struct MergeBounds final : OpRewritePattern<arith::AndIOp> {
  using OpRewritePattern::OpRewritePattern;

  /// x <= bound or x < bound (isUpper), or the other way round.
  struct Bound {
    bool isUpper, isStrict;
    Value value;
  };

  static std::optional<Bound> getBound(arith::CmpIOp compare) {
    switch (compare.getPredicate()) {
    case arith::CmpIPredicate::sle:
      return Bound{true, false, compare.getRhs()};
    case arith::CmpIPredicate::slt:
      return Bound{true, true, compare.getRhs()};
    case arith::CmpIPredicate::sge:
      return Bound{false, false, compare.getRhs()};
    case arith::CmpIPredicate::sgt:
      return Bound{false, true, compare.getRhs()};
    default:
      return std::nullopt;
    }
  }

  /// Makes a strict bound include the numbers it means, or one that includes
  /// them strict; fails where that might wrap.
  static LogicalResult flip(Bound &bound, Location loc,
                            PatternRewriter &rewriter) {
    bool adds = bound.isUpper != bound.isStrict;
    if (!IndexRanges().isWithin(bound.value, INT64_MIN + 1, INT64_MAX - 1))
      return failure();
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    bound.value =
        adds
            ? arith::AddIOp::create(rewriter, loc, bound.value, one).getResult()
            : arith::SubIOp::create(rewriter, loc, bound.value, one);
    bound.isStrict = !bound.isStrict;
    return success();
  }

  /// One compare for two, null if there is none.
  static Value merge(Value left, Value right, Location loc,
                     PatternRewriter &rewriter) {
    auto first = left.getDefiningOp<arith::CmpIOp>();
    auto second = right.getDefiningOp<arith::CmpIOp>();
    if (!first || !second || first.getLhs() != second.getLhs() ||
        !first.getLhs().getType().isIndex())
      return Value();
    std::optional<Bound> a = getBound(first), b = getBound(second);
    if (!a || !b || a->isUpper != b->isUpper)
      return Value();
    // Preferably none is strict.
    if (a->isStrict != b->isStrict) {
      Bound &strict = a->isStrict ? *a : *b, &other = a->isStrict ? *b : *a;
      if (failed(flip(strict, loc, rewriter)) &&
          failed(flip(other, loc, rewriter)))
        return Value();
    }
    Value x = a->value, y = b->value;
    Value both = a->isUpper
                     ? arith::MinSIOp::create(rewriter, loc, x, y).getResult()
                     : arith::MaxSIOp::create(rewriter, loc, x, y).getResult();
    using Predicate = arith::CmpIPredicate;
    Predicate predicate = a->isUpper
                              ? (a->isStrict ? Predicate::slt : Predicate::sle)
                              : (a->isStrict ? Predicate::sgt : Predicate::sge);
    return arith::CmpIOp::create(rewriter, loc, predicate, first.getLhs(),
                                 both);
  }

  LogicalResult matchAndRewrite(arith::AndIOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (Value both = merge(op.getLhs(), op.getRhs(), loc, rewriter)) {
      rewriter.replaceOp(op, both);
      return success();
    }
    // Or one with a part of the other, which may be a conjunction, too.
    for (auto [whole, parts] : {std::pair(op.getLhs(), op.getRhs()),
                                std::pair(op.getRhs(), op.getLhs())}) {
      auto inner = parts.getDefiningOp<arith::AndIOp>();
      if (!inner)
        continue;
      for (auto [part, rest] : {std::pair(inner.getLhs(), inner.getRhs()),
                                std::pair(inner.getRhs(), inner.getLhs())})
        if (Value both = merge(whole, part, loc, rewriter)) {
          rewriter.replaceOpWithNewOp<arith::AndIOp>(op, both, rest);
          return success();
        }
    }
    return failure();
  }
};

/// x - j < c is j > x - c for the column j: that is a bound, computed once a
/// row.
struct IsolateColumn final : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;

  /// No sum of two such numbers wraps.
  static bool isSmall(Value value) {
    constexpr int64_t limit = int64_t(1) << 61;
    return IndexRanges().isWithin(value, -limit, limit);
  }

  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &rewriter) const override {
    auto map = op->getParentOfType<tile::MapOp>();
    if (!map || map.getDomainRank() != 2 ||
        op.getPredicate() >= arith::CmpIPredicate::ult)
      return failure();
    Value column = map.getIndexArgs()[1];
    Value left = op.getLhs(), right = op.getRhs();
    arith::CmpIPredicate predicate = op.getPredicate();
    if (variesWithColumn(right, map)) {
      std::swap(left, right);
      predicate = swap(predicate);
    }
    auto difference = left.getDefiningOp<arith::SubIOp>();
    if (!difference || variesWithColumn(right, map) || !isSmall(right))
      return failure();
    // column - x, or x - column.
    bool isFirst = difference.getLhs() == column;
    Value x = isFirst ? difference.getRhs() : difference.getLhs();
    if ((!isFirst && difference.getRhs() != column) ||
        variesWithColumn(x, map) || !isSmall(x))
      return failure();
    Location loc = op.getLoc();
    Value bound =
        isFirst ? arith::AddIOp::create(rewriter, loc, x, right).getResult()
                : arith::SubIOp::create(rewriter, loc, x, right);
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(
        op, isFirst ? predicate : swap(predicate), column, bound);
    return success();
  }

private:
  /// What b has to a where a has `predicate` to b.
  static arith::CmpIPredicate swap(arith::CmpIPredicate predicate) {
    using Predicate = arith::CmpIPredicate;
    switch (predicate) {
    case Predicate::slt:
      return Predicate::sgt;
    case Predicate::sle:
      return Predicate::sge;
    case Predicate::sgt:
      return Predicate::slt;
    case Predicate::sge:
      return Predicate::sle;
    default:
      return predicate;
    }
  }
};

/// A quotient by 2^n, rounded down, is a shift.
struct ShiftFloorDivision final : OpRewritePattern<arith::FloorDivSIOp> {
  // Ahead of the expansion of any divisor.
  explicit ShiftFloorDivision(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(arith::FloorDivSIOp op,
                                PatternRewriter &rewriter) const override {
    APInt divisor;
    if (!matchPattern(op.getRhs(), m_ConstantInt(&divisor)) ||
        divisor.isNegative() || !divisor.isPowerOf2())
      return failure();
    Value bits = arith::ConstantOp::create(
        rewriter, op.getLoc(),
        rewriter.getIntegerAttr(op.getType(), divisor.logBase2()));
    rewriter.replaceOpWithNewOp<arith::ShRSIOp>(op, op.getLhs(), bits);
    return success();
  }
};

} // namespace

/// A kernel that is empty where its query tile lies behind a sequence's end
/// becomes one whose loop is empty there: no row is valid, so the stores that
/// follow write nothing.
static void flattenGuard(func::FuncOp kernel) {
  SmallVector<scf::IfOp> guards(kernel.getOps<scf::IfOp>());
  if (guards.size() != 1 || guards[0].getNumResults() != 0 ||
      guards[0].elseBlock())
    return;
  scf::IfOp guard = guards[0];
  for (scf::ForOp loop : guard.thenBlock()->getOps<scf::ForOp>()) {
    OpBuilder builder(loop);
    loop.setUpperBound(
        arith::SelectOp::create(builder, loop.getLoc(), guard.getCondition(),
                                loop.getUpperBound(), loop.getLowerBound()));
  }
  for (Operation &op :
       llvm::make_early_inc_range(guard.thenBlock()->without_terminator()))
    op.moveBefore(guard);
  guard.erase();
}

/// Scalars that do not depend on what a loop or branch computes move out of it:
/// those that are the same for all key tiles are computed ahead of them, and so
/// is then what maps make of these alone.
static void hoistScalars(Operation *op) {
  if (!isa<scf::ForOp, scf::IfOp>(op))
    return;
  SmallVector<Region *> regions = llvm::to_vector(llvm::map_range(
      op->getRegions(), [](Region &region) { return &region; }));
  moveLoopInvariantCode(
      regions,
      [](Value value, Region *region) {
        return !region->isAncestor(value.getParentRegion());
      },
      [](Operation *inner, Region *) {
        return (isa<arith::ArithDialect>(inner->getDialect()) ||
                isa<memref::DimOp>(inner)) &&
               isPure(inner);
      },
      [&](Operation *inner, Region *) { inner->moveBefore(op); });
}

LogicalResult attn::prepareMatrixKernel(func::FuncOp kernel) {
  flattenGuard(kernel);
  // convert-arith-to-llvm knows no rounding division; arith-expand would also
  // expand the floating-point maxima, which are single instructions here.
  RewritePatternSet patterns(kernel.getContext());
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  patterns.add<ShiftFloorDivision, IsolateColumn, MergeBounds>(
      kernel.getContext());
  if (failed(applyPatternsGreedily(kernel, std::move(patterns))))
    return failure();
  kernel.walk([](Operation *op) { hoistScalars(op); });
  return success();
}
