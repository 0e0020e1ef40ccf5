//===- UnswitchMasks.cpp - tile-unswitch-masks ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hoists the choice between a masked and a clean score tile to the top of the
// loop body, so that full key tiles run without a compare.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace attn {
#define GEN_PASS_DEF_UNSWITCHMASKS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Clones the ops `[begin, end)` with `select` replaced by one of its branches.
static void cloneWithBranch(OpBuilder &b, Block::iterator begin,
                            Block::iterator end, scf::IfOp select,
                            Block *branch, IRMapping &mapping) {
  for (auto it = begin; it != end; ++it) {
    if (&*it != select) {
      b.clone(*it, mapping);
      continue;
    }
    for (Operation &op : branch->without_terminator())
      b.clone(op, mapping);
    for (auto [result, yielded] :
         llvm::zip(select.getResults(), branch->getTerminator()->getOperands()))
      mapping.map(result, mapping.lookupOrDefault(yielded));
  }
}

/// Unswitches the block that holds `select`, a tile-valued choice whose
/// condition is computed by scalar ops at the top of the block. Replaces all
/// that follows them, other choices too; false if it cannot.
static bool unswitch(scf::IfOp select) {
  Block *body = select->getBlock();
  Operation *terminator = body->getTerminator();
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
  OpBuilder b(terminator);
  auto unswitched =
      scf::IfOp::create(b, select.getLoc(), terminator->getOperandTypes(),
                        select.getCondition(), /*withElseRegion=*/true);
  auto end = unswitched->getIterator();
  for (auto [block, branch] :
       {std::pair(unswitched.thenBlock(), select.thenBlock()),
        std::pair(unswitched.elseBlock(), select.elseBlock())}) {
    if (!block->empty())
      block->back().erase();
    IRMapping mapping;
    b.setInsertionPointToEnd(block);
    cloneWithBranch(b, begin, end, select, branch, mapping);
    SmallVector<Value> yielded;
    for (Value operand : terminator->getOperands())
      yielded.push_back(mapping.lookupOrDefault(operand));
    scf::YieldOp::create(b, select.getLoc(), yielded);
  }
  terminator->setOperands(unswitched.getResults());
  // Uses come after definitions, so erase from the back.
  SmallVector<Operation *> moved;
  for (auto it = begin; it != end; ++it)
    moved.push_back(&*it);
  for (Operation *op : llvm::reverse(moved))
    op->erase();
  return true;
}

namespace {
struct UnswitchMasks : attn::impl::UnswitchMasksBase<UnswitchMasks> {
  void runOnOperation() override {
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
    for (auto &[block, candidates] : selects)
      numSplit += llvm::any_of(candidates, unswitch);
  }
};
} // namespace
