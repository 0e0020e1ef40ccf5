//===- TileToHopper.cpp - Lower tile kernels to Hopper --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replaces each `tile.kernel` function that fits by a gpu.module with one
// warp-specialised kernel. What does not fit is left for the general GPU
// lowering, with a remark that says why.
//
//===----------------------------------------------------------------------===//

#include "HopperEmitter.h"

#include "../TensorCore/Prepare.h"

#include "attn/Conversion/TileToHopper.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "tile-to-hopper"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_TILETOHOPPER
#include "attn/Conversion/Passes.h.inc"

namespace {
class TileToHopper final : public impl::TileToHopperBase<TileToHopper> {
public:
  using TileToHopperBase::TileToHopperBase;

  void runOnOperation() override {
    auto target = tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    if (!target->has(tile::MatrixUnits::Wgmma))
      return;
    if (failed(checkChoices(getOperation(), [&](Operation *kernel) {
          return check(kernel, getSchedule(kernel, *target));
        })))
      return signalPassFailure();
    tensorcore::lowerKernels(
        getOperation(), "Hopper's tensor cores",
        [&](func::FuncOp kernel, tensorcore::Emitter &emit, std::string &why) {
          FailureOr<hopper::HopperLayout> layout = hopper::makeHopperLayout(
              kernel, getSchedule(kernel, *target), why);
          if (failed(layout))
            return failure();
          // Rows of several heads are no input that TMA cannot take, but what
          // the schedule asked for.
          for (auto [tile, name, why] :
               llvm::zip_equal(layout->sharedTiles(), hopper::tileNames,
                               layout->whyGathered))
            if (!why.empty() && !tile->load.getPacking())
              kernel.emitRemark(name)
                  << " is gathered by threads instead of TMA: " << why;
          count(*layout);
          LDBG_OS([&](raw_ostream &os) {
            os << kernel.getName() << ":";
            for (const std::string &choice : layout->describe())
              os << "\n  " << choice;
          });
          hopper::HopperEmitter(emit, *layout).run();
          return success();
        });
  }

private:
  void count(hopper::HopperLayout &layout) {
    ++numKernels;
    unsigned gathered = layout.whyGathered.size() -
                        llvm::count(layout.whyGathered, std::string());
    numGathered += gathered;
    numCopied += layout.whyGathered.size() - gathered;
    numStored += layout.tmaStores.size();
    numWalked += layout.hasPredicate();
  }

  hopper::Schedule getSchedule(Operation *kernel, tile::TargetAttr target) {
    hopper::Schedule schedule;
    schedule.oneBehind = decide(oneBehind, kernel, &ScheduleAttr::getOneBehind);
    schedule.pingPong = decide(pingPong, kernel, &ScheduleAttr::getPingPong);
    schedule.persistent =
        decide(persistent, kernel, &ScheduleAttr::getPersistent);
    schedule.dealEqual = decide(dealEqual, kernel, &ScheduleAttr::getDealEqual);
    schedule.longestFirst =
        decide(longestFirst, kernel, &ScheduleAttr::getLongestFirst);
    schedule.tmaStore = decide(tmaStore, kernel, &ScheduleAttr::getTmaStore);
    schedule.stages = decide(stages, kernel, &ScheduleAttr::getStages);
    schedule.headGroup = decide(headGroup, kernel, &ScheduleAttr::getHeadGroup);
    schedule.sharedBytes = target.getSharedBytes();
    return schedule;
  }

  LogicalResult check(Operation *kernel, const hopper::Schedule &schedule) {
    return checkOptions(
        *this, kernel,
        {{"stages", schedule.stages, 1, hopper::maxStages},
         {"head-group", schedule.headGroup, 1, tensorcore::maxHeadGroup}});
  }
};
} // namespace
} // namespace attn
