//===- GPUSchedule.cpp - gpu-schedule -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses tile sizes that fit what every GPU has, without matrix units: one
// version for all sizes.
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"

#include "attn/Conversion/GPUSchedule.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Transforms/PassOptions.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_GPUSCHEDULE
#include "attn/Conversion/Passes.h.inc"

namespace {

class GPUSchedule final : public impl::GPUScheduleBase<GPUSchedule> {
public:
  using GPUScheduleBase::GPUScheduleBase;

  void runOnOperation() override {
    if (failed(checkOptions(*this, getOperation(),
                            {{"tile-m", tileM, 0, kLargestTile},
                             {"tile-n", tileN, 0, kLargestTile}})))
      return signalPassFailure();
    FailureOr<unsigned> versions =
        scheduleOps(getOperation(), [&](AttentionOp op) { schedule(op); });
    if (failed(versions))
      return signalPassFailure();
    numSchedules += *versions;
  }

private:
  void schedule(AttentionOp op) {
    constexpr int64_t keys = 32;
    ScheduleBuilder b(op);
    if (b.keepsGiven(tileM, tileN))
      return;
    auto [givenRows, givenKeys] = b.getGivenTile(tileM, tileN);
    // Few queries need no more threads.
    int64_t rows = kGPUTileRows;
    if (int64_t queries = op.getQueryLength(); ShapedType::isStatic(queries))
      rows = std::clamp<int64_t>(queries, 1, rows);
    b.set(givenRows ? givenRows : rows, givenKeys ? givenKeys : keys,
          /*workers=*/0,
          givenRows || givenKeys
              ? "a tile was asked for"
              : "a row a thread, whose registers hold it; a workgroup of every "
                "device has memory for this many keys and values");
  }
};

} // namespace
} // namespace attn
