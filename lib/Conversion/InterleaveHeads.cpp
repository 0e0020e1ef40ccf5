//===- InterleaveHeads.cpp - tile-interleave-heads ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Heads are the fast dimension of launches whose query tiles decide how far
// loops go: the long ones of all heads begin first.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn {
#define GEN_PASS_DEF_INTERLEAVEHEADS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

/// Whether `op` is the number of a query tile. Where groups share the keys of
/// one, the number is divided, and they are alike.
static bool isQueryTile(Operation *op) {
  auto id = dyn_cast<gpu::BlockIdOp>(op);
  return id && id.getDimension() == gpu::Dimension::x &&
         llvm::none_of(id->getUsers(), llvm::IsaPred<arith::RemUIOp>);
}

/// Whether the query tile decides how far a loop goes, as under a causal mask
/// or a window.
static bool dependsOnTile(gpu::GPUFuncOp kernel) {
  return kernel
      .walk([](scf::ForOp loop) {
        SetVector<Operation *> slice;
        BackwardSliceOptions options;
        options.inclusive = true;
        (void)getBackwardSlice(loop.getUpperBound(), &slice, options);
        return llvm::any_of(slice, isQueryTile) ? WalkResult::interrupt()
                                                : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Query tiles become dimension y of the launch, heads dimension x.
static void interleave(gpu::GPUFuncOp kernel, LaunchInfoAttr info) {
  auto exchange = [](auto op) {
    using gpu::Dimension;
    if (op.getDimension() != Dimension::z)
      op.setDimension(op.getDimension() == Dimension::x ? Dimension::y
                                                        : Dimension::x);
  };
  kernel.walk([&](Operation *op) {
    if (auto id = dyn_cast<gpu::BlockIdOp>(op))
      exchange(id);
    else if (auto extent = dyn_cast<gpu::GridDimOp>(op))
      exchange(extent);
  });
  kernel->setAttr(LaunchInfoAttr::attributeName,
                  LaunchInfoAttr::get(info.getContext(), info.getParameters(),
                                      GridOrder::Interleaved, info.getThreads(),
                                      info.getShared(), info.getStack(),
                                      info.getCluster()));
}

namespace {
struct InterleaveHeads final
    : attn::impl::InterleaveHeadsBase<InterleaveHeads> {
  using InterleaveHeadsBase::InterleaveHeadsBase;

  void runOnOperation() override {
    bool isChanged = false;
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      auto info = LaunchInfoAttr::of(kernel);
      if (!info || info.getGrid() != GridOrder::Points ||
          !dependsOnTile(kernel))
        continue;
      bool interleaves =
          decide(longestFirst, kernel, &ScheduleAttr::getLongestFirst);
      addChoices(kernel,
                 explainChoice(
                     kernel, "longest_first", &ScheduleAttr::getLongestFirst,
                     interleaves ? "the longest query tiles of all heads first"
                                 : "heads one after the other",
                     interleaves ? "the short ones fill the end"
                                 : "an option of the pass says so"));
      isChanged = true;
      if (!interleaves)
        continue;
      interleave(kernel, info);
      ++numInterleaved;
    }
    if (!isChanged)
      markAllAnalysesPreserved();
  }
};
} // namespace
