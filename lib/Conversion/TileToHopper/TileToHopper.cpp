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

#include "attn/Conversion/Passes.h"
#include "attn/Transforms/PassOptions.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_TILETOHOPPER
#include "attn/Conversion/Passes.h.inc"

namespace {
class TileToHopper final : public impl::TileToHopperBase<TileToHopper> {
public:
  using TileToHopperBase::TileToHopperBase;

  void runOnOperation() override {
    if (failed(checkOptions(
            *this, getOperation(),
            {{"stages", stages, 1, hopper::maxStages},
             {"head-group", headGroup, 1, tensorcore::maxHeadGroup},
             {"shared-bytes", sharedBytes, 0, tensorcore::maxSharedBytes}})))
      return signalPassFailure();
    hopper::Schedule schedule;
    schedule.oneBehind = oneBehind;
    schedule.pingPong = pingPong;
    schedule.persistent = persistent;
    schedule.dealEqual = dealEqual;
    schedule.longestFirst = longestFirst;
    schedule.tmaStore = tmaStore;
    schedule.stages = stages;
    schedule.headGroup = headGroup;
    schedule.sharedBytes = sharedBytes;
    tensorcore::lowerKernels(
        getOperation(), "Hopper's tensor cores",
        [&](func::FuncOp kernel, tensorcore::Emitter &emit, std::string &why) {
          FailureOr<hopper::HopperLayout> layout =
              hopper::makeHopperLayout(kernel, schedule, why);
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
          hopper::HopperEmitter(emit, *layout).run();
          return success();
        });
  }
};
} // namespace
} // namespace attn
