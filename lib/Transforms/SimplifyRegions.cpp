//===- SimplifyRegions.cpp - Simplify score and mask regions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Moves scores of -inf into the mask region (rule 14), where mask analysis can
// see them; folds, deduplicates and drops what the regions do not need.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cmath>

namespace attn {
#define GEN_PASS_DEF_SIMPLIFYREGIONS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

/// Every op of a region has a result for every operand (attn-make-total), but
/// reads and divisions cannot say so themselves.
static bool canSpeculate(Operation &op) { return op.getNumRegions() == 0; }

namespace {
/// scf.if without side effects becomes selects, so that conditions of scores
/// are found wherever they were written.
struct FlattenIf : public OpRewritePattern<scf::IfOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(scf::IfOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0 || !op->getParentOfType<AttentionOp>())
      return failure();
    SmallVector<scf::YieldOp> yields;
    for (Block *block : {op.thenBlock(), op.elseBlock()}) {
      if (!llvm::all_of(block->without_terminator(), canSpeculate))
        return rewriter.notifyMatchFailure(op, "a side cannot be speculated");
      yields.push_back(cast<scf::YieldOp>(block->getTerminator()));
    }
    for (scf::YieldOp yield : yields)
      rewriter.inlineBlockBefore(yield->getBlock(), op);
    SmallVector<Value> results;
    for (auto [onTrue, onFalse] :
         llvm::zip_equal(yields[0].getResults(), yields[1].getResults()))
      results.push_back(arith::SelectOp::create(
          rewriter, op.getLoc(), op.getCondition(), onTrue, onFalse));
    for (scf::YieldOp yield : yields)
      rewriter.eraseOp(yield);
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Scores of -inf
//===----------------------------------------------------------------------===//

static bool isPositiveFinite(Value value) {
  FloatAttr constant;
  return matchPattern(value, m_Constant(&constant)) &&
         constant.getValue().isFiniteNonZero() &&
         !constant.getValue().isNegative();
}

namespace {
/// A score split into `keep ? value : -inf`; a null `keep` is true.
struct MaskedScore {
  Value value;
  Value keep;
};

/// Splits scores of a score region; new ops are built in front of its yield.
/// Every answer is kept: expressions share their operands, and walking a graph
/// of them as a tree could take exponential time.
class ScoreSplitter {
public:
  explicit ScoreSplitter(Block &region)
      : region(region), builder(region.getTerminator()) {
    scoreDependent.insert(region.getArgument(0));
    for (Operation &op : region) {
      auto depends = [&](Value used) { return scoreDependent.contains(used); };
      SetVector<Value> above;
      getUsedValuesDefinedAbove(op.getRegions(), above);
      if (llvm::any_of(op.getOperands(), depends) ||
          llvm::any_of(above, depends))
        scoreDependent.insert_range(op.getResults());
    }
  }

  MaskedScore split(Value value) {
    if (auto known = splits.find(value); known != splits.end())
      return known->second;
    MaskedScore result = computeSplit(value);
    splits[value] = result;
    return result;
  }

private:
  MaskedScore computeSplit(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &region)
      return {value, {}};
    if (auto select = dyn_cast<arith::SelectOp>(op))
      return splitSelect(select);
    // -inf stays -inf under these; any other op may map it to anything.
    if (isa<arith::AddFOp>(op)) {
      if (isBounded(op->getOperand(1)))
        return splitOperand(op, 0);
      if (isBounded(op->getOperand(0)))
        return splitOperand(op, 1);
    }
    if (isa<arith::SubFOp>(op) && isBounded(op->getOperand(1)))
      return splitOperand(op, 0);
    if (isa<arith::MulFOp, arith::DivFOp>(op) &&
        isPositiveFinite(op->getOperand(1)))
      return splitOperand(op, 0);
    if (isa<arith::MulFOp>(op) && isPositiveFinite(op->getOperand(0)))
      return splitOperand(op, 1);
    return {value, {}};
  }

  MaskedScore splitSelect(arith::SelectOp op) {
    MaskedScore unchanged{op.getResult(), {}};
    Value condition = op.getCondition();
    if (scoreDependent.contains(condition))
      return unchanged;
    Location loc = op.getLoc();
    if (matchPattern(op.getFalseValue(), m_NegInfFloat())) {
      MaskedScore inner = split(op.getTrueValue());
      return {inner.value, conjoin(loc, condition, inner.keep)};
    }
    if (matchPattern(op.getTrueValue(), m_NegInfFloat())) {
      MaskedScore inner = split(op.getFalseValue());
      return {inner.value, conjoin(loc, negate(loc, condition), inner.keep)};
    }

    MaskedScore onTrue = split(op.getTrueValue());
    MaskedScore onFalse = split(op.getFalseValue());
    if (!onTrue.keep && !onFalse.keep)
      return unchanged;
    Value value = arith::SelectOp::create(builder, loc, condition, onTrue.value,
                                          onFalse.value);
    // (c and kept if c) or (not c and kept if not c), without the terms that
    // a missing side makes true.
    if (!onTrue.keep)
      return {value,
              arith::OrIOp::create(builder, loc, condition, onFalse.keep)};
    Value otherwise = negate(loc, condition);
    if (!onFalse.keep)
      return {value,
              arith::OrIOp::create(builder, loc, otherwise, onTrue.keep)};
    return {value, arith::OrIOp::create(builder, loc,
                                        conjoin(loc, condition, onTrue.keep),
                                        conjoin(loc, otherwise, onFalse.keep))};
  }

  /// Splits one operand of `op` and rebuilds `op` on what is kept.
  MaskedScore splitOperand(Operation *op, unsigned index) {
    MaskedScore inner = split(op->getOperand(index));
    if (!inner.keep)
      return {op->getResult(0), {}};
    Operation *copy = builder.clone(*op);
    copy->setOperand(index, inner.value);
    return {copy->getResult(0), inner.keep};
  }

  Value negate(Location loc, Value condition) {
    Value one = arith::ConstantIntOp::create(builder, loc, 1, 1);
    return arith::XOrIOp::create(builder, loc, condition, one);
  }

  Value conjoin(Location loc, Value lhs, Value rhs) {
    return rhs ? arith::AndIOp::create(builder, loc, lhs, rhs) : lhs;
  }

  /// True if an f32 value is known to be finite.
  bool isBounded(Value value) { return std::isfinite(getMagnitude(value)); }

  /// A bound of |value|, infinite if none is known or the value may be NaN.
  double getMagnitude(Value value) {
    if (auto known = magnitudes.find(value); known != magnitudes.end())
      return known->second;
    double result = computeMagnitude(value);
    // Intermediate results are rounded to f32 and must not overflow there.
    if (!(result < 0x1p+127))
      result = kNoBound;
    magnitudes[value] = result;
    return result;
  }

  double computeMagnitude(Value value) {
    FloatAttr constant;
    if (matchPattern(value, m_Constant(&constant)))
      return std::abs(constant.getValueAsDouble());
    Operation *op = value.getDefiningOp();
    if (!op)
      return kNoBound;
    auto of = [&](unsigned index) {
      return getMagnitude(op->getOperand(index));
    };
    return TypeSwitch<Operation *, double>(op)
        .Case<arith::SIToFPOp, arith::UIToFPOp>([](auto cast) {
          return std::ldexp(1.0,
                            cast.getIn().getType().getIntOrFloatBitWidth());
        })
        .Case<arith::NegFOp, math::AbsFOp>([&](auto) { return of(0); })
        .Case<arith::AddFOp, arith::SubFOp>([&](auto) { return of(0) + of(1); })
        .Case<arith::MulFOp>([&](auto) { return of(0) * of(1); })
        .Case<arith::SelectOp>([&](auto) { return std::max(of(1), of(2)); })
        .Default([](Operation *) { return kNoBound; });
  }

  static constexpr double kNoBound = std::numeric_limits<double>::infinity();

  Block &region;
  OpBuilder builder;
  DenseSet<Value> scoreDependent;
  DenseMap<Value, MaskedScore> splits;
  DenseMap<Value, double> magnitudes;
};
} // namespace

/// Copies `condition` and what it is computed from to the end of the mask
/// region and requires it there.
static void requireInMask(AttentionOp op, Value condition) {
  Block &score = op.getScore().front();
  Block &mask = op.getOrCreateMaskBlock();
  IRMapping mapping;
  constexpr unsigned shift =
      AttentionOp::kNumScoreArgs - AttentionOp::kNumMaskArgs;
  for (BlockArgument arg : mask.getArguments())
    mapping.map(score.getArgument(arg.getArgNumber() + shift), arg);

  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = true;
  options.omitUsesFromAbove = false;
  options.filter = [&](Operation *producer) {
    return producer->getBlock() == &score;
  };
  [[maybe_unused]] LogicalResult found =
      getBackwardSlice(condition, &slice, options);
  assert(succeeded(found) && "regions have one block");

  auto yield = cast<YieldOp>(mask.getTerminator());
  OpBuilder builder(yield);
  for (Operation &producer : score)
    if (slice.contains(&producer))
      builder.clone(producer, mapping);
  Value keep = arith::AndIOp::create(builder, op.getLoc(), yield.getValue(),
                                     mapping.lookupOrDefault(condition));
  yield.getValueMutable().assign(keep);
}

/// Moves `select(c, x, -inf)` from the yielded score into the mask region.
static bool moveMaskedScores(AttentionOp op) {
  if (!op.hasScoreRegion())
    return false;
  Block &region = op.getScore().front();
  auto yield = cast<YieldOp>(region.getTerminator());
  MaskedScore split = ScoreSplitter(region).split(yield.getValue());
  if (!split.keep)
    return false;
  requireInMask(op, split.keep);
  yield.getValueMutable().assign(split.value);
  return true;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// How many there were.
static unsigned dropTrivialRegions(AttentionOp op) {
  unsigned dropped = 0;
  auto yielded = [](Region &region) {
    return cast<YieldOp>(region.front().getTerminator()).getValue();
  };
  if (op.hasScoreRegion() &&
      yielded(op.getScore()) == op.getScore().getArgument(0)) {
    op.getScore().front().erase();
    ++dropped;
  }
  if (op.hasMaskRegion() && matchPattern(yielded(op.getMask()), m_One())) {
    op.getMask().front().erase();
    ++dropped;
  }
  return dropped;
}

static void dropUnusedCaptures(AttentionOp op) {
  auto isUnused = [](Region &region, unsigned argument) {
    return region.empty() || region.getArgument(argument).use_empty();
  };
  for (unsigned index = op.getCaptures().size(); index-- > 0;)
    if (isUnused(op.getScore(), AttentionOp::kNumScoreArgs + index) &&
        isUnused(op.getMask(), AttentionOp::kNumMaskArgs + index))
      op.eraseCapture(index);
}

namespace {
struct SimplifyRegionsPass
    : public attn::impl::SimplifyRegionsBase<SimplifyRegionsPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<FlattenIf>(context);
    scf::IfOp::getCanonicalizationPatterns(set, context);
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (isa<arith::ArithDialect>(name.getDialect()))
        name.getCanonicalizationPatterns(set, context);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    getOperation()->walk([&](AttentionOp op) {
      simplify(op);
      numMoved += moveMaskedScores(op);
      simplify(op);
      numRegions += dropTrivialRegions(op);
      dropUnusedCaptures(op);
    });
  }

private:
  /// Folds and deduplicates inside the regions of `op`, nothing outside. They
  /// are not isolated from above, so the driver is given their ops, not them.
  void simplify(AttentionOp op) {
    for (Region *region : {&op.getScore(), &op.getMask()}) {
      // The worklist is a stack: first the first, and the inner before the
      // outer.
      SmallVector<Operation *> ops;
      region->walk([&](Operation *nested) { ops.push_back(nested); });
      std::reverse(ops.begin(), ops.end());
      if (!ops.empty())
        (void)applyOpPatternsGreedily(ops, patterns,
                                      GreedyRewriteConfig().setScope(region));
    }
    IRRewriter rewriter(op.getContext());
    DominanceInfo dominance(op);
    eliminateCommonSubExpressions(rewriter, dominance, op);
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
