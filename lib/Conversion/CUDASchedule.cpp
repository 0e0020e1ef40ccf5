//===- CUDASchedule.cpp - cuda-schedule -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses tile sizes for the tensor cores of a chip and whether keys are split.
// Where that depends on sizes that only a launch knows, the op is cloned below
// conditions on them.
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"
#include "TensorCore/Structure.h"

#include "attn/Conversion/CUDASchedule.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_CUDASCHEDULE
#include "attn/Conversion/Passes.h.inc"

namespace {

/// Query rows of a tile that one consumer warpgroup computes: for decoding.
constexpr int64_t decodeRows = 64;
/// Queries up to which the taller tile of small heads wastes more below the
/// diagonal of a mask than it gains.
constexpr int64_t shortQueries = 1024;

bool isSixteenBit(AttentionOp op) {
  return tensorcore::isSixteenBit(
      cast<MemRefType>(op.getQuery().getType()).getElementType());
}

/// Whether a region leaves the registers that tall tiles need: it computes
/// little, and reads nothing that may differ from key to key. Its
/// first `numPoint` arguments end with the key.
bool isLight(Region &region, unsigned numPoint) {
  constexpr int64_t fewOps = 4;
  int64_t numOps = 0;
  WalkResult result = region.walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>() ||
        op->hasTrait<OpTrait::IsTerminator>())
      return WalkResult::advance();
    auto load = dyn_cast<memref::LoadOp>(op);
    bool byKey = load && llvm::any_of(load.getIndices(), [&](Value index) {
                   return !isa<BlockArgument>(index) ||
                          index == region.getArgument(numPoint - 1);
                 });
    return byKey || ++numOps > fewOps ? WalkResult::interrupt()
                                      : WalkResult::advance();
  });
  return !result.wasInterrupted();
}

bool isLight(AttentionOp op) {
  return isLight(op.getScore(), /*numPoint=*/5) &&
         isLight(op.getMask(), /*numPoint=*/4);
}

/// A tile, and why it is the best.
struct Choice {
  int64_t rows, keys;
  StringRef reason;
};

/// For long sequences: the accumulator and the scores of 64 rows must fit the
/// registers of a warpgroup, keys and values of two stages and q shared memory.
Choice getLongTile(AttentionOp op) {
  if (!isSixteenBit(op))
    return {64, 32,
            "without tensor cores: one row a thread, keys and values "
            "in 48 KiB of shared memory"};
  int64_t head = std::max(op.getQkHeadSize(), op.getValueHeadSize());
  // They have fewer registers each.
  if (head <= 64 && isLight(op))
    return {192, 128,
            "three warpgroups hide the exponentials of small heads, which take "
            "as long as the products"};
  if (head <= 128)
    return {128, 128, "two warpgroups have registers for scores and output"};
  if (head <= 192)
    return {128, 96,
            "shared memory holds two buffers of this many keys and values"};
  return {128, 64,
          "shared memory holds two buffers of this many keys and values"};
}

/// For mma.sync: the best one of which a multiprocessor has shared memory for
/// two blocks, if each has one buffer of keys and values.
Choice getMMATile(AttentionOp op, int64_t sharedBytes) {
  if (!isSixteenBit(op))
    return getLongTile(op);
  int64_t qk = op.getQkHeadSize(), v = op.getValueHeadSize();
  auto fits = [&](int64_t rows, int64_t keys) {
    constexpr int64_t blocks = 2, reservedBytes = 1024;
    int64_t columns = llvm::alignTo(qk, 64),
            both = columns + llvm::alignTo(v, 64);
    int64_t bytes = 2 * (rows * columns + keys * both) + reservedBytes;
    return blocks * bytes <= sharedBytes + reservedBytes;
  };
  // Larger heads leave registers for 32 rows a warp only where nothing else
  // needs them, and a mask wastes more of a taller tile.
  int64_t head = std::max(qk, v);
  bool isPlain = !op.hasScoreRegion() && !op.hasMaskRegion() &&
                 !op.getKvLen() && !op.isPaged() && !op.isRagged();
  constexpr StringLiteral tall =
      "a warp has 32 rows and reads keys and values half as often; two blocks "
      "share a multiprocessor";
  if ((head <= 64 ? isLight(op) : head <= 96 && isPlain) && fits(128, 64))
    return {128, 64, tall};
  if (head <= 128 && isPlain && fits(128, 48))
    return {128, 48, tall};
  return {64, fits(64, 64) ? 64 : 32,
          "registers are left for regions and masks; two blocks share a "
          "multiprocessor"};
}

void schedule(AttentionOp op, const CUDAScheduleOptions &options,
              tile::TargetAttr target) {
  ScheduleBuilder b(op);
  if (b.keepsGiven(options.tileM, options.tileN))
    return;
  Choice tile = target.has(tile::MatrixUnits::Wgmma)
                    ? getLongTile(op)
                    : getMMATile(op, target.getSharedBytes());
  auto [givenRows, givenKeys] = b.getGivenTile(options.tileM, options.tileN);
  if (givenRows || givenKeys)
    return b.set(givenRows ? givenRows : tile.rows,
                 givenKeys ? givenKeys : tile.keys, /*workers=*/0,
                 "a tile was asked for");
  b.set(tile.rows, tile.keys, /*workers=*/0, tile.reason);
  if (!isSixteenBit(op))
    return;
  // Decoding: all rows that read a key head fit one tile, and keys are many.
  if (!op.isRagged() &&
      !b.chooseSplit(decodeRows, tile.keys, target.getWorkers()))
    return;
  if (tile.rows > 128 && op.hasMaskRegion())
    b.choose(b.atMost(b.queries(), b.constant(shortQueries)), 128, tile.keys,
             /*workers=*/0,
             "taller tiles would waste more below the diagonal of a mask than "
             "they gain");
}

class CUDASchedule final : public impl::CUDAScheduleBase<CUDASchedule> {
public:
  using CUDAScheduleBase::CUDAScheduleBase;

  void runOnOperation() override {
    auto target = tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target) ||
        failed(checkOptions(*this, getOperation(),
                            {{"tile-m", tileM, 0, kLargestTile},
                             {"tile-n", tileN, 0, kLargestTile}})))
      return signalPassFailure();
    if (!target->getSharedBytes() || !target->getWorkers()) {
      getOperation().emitError("cuda-schedule: the target ")
          << target->getName() << " does not tell shared_bytes and workers";
      return signalPassFailure();
    }
    CUDAScheduleOptions options{tileM, tileN};
    FailureOr<unsigned> versions =
        scheduleOps(getOperation(),
                    [&](AttentionOp op) { schedule(op, options, *target); });
    if (failed(versions))
      return signalPassFailure();
    numSchedules += *versions;
  }
};

} // namespace
} // namespace attn
