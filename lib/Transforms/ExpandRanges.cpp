//===- ExpandRanges.cpp - tile-expand-ranges ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Key-tile ranges become index arithmetic; loops over ranges with a run-time
// predicate get a guard around their body.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDRANGES
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static int64_t getLargest(Value tile) {
  return IndexRanges().rangeOf(tile).smax().getSExtValue();
}

/// Its arithmetic alone does not tell that a key tile exists, and how many do.
static void keepSize(Value value, int64_t largest) {
  if (Operation *op = value.getDefiningOp();
      op && op->getNumResults() == 1 && !op->hasTrait<OpTrait::ConstantLike>())
    op->setAttr(tile::kSizeAttrName,
                IntegerAttr::get(IndexType::get(op->getContext()), largest));
}

/// Number of tiles of range k: max(end - begin, 0).
static Value lengthOf(ImplicitLocOpBuilder &b, RangesOp ranges, unsigned k) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value difference =
      b.createOrFold<arith::SubIOp>(ranges.getEnd(k), ranges.getBegin(k));
  return b.createOrFold<arith::MaxSIOp>(difference, zero);
}

static Value expandCount(ImplicitLocOpBuilder &b, RangesOp ranges) {
  Value count = lengthOf(b, ranges, 0);
  for (unsigned k = 1, e = ranges.getNumRanges(); k < e; ++k)
    count = b.createOrFold<arith::AddIOp>(count, lengthOf(b, ranges, k));
  return count;
}

/// Key tile number `position`, and whether it lies in a full sub-range.
static std::pair<Value, Value> expandAt(ImplicitLocOpBuilder &b,
                                        RangesOp ranges, Value position) {
  auto less = [&](Value x, Value y) -> Value {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, x, y);
  };
  unsigned count = ranges.getNumRanges();
  SmallVector<Value> firstPosition = {arith::ConstantIndexOp::create(b, 0)};
  for (unsigned k = 1; k < count; ++k)
    firstPosition.push_back(b.createOrFold<arith::AddIOp>(
        firstPosition[k - 1], lengthOf(b, ranges, k - 1)));
  auto tileIn = [&](unsigned k) -> Value {
    Value offset = b.createOrFold<arith::SubIOp>(position, firstPosition[k]);
    return b.createOrFold<arith::AddIOp>(ranges.getBegin(k), offset);
  };
  // From the last range to the first: a position before the first one of range
  // k + 1 belongs to range k or an earlier one.
  Value tile = tileIn(count - 1);
  for (unsigned k = count - 1; k-- > 0;)
    tile = b.createOrFold<arith::SelectOp>(less(position, firstPosition[k + 1]),
                                           tileIn(k), tile);
  Value full;
  for (unsigned k = 0; k < count; ++k) {
    // None of the range is full.
    if (ranges.getFullBegin(k) == ranges.getFullEnd(k))
      continue;
    Value inside = b.createOrFold<arith::AndIOp>(
        b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, tile,
                                      ranges.getFullBegin(k)),
        less(tile, ranges.getFullEnd(k)));
    full = full ? b.createOrFold<arith::OrIOp>(full, inside) : inside;
  }
  if (!full)
    full = arith::ConstantIntOp::create(b, 0, 1);
  return {tile, full};
}

/// Inlines the where region for key tile `tile`: (visit, full).
static std::pair<Value, Value> inlineWhere(OpBuilder &b, RangesOp ranges,
                                           Value tile) {
  IRMapping mapping;
  Block &block = ranges.getWhere().front();
  mapping.map(block.getArgument(0), tile);
  for (Operation &op : block.without_terminator())
    b.clone(op, mapping);
  Operation *yield = block.getTerminator();
  return {mapping.lookupOrDefault(yield->getOperand(0)),
          mapping.lookupOrDefault(yield->getOperand(1))};
}

/// Moves the body of `loop` after `at` into `scf.if visit`, which otherwise
/// yields the carried values unchanged.
static void guardBody(RangeAtOp at, scf::ForOp loop, Value visit) {
  Block *body = loop.getBody();
  auto yield = cast<scf::YieldOp>(body->getTerminator());
  OpBuilder b(yield);
  auto guard = scf::IfOp::create(b, at.getLoc(), yield.getOperandTypes(), visit,
                                 /*withElseRegion=*/true);
  // An if without results is created with its terminators.
  for (Block *block : {guard.thenBlock(), guard.elseBlock()})
    if (!block->empty())
      block->back().erase();
  Block *then = guard.thenBlock();
  then->getOperations().splice(then->end(), body->getOperations(),
                               std::next(at->getIterator()),
                               guard->getIterator());
  b.setInsertionPointToEnd(then);
  scf::YieldOp::create(b, at.getLoc(), yield.getOperands());
  b.setInsertionPointToEnd(guard.elseBlock());
  scf::YieldOp::create(b, at.getLoc(), loop.getRegionIterArgs());
  yield->setOperands(guard.getResults());
}

namespace {
struct ExpandRanges : attn::impl::ExpandRangesBase<ExpandRanges> {
  void runOnOperation() override {
    SmallVector<RangesOp> rangesOps;
    getOperation().walk([&](RangesOp op) { rangesOps.push_back(op); });
    for (RangesOp ranges : rangesOps) {
      SmallVector<Operation *> users(ranges.getResult().getUsers());
      // A loop over their number tells more of the tiles that it asks for.
      llvm::partition(users, llvm::IsaPred<RangeAtOp>);
      for (Operation *user : users) {
        ImplicitLocOpBuilder b(user->getLoc(), user);
        if (auto count = dyn_cast<RangeCountOp>(user)) {
          int64_t largest = getLargest(count.getResult());
          Value number = expandCount(b, ranges);
          keepSize(number, largest);
          count.getResult().replaceAllUsesWith(number);
          count.erase();
          continue;
        }
        auto at = cast<RangeAtOp>(user);
        int64_t largest = getLargest(at.getTile());
        auto [tile, full] = expandAt(b, ranges, at.getPosition());
        keepSize(tile, largest);
        if (!ranges.getWhere().empty()) {
          auto [visit, fullHere] = inlineWhere(b, ranges, tile);
          full = b.createOrFold<arith::OrIOp>(full, fullHere);
          auto loop = dyn_cast<scf::ForOp>(at->getParentOp());
          if (loop && loop.getInductionVar() == at.getPosition()) {
            guardBody(at, loop, visit);
            ++numGuarded;
          }
        }
        at.getTile().replaceAllUsesWith(tile);
        at.getFull().replaceAllUsesWith(full);
        at.erase();
      }
      ranges.erase();
      ++numExpanded;
    }
  }
};
} // namespace
