//===- LowerLoops.cpp - Loops and choices to branches ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops test at their end, behind a test whether they run at all where that is
// not known: LLVM has no need to turn them round.
//
//===----------------------------------------------------------------------===//

#include "LowerLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

/// Splits the block of `op`, which becomes the end of its first part. The
/// second part begins with a block that has the results of `op` as arguments.
static Block *splitAt(IRRewriter &b, Operation *op) {
  Block *before = op->getBlock();
  Block *after = b.splitBlock(before, std::next(op->getIterator()));
  for (Value result : op->getResults())
    result.replaceAllUsesWith(
        after->addArgument(result.getType(), result.getLoc()));
  return after;
}

/// Whether a loop is known to run at least once.
static bool runsAtAll(scf::ForOp loop) {
  APInt begin, end;
  if (!matchPattern(loop.getLowerBound(), m_ConstantInt(&begin)) ||
      !matchPattern(loop.getUpperBound(), m_ConstantInt(&end)))
    return false;
  return loop.getUnsignedCmp() ? begin.ult(end) : begin.slt(end);
}

static void lower(IRRewriter &b, scf::ForOp loop) {
  Location loc = loop.getLoc();
  Block *before = loop->getBlock(), *after = splitAt(b, loop);
  Block *first = loop.getBody(), *last = &loop.getRegion().back();
  Operation *yield = last->getTerminator();
  arith::CmpIPredicate isLess = loop.getUnsignedCmp()
                                    ? arith::CmpIPredicate::ult
                                    : arith::CmpIPredicate::slt;

  b.setInsertionPoint(yield);
  SmallVector<Value> next{
      arith::AddIOp::create(b, loc, loop.getInductionVar(), loop.getStep())};
  llvm::append_range(next, yield->getOperands());
  Value goesOn =
      arith::CmpIOp::create(b, loc, isLess, next.front(), loop.getUpperBound());
  cf::CondBranchOp::create(b, loc, goesOn, first, next, after,
                           ValueRange(next).drop_front());
  b.eraseOp(yield);

  SmallVector<Value> start{loop.getLowerBound()};
  llvm::append_range(start, loop.getInitArgs());
  b.setInsertionPointToEnd(before);
  if (runsAtAll(loop)) {
    cf::BranchOp::create(b, loc, first, start);
  } else {
    Value runs = arith::CmpIOp::create(b, loc, isLess, loop.getLowerBound(),
                                       loop.getUpperBound());
    cf::CondBranchOp::create(b, loc, runs, first, start, after,
                             loop.getInitArgs());
  }
  b.inlineRegionBefore(loop.getRegion(), after);
  b.eraseOp(loop);
}

static void lower(IRRewriter &b, scf::IfOp choice) {
  Location loc = choice.getLoc();
  Block *before = choice->getBlock(), *after = splitAt(b, choice);
  Block *targets[] = {after, after};
  for (auto [region, target] : llvm::zip(choice->getRegions(), targets)) {
    if (region.empty())
      continue;
    target = &region.front();
    Operation *yield = region.back().getTerminator();
    b.setInsertionPoint(yield);
    cf::BranchOp::create(b, loc, after, yield->getOperands());
    b.eraseOp(yield);
    b.inlineRegionBefore(region, after);
  }
  b.setInsertionPointToEnd(before);
  cf::CondBranchOp::create(b, loc, choice.getCondition(), targets[0],
                           ValueRange(), targets[1], ValueRange());
  b.eraseOp(choice);
}

void attn::lowerLoops(Operation *root) {
  // Inner ones first.
  SmallVector<Operation *> ops;
  root->walk([&](Operation *op) {
    if (isa<scf::ForOp, scf::IfOp>(op))
      ops.push_back(op);
  });
  IRRewriter b(root->getContext());
  for (Operation *op : ops) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      lower(b, loop);
    else
      lower(b, cast<scf::IfOp>(op));
  }
}
