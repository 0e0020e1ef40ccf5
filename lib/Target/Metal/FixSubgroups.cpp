//===- FixSubgroups.cpp - Subgroups of known size -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The size of a subgroup as a constant, and the ranges of the numbers of lanes
// and subgroups, where a target has subgroups of one size only.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace attn {
#define GEN_PASS_DEF_FIXSUBGROUPS
#include "attn/Target/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Of the number of a thread, subgroup * lanes + lane, a quotient and a rest
/// are its parts.
static void splitThread(arith::AddIOp sum, int64_t lanes) {
  auto first = sum.getLhs().getDefiningOp<arith::MulIOp>();
  auto isLanes = [&](Value value) { return isConstantIntValue(value, lanes); };
  if (!first || !first.getLhs().getDefiningOp<gpu::SubgroupIdOp>() ||
      !isLanes(first.getRhs()) || !sum.getRhs().getDefiningOp<gpu::LaneIdOp>())
    return;
  for (Operation *user : llvm::make_early_inc_range(sum->getUsers())) {
    bool isRest = isa<arith::RemUIOp>(user);
    if ((!isRest && !isa<arith::DivUIOp>(user)) ||
        !isLanes(user->getOperand(1)))
      continue;
    Value part = isRest ? sum.getRhs() : first.getLhs();
    // The part is called what its use was.
    if (isa<NameLoc>(user->getLoc()))
      part.getDefiningOp()->setLoc(user->getLoc());
    user->getResult(0).replaceAllUsesWith(part);
    user->erase();
  }
}

static void fix(gpu::GPUFuncOp kernel, int64_t lanes) {
  int64_t threads = kernel.getKnownBlockSize()->front();
  kernel.walk([&](Operation *op) {
    OpBuilder b(op);
    auto setLast = [&](int64_t last) {
      op->setAttr(tile::kSizeAttrName, b.getIndexAttr(last));
    };
    if (isa<gpu::LaneIdOp>(op))
      setLast(lanes - 1);
    else if (isa<gpu::SubgroupIdOp>(op))
      setLast(llvm::divideCeil(threads, lanes) - 1);
    else if (auto size = dyn_cast<gpu::SubgroupSizeOp>(op)) {
      size.replaceAllUsesWith(
          Value(arith::ConstantIndexOp::create(b, size.getLoc(), lanes)));
      size.erase();
    }
  });
  SmallVector<arith::AddIOp> sums;
  kernel.walk([&](arith::AddIOp sum) { sums.push_back(sum); });
  for (arith::AddIOp sum : sums)
    splitThread(sum, lanes);
}

namespace {
struct FixSubgroups final : attn::impl::FixSubgroupsBase<FixSubgroups> {
  void runOnOperation() override {
    auto target = tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    if (int64_t lanes = target->getSubgroup())
      for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>())
        if (kernel.getKnownBlockSize())
          fix(kernel, lanes);
  }
};
} // namespace
