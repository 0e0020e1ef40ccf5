//===- GPUSchedule.cpp - gpu-schedule -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses tile sizes that fit what every GPU has, without matrix units, and
// split keys where queries are few, if the target says for how many workers.
//
//===----------------------------------------------------------------------===//

#include "FewRowsLayouts.h"
#include "Schedule.h"

#include "attn/Conversion/GPUSchedule.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/Tile.h"
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
    auto target = tile::TargetAttr::lookup(getOperation());
    FailureOr<unsigned> versions = scheduleOps(
        getOperation(), [&](AttentionOp op) { schedule(op, target); });
    if (failed(versions))
      return signalPassFailure();
    numSchedules += *versions;
  }

private:
  static constexpr int64_t keys = 32;

  void schedule(AttentionOp op, tile::TargetAttr target) {
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
    if (!givenRows && !givenKeys && target && target.getWorkers())
      scheduleFewRows(b, op, target);
  }

  /// Decoding: lanes of a subgroup compute with few rows together, or tiles
  /// hold the queries of several heads.
  static void scheduleFewRows(ScheduleBuilder &b, AttentionOp op,
                              tile::TargetAttr target) {
    bool sharesRows = target.getSubgroup() >= kFewestSharingLanes;
    if (op.isRagged()) {
      if (sharesRows)
        b.choose(
            b.atMost(b.queries(), b.multiply(b.extent(op.getCuSeqlensQ(), 0),
                                             b.constant(kFewRows))),
            kFewRows, keys, /*workers=*/0,
            "a few queries of a sequence, which lanes share");
      return;
    }
    // No more rows than there are.
    int64_t few = kFewRows, most = kGPUTileRows;
    if (APInt known; matchPattern(b.packedRows(), m_ConstantInt(&known))) {
      int64_t rows = std::max<int64_t>(known.getSExtValue(), 1);
      few = std::min(few, rows);
      if (rows <= kFewRows)
        most = 0;
    }
    if (sharesRows && !b.chooseSplit(few, keys, target.getWorkers()))
      return;
    if (most)
      b.chooseSplit(most, keys, target.getWorkers());
  }
};

} // namespace
} // namespace attn
