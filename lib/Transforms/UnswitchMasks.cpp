//===- UnswitchMasks.cpp - tile-unswitch-masks ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hoists the choice between a masked and a clean score tile to the top of the
// loop body, so that full key tiles run without a compare.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace attn {
#define GEN_PASS_DEF_UNSWITCHMASKS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Clones `ops` with `select` replaced by one of its branches.
static void cloneWithBranch(OpBuilder &b, ArrayRef<Operation *> ops,
                            scf::IfOp select, Block *branch,
                            IRMapping &mapping) {
  for (Operation *op : ops) {
    if (op != select) {
      b.clone(*op, mapping);
      continue;
    }
    for (Operation &nested : branch->without_terminator())
      b.clone(nested, mapping);
    for (auto [result, yielded] :
         llvm::zip(select.getResults(), branch->getTerminator()->getOperands()))
      mapping.map(result, mapping.lookupOrDefault(yielded));
  }
}

/// Replaces `ops`, among them `select`, by a choice at `place` with a copy of
/// them all in each branch.
static void moveIntoBranches(scf::IfOp select, ArrayRef<Operation *> ops,
                             Operation *place) {
  auto isMoved = [&](Operation *user) {
    return llvm::is_contained(ops,
                              select->getBlock()->findAncestorOpInBlock(*user));
  };
  SmallVector<Value> results;
  for (Operation *op : ops)
    for (Value result : op->getResults())
      if (!llvm::all_of(result.getUsers(), isMoved))
        results.push_back(result);
  OpBuilder b(place);
  auto unswitched =
      scf::IfOp::create(b, select.getLoc(), TypeRange(ValueRange(results)),
                        select.getCondition(), /*withElseRegion=*/true);
  for (auto [block, branch] :
       {std::pair(unswitched.thenBlock(), select.thenBlock()),
        std::pair(unswitched.elseBlock(), select.elseBlock())}) {
    if (!block->empty())
      block->back().erase();
    IRMapping mapping;
    b.setInsertionPointToEnd(block);
    cloneWithBranch(b, ops, select, branch, mapping);
    SmallVector<Value> yielded;
    for (Value result : results)
      yielded.push_back(mapping.lookupOrDefault(result));
    scf::YieldOp::create(b, select.getLoc(), yielded);
  }
  for (auto [result, replacement] : llvm::zip(results, unswitched.getResults()))
    result.replaceUsesWithIf(replacement, [&](OpOperand &use) {
      return !isMoved(use.getOwner()) && use.getOwner() != unswitched;
    });
  // Uses come after definitions, so erase from the back.
  for (Operation *op : llvm::reverse(ops))
    op->erase();
}

/// Unswitches the block that holds `select`, a tile-valued choice whose
/// condition is computed by scalar ops at the top of the block. Replaces all
/// that follows them, other choices too; false if it cannot.
static bool unswitchBody(scf::IfOp select) {
  Block *body = select->getBlock();
  // Everything from the first tile op on moves into the branches.
  auto begin = llvm::find_if(*body, [&](Operation &op) {
    return &op == select ||
           (isa_and_nonnull<tile::TileDialect>(op.getDialect()) &&
            !isa<tile::RangeAtOp>(op));
  });
  if (Operation *condition = select.getCondition().getDefiningOp();
      condition && condition->getBlock() == body &&
      !condition->isBeforeInBlock(&*begin))
    return false;
  SmallVector<Operation *> ops;
  for (Operation &op :
       llvm::make_range(begin, body->getTerminator()->getIterator()))
    ops.push_back(&op);
  moveIntoBranches(select, ops, body->getTerminator());
  return true;
}

/// Unswitches what computes the scores that `select` chooses, in one pass over
/// them: maps that nothing else reads, and reductions of what is chosen.
static bool unswitchScores(scf::IfOp select) {
  Block *body = select->getBlock();
  llvm::SmallSetVector<Operation *, 8> moved;
  moved.insert(select);
  auto isBefore = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return !op || op->getBlock() != body || op->isBeforeInBlock(select);
  };
  for (Operation *user : select.getResult(0).getUsers())
    if (auto reduce = dyn_cast<tile::ReduceOp>(user);
        reduce && reduce->getBlock() == body && isBefore(reduce.getInit()))
      moved.insert(reduce);
  for (Operation &op :
       llvm::reverse(llvm::make_range(body->begin(), select->getIterator())))
    if (isa<tile::MapOp>(op) &&
        llvm::all_of(op.getUsers(), [&](Operation *user) {
          Operation *ancestor = body->findAncestorOpInBlock(*user);
          return moved.contains(ancestor);
        }))
      moved.insert(&op);
  SmallVector<Operation *> ops = moved.takeVector();
  llvm::sort(ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  moveIntoBranches(select, ops, select);
  return true;
}

namespace {
struct UnswitchMasks : attn::impl::UnswitchMasksBase<UnswitchMasks> {
  using Base::Base;

  void runOnOperation() override {
    // Where tiles are in fragments, a loop asks for the next ones before it
    // knows which branch they are for; the choice stays around the mask.
    auto target = tile::TargetAttr::lookup(getOperation());
    if (target && target.has(tile::MatrixUnits::Cooperative))
      return;
    // By block, inner blocks first.
    llvm::MapVector<Block *, SmallVector<scf::IfOp>> selects;
    getOperation().walk([&](scf::IfOp op) {
      bool tiles = op.getNumResults() == 1 &&
                   isa<tile::TileType>(op.getResult(0).getType());
      if (tiles && op->getParentOfType<scf::ForOp>() && !op.use_empty() &&
          !isa<scf::YieldOp>(*op.getResult(0).user_begin()))
        selects[op->getBlock()].push_back(op);
    });
    // Two choices of a block would give four copies of it: the first one
    // decides, others stay what they are in its branches, as copies.
    for (auto &[block, candidates] : selects) {
      Operation *grid = block->getParentOp();
      while (!ScheduleAttr::of(grid) && !isa<scf::ForallOp>(grid) &&
             grid != getOperation())
        grid = grid->getParentOp();
      bool ofScores =
          decideScheduled(scoresOnly, grid, &ScheduleAttr::getScoresOnly);
      if (!llvm::any_of(candidates, ofScores ? unswitchScores : unswitchBody))
        continue;
      ++numSplit;
      addChoices(grid, explainChoice(
                           grid, "scores_only", &ScheduleAttr::getScoresOnly,
                           ofScores ? "tiles without a mask have scores of "
                                      "their own"
                                    : "tiles without a mask have code of their "
                                      "own",
                           ofScores ? "products are loops, whose code would be "
                                      "there twice"
                                    : "nothing waits for a branch in it"));
    }
  }
};
} // namespace
