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

#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
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

/// Tile sizes for long sequences: the accumulator and the scores of 64 rows
/// must fit the registers of a warpgroup, keys and values of two stages and q
/// shared memory.
std::pair<int64_t, int64_t> getLongTile(AttentionOp op) {
  // The plain path: one row a thread, tiles in 48 KiB of shared memory.
  if (!isSixteenBit(op))
    return {64, 32};
  int64_t head = std::max(op.getQkHeadSize(), op.getValueHeadSize());
  // Three consumers hide the exponentials, which take as long as the products
  // for small heads, but have fewer registers each.
  if (head <= 64 && isLight(op))
    return {192, 128};
  if (head <= 128)
    return {128, 128};
  if (head <= 192)
    return {128, 96};
  return {128, 64};
}

/// Tile sizes for mma.sync: the best ones of which a multiprocessor has shared
/// memory for two blocks, if each has one buffer of keys and values.
std::pair<int64_t, int64_t> getMMATile(AttentionOp op, int64_t sharedBytes) {
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
  // Of 128 rows a warp has 32 and reads keys and values half as often. Larger
  // heads leave registers for that only where nothing else needs them, and a
  // mask wastes more of a taller tile.
  int64_t head = std::max(qk, v);
  bool isPlain = !op.hasScoreRegion() && !op.hasMaskRegion() &&
                 !op.getKvLen() && !op.isPaged() && !op.isRagged();
  if ((head <= 64 ? isLight(op) : head <= 96 && isPlain) && fits(128, 64))
    return {128, 64};
  if (head <= 128 && isPlain && fits(128, 48))
    return {128, 48};
  return {64, fits(64, 64) ? 64 : 32};
}

void schedule(AttentionOp op, const CUDAScheduleOptions &options) {
  if (op->hasAttr(ScheduleAttr::attributeName))
    return;
  auto [tileM, tileN] =
      options.mma ? getMMATile(op, options.sharedBytes) : getLongTile(op);
  ScheduleBuilder b(op);
  if (options.tileM || options.tileN) {
    b.set(options.tileM ? options.tileM : tileM,
          options.tileN ? options.tileN : tileN, /*workers=*/0);
    return;
  }
  b.set(tileM, tileN, /*workers=*/0);
  if (!isSixteenBit(op))
    return;
  // Decoding: all rows that read a key head fit one tile, and keys are many.
  if (!op.isRagged() &&
      !b.choose(b.both(b.atMost(b.packedRows(), b.constant(decodeRows)),
                       b.manyEnoughToSplit(b.keys())),
                decodeRows, tileN, options.multiprocessors))
    return;
  if (tileM > 128 && op.hasMaskRegion())
    b.choose(b.atMost(b.queries(), b.constant(shortQueries)), 128, tileN,
             /*workers=*/0);
}

class CUDASchedule final : public impl::CUDAScheduleBase<CUDASchedule> {
public:
  using CUDAScheduleBase::CUDAScheduleBase;

  void runOnOperation() override {
    if (failed(checkOptions(
            *this, getOperation(),
            {{"tile-m", tileM, 0, kLargestTile},
             {"tile-n", tileN, 0, kLargestTile},
             {"multiprocessors", multiprocessors, 1, kMostWorkers},
             {"shared-bytes", sharedBytes, 0, tensorcore::maxSharedBytes}})))
      return signalPassFailure();
    CUDAScheduleOptions options;
    options.tileM = tileM;
    options.tileN = tileN;
    options.multiprocessors = multiprocessors;
    options.mma = mma;
    options.sharedBytes = sharedBytes;
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops) {
      if (!isa<MemRefType>(op.getQuery().getType())) {
        op.emitOpError("is on tensors; bufferize it first");
        return signalPassFailure();
      }
      schedule(op, options);
    }
  }
};

} // namespace
} // namespace attn
