//===- TileToMMA.cpp - Lower tile kernels to mma.sync ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replaces each `tile.kernel` function that fits by a gpu.module with one
// kernel for chips from sm_80 on. What does not fit is left for the general GPU
// lowering, with a remark that says why.
//
//===----------------------------------------------------------------------===//

#include "MMAEmitter.h"

#include "../TensorCore/Prepare.h"

#include "attn/Conversion/TileToMMA.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "tile-to-mma"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_TILETOMMA
#include "attn/Conversion/Passes.h.inc"

namespace {
class TileToMMA final : public impl::TileToMMABase<TileToMMA> {
public:
  using TileToMMABase::TileToMMABase;

  void runOnOperation() override {
    auto target = tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    if (!target->has(tile::MatrixUnits::MmaSync))
      return;
    if (failed(checkChoices(getOperation(), [&](Operation *kernel) {
          return check(kernel, getSchedule(kernel, *target));
        })))
      return signalPassFailure();
    tensorcore::lowerKernels(
        getOperation(), "mma.sync",
        [&](func::FuncOp kernel, tensorcore::Emitter &emit, std::string &why) {
          FailureOr<mma::MMALayout> layout =
              mma::makeMMALayout(kernel, getSchedule(kernel, *target), why);
          if (failed(layout))
            return failure();
          ++numKernels;
          numStaged += layout->schedule.stages > 1 ? 2 : 0;
          numKept += layout->schedule.queryInRegisters;
          LDBG_OS([&](raw_ostream &os) {
            os << kernel.getName() << ":";
            for (const std::string &choice : layout->describe())
              os << "\n  " << choice;
          });
          mma::emitKernel(emit, *layout);
          return success();
        });
  }

private:
  mma::Schedule getSchedule(Operation *kernel, tile::TargetAttr target) {
    mma::Schedule schedule;
    schedule.stages = decide(stages, kernel, &ScheduleAttr::getStages);
    schedule.warpRows = decide(warpRows, kernel, &ScheduleAttr::getWarpRows);
    schedule.blocks = decide(blocks, kernel, &ScheduleAttr::getBlocks);
    schedule.queryInRegisters =
        decide(queryInRegisters, kernel, &ScheduleAttr::getQueryInRegisters);
    schedule.longestFirst =
        decide(longestFirst, kernel, &ScheduleAttr::getLongestFirst);
    schedule.headGroup = decide(headGroup, kernel, &ScheduleAttr::getHeadGroup);
    schedule.sharedBytes = target.getSharedBytes();
    return schedule;
  }

  LogicalResult check(Operation *kernel, const mma::Schedule &schedule) {
    return checkOptions(
        *this, kernel,
        {{"stages", schedule.stages, 0, 2},
         {"warp-rows", schedule.warpRows, 0, 2 * mma::groupRows,
          mma::groupRows},
         {"blocks", schedule.blocks, 1, mma::maxBlocks},
         {"head-group", schedule.headGroup, 1, tensorcore::maxHeadGroup}});
  }
};
} // namespace
} // namespace attn
