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

#include "attn/Conversion/Passes.h"
#include "attn/Transforms/PassOptions.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_TILETOMMA
#include "attn/Conversion/Passes.h.inc"

namespace {
class TileToMMA final : public impl::TileToMMABase<TileToMMA> {
public:
  using TileToMMABase::TileToMMABase;

  void runOnOperation() override {
    if (failed(checkOptions(
            *this, getOperation(),
            {{"stages", stages, 0, 2},
             {"warp-rows", warpRows, 0, 2 * mma::groupRows, mma::groupRows},
             {"blocks", blocks, 1, mma::maxBlocks},
             {"head-group", headGroup, 1, tensorcore::maxHeadGroup},
             {"shared-bytes", sharedBytes, 0, tensorcore::maxSharedBytes}})))
      return signalPassFailure();
    mma::Schedule schedule;
    schedule.stages = stages;
    schedule.warpRows = warpRows;
    schedule.blocks = blocks;
    schedule.queryInRegisters = queryInRegisters;
    schedule.longestFirst = longestFirst;
    schedule.headGroup = headGroup;
    schedule.sharedBytes = sharedBytes;
    tensorcore::lowerKernels(
        getOperation(), "mma.sync",
        [&](func::FuncOp kernel, tensorcore::Emitter &emit, std::string &why) {
          FailureOr<mma::MMALayout> layout =
              mma::makeMMALayout(kernel, schedule, why);
          if (failed(layout))
            return failure();
          mma::emitKernel(emit, *layout);
          return success();
        });
  }
};
} // namespace
} // namespace attn
