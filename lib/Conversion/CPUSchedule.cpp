//===- CPUSchedule.cpp - cpu-schedule -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses tile sizes for the vectors and caches of a CPU, and packed heads and
// split keys where queries are few. Where that depends on sizes that only a
// launch knows, the op is cloned below conditions on them.
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"
#include "TileToCPU/RegisterLimits.h"

#include "attn/Analysis/RowEnds.h"
#include "attn/Conversion/CPUSchedule.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_CPUSCHEDULE
#include "attn/Conversion/Passes.h.inc"

namespace {

/// Rows of a tile where queries are many: their vectors and those of the
/// columns they are multiplied with fill the registers.
constexpr int64_t longRows = 64;
/// The same where each query tile widens the keys and values it reads to f32,
/// which is then done half as often. Masks have their edge in all of the rows.
constexpr int64_t wideningRows = 128;
/// The same in tile registers: what packs keys and values is paid for by as
/// many products.
constexpr int64_t packedRows = 256;
/// The same without a mask, or with one whose edge is in all of the rows, where
/// tiles of so many rows are enough for threads: more without a mask, since its
/// first rows pack what others need.
constexpr int64_t morePackedRows = 512, mostPackedRows = 1024, enoughTiles = 16;
/// Largest tiles that may be asked for: a tile has to fit the stack.
constexpr int64_t mostRows = 1024, mostKeys = 4096;

class Scheduler {
public:
  Scheduler(AttentionOp op, CPUScheduleOptions options, tile::TargetAttr target)
      : op(op), options(options), target(target),
        lanes(target.getVectorBits() / 32) {}

  void run();

private:
  int64_t getKeys(int64_t rows);
  int64_t getKeysOfFew();
  int64_t getKeysOfStrip();
  void chooseMorePackedRows(ScheduleBuilder &b);
  /// Whether many rows are multiplied in tile registers.
  bool usesTileRegisters() {
    return target.has(tile::MatrixUnits::Amx) &&
           llvm::all_of(
               ValueRange{op.getQuery(), op.getKey(), op.getValue()},
               [](Value operand) {
                 return getElementTypeOrSelf(operand.getType()).isBF16();
               });
  }
  /// Whether a product of keys should find all queries in L1 beside its scores.
  /// Intel's cores from Ice Lake on, with 48 KiB of it, then take 0.94 to 1.01
  /// of the time; where L2 is as fast for that, more keys are, and in f32 where
  /// heads of 128 leave room for 48 keys: 144 take 0.92, 0.92 and 1.00 (4096
  /// keys) and 0.99 (1024). Copies of f16, which take more of L1, take 1.02.
  bool keepsQueriesInL1() {
    return target.getL1Bytes() >= 48 << 10 &&
           !target.isFast(tile::Fast::L2Loads);
  }
  /// Whether keys are copied to f32, and every copy is of use to all queries.
  bool widensWholeTiles() {
    return !op.hasMaskRegion() &&
           getElementTypeOrSelf(op.getKey().getType()).isF16();
  }
  /// Most rows of a tile.
  int64_t getMostRows() {
    if (usesTileRegisters())
      return packedRows;
    return widensWholeTiles() ? wideningRows : longRows;
  }
  /// Rows of a tile that holds so many: whole vectors of them, or what there
  /// are if they are fewer than a vector.
  int64_t rowsFor(int64_t rows) {
    rows = std::max<int64_t>(rows, 1);
    return rows <= lanes ? rows : llvm::alignTo(rows, lanes);
  }

  AttentionOp op;
  CPUScheduleOptions options;
  tile::TargetAttr target;
  int64_t lanes;
};

/// Keys of a tile with so many rows: the scores take three quarters of L1, or
/// what queries leave of it, and f32 copies of keys and values half of L2, in
/// whole register blocks.
int64_t Scheduler::getKeys(int64_t rows) {
  if (options.tileN)
    return options.tileN;
  if (usesTileRegisters())
    return getKeysOfStrip();
  // Of 24 columns at most, and of vectors of 16 lanes where keys are rows.
  constexpr int64_t blockColumns = 48;
  int64_t scores = target.getL1Bytes() * 3 / 4 / (rows * sizeof(float));
  // Fewer than two blocks would pass through the sums too often, if they are
  // not copied.
  int64_t left =
      target.getL1Bytes() / (rows * sizeof(float)) - op.getQkHeadSize();
  bool isCopied = !getElementTypeOrSelf(op.getKey().getType()).isF32();
  if (keepsQueriesInL1() && (isCopied || left >= 2 * blockColumns))
    scores = std::min(scores, left);
  int64_t heads =
      std::max<int64_t>(1, op.getQkHeadSize() + op.getValueHeadSize());
  int64_t copies = target.getL2Bytes() / 2 / (heads * sizeof(float));
  return std::max<int64_t>(blockColumns, std::min({scores, copies, mostKeys}) /
                                             blockColumns * blockColumns);
}

/// Keys of a tile with at most a vector of rows. Each is read once, and those
/// of the next product are on their way to L1 meanwhile: keys, or values, take
/// a sixth of it, but are so many that rescaling the sums and reducing the
/// rows, once a tile, takes little beside its products.
int64_t Scheduler::getKeysOfFew() {
  constexpr int64_t fewest = 32, most = 128;
  if (options.tileN)
    return options.tileN;
  auto bitsOf = [](Value operand, int64_t columns) {
    Type element = getElementTypeOrSelf(operand.getType());
    return columns * int64_t(element.getIntOrFloatBitWidth());
  };
  int64_t rowBits =
      std::max<int64_t>({bitsOf(op.getKey(), op.getQkHeadSize()),
                         bitsOf(op.getValue(), op.getValueHeadSize()), 1});
  int64_t keys = target.getL1Bytes() * 8 / 6 / rowBits;
  return std::clamp(keys / fewest * fewest, fewest, most);
}

/// Keys of a tile in tile registers: f32 scores of a strip take a sixth of L1,
/// since weights of several tiles and sums are there, too, and a store that
/// misses takes four times as long.
int64_t Scheduler::getKeysOfStrip() {
  constexpr int64_t fewest = 32;
  int64_t keys = target.getL1Bytes() / 6 / (cpu::kStripRows * sizeof(float));
  return std::max(keys / fewest * fewest, fewest);
}

/// Packing is shared by more rows where queries are many.
void Scheduler::chooseMorePackedRows(ScheduleBuilder &b) {
  if (!mask::endsWithRows(op) || op.isRagged())
    return;
  auto dims = AttentionOp::getDimMap(op.getQueryLayout());
  Value tasks = b.multiply(b.extent(op.getQuery(), dims.b),
                           b.extent(op.getQuery(), dims.h));
  Value all = b.multiply(b.queries(), tasks);
  int64_t most = op.hasMaskRegion() ? morePackedRows : mostPackedRows;
  for (int64_t rows = most; rows >= morePackedRows; rows /= 2)
    if (!b.choose(b.both(b.atMost(b.constant(rows / 2 + 1), b.queries()),
                         b.atMost(b.constant(enoughTiles * rows), all)),
                  rows, getKeys(rows), /*workers=*/0,
                  "products are computed in tile registers; packed keys and "
                  "values are shared by all rows of a tile, of which there are "
                  "enough for threads; what a strip of rows stores fits L1"))
      return;
}

void Scheduler::run() {
  ScheduleBuilder b(op);
  if (b.keepsGiven(options.tileM, options.tileN))
    return;
  auto [givenRows, givenKeys] = b.getGivenTile(options.tileM, options.tileN);
  options.tileN = givenKeys;
  int64_t queries = op.getQueryLength();
  int64_t mostOfMany = getMostRows();
  int64_t rows = givenRows ? givenRows : mostOfMany;
  if (!givenRows && !ShapedType::isDynamic(queries))
    rows = std::min(rows, rowsFor(queries));
  bool inRegisters = usesTileRegisters() && rows > lanes;
  auto fitting = [&](const Twine &why) {
    return (why + "; their scores fit L1, copies of keys and values L2").str();
  };
  auto keysOf = [&](int64_t rows) {
    return rows <= lanes ? getKeysOfFew() : getKeys(rows);
  };
  if (givenRows || givenKeys)
    return b.set(rows, keysOf(rows), /*workers=*/0, "a tile was asked for");
  StringRef reason =
      inRegisters ? "products are computed in tile registers; packed keys and "
                    "values are shared by all rows of a tile; what a strip "
                    "of rows stores fits L1"
                  : "vectors of queries and the columns they are multiplied "
                    "with fill the registers";
  if (rows < mostOfMany)
    b.set(rows, keysOf(rows), /*workers=*/0,
          fitting("there are no more queries"));
  else
    b.set(rows, keysOf(rows), /*workers=*/0,
          inRegisters ? reason.str() : fitting(reason));
  if (inRegisters)
    chooseMorePackedRows(b);

  if (op.isRagged()) {
    // Sequences of a few queries each, as in decoding: one vector of rows is
    // enough for the average one.
    Value rowsInVectors =
        b.multiply(b.extent(op.getCuSeqlensQ(), 0), b.constant(lanes));
    b.choose(b.atMost(b.queries(), rowsInVectors), lanes, keysOf(lanes),
             /*workers=*/0,
             fitting("a vector of queries holds the average sequence"));
    return;
  }
  Value packed = b.packedRows();
  APInt known;
  bool isKnown = matchPattern(packed, m_ConstantInt(&known));
  int64_t fewest =
      isKnown ? std::min(lanes, rowsFor(known.getSExtValue())) : lanes;
  if (!b.choose(b.atMost(packed, b.constant(lanes)), fewest, keysOf(fewest),
                target.getWorkers(),
                fitting("a vector holds the queries of all heads of a key "
                        "head")))
    return;
  // Otherwise, heads are worth packing where there are several.
  Value heads = b.packedHeads();
  if (matchPattern(heads, m_One()))
    return;
  int64_t few =
      isKnown ? std::min(longRows, rowsFor(known.getSExtValue())) : longRows;
  b.choose(b.both(b.atMost(packed, b.constant(longRows)),
                  b.manyEnoughToSplit(b.multiply(b.keys(), heads))),
           few, getKeys(few), target.getWorkers(),
           fitting("a tile holds the queries of all heads of a key head, and "
                   "keys are many"));
}

class CPUSchedule final : public impl::CPUScheduleBase<CPUSchedule> {
public:
  using CPUScheduleBase::CPUScheduleBase;

  void runOnOperation() override {
    auto target = tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    if (!target->getVectorBits() || !target->getL1Bytes() ||
        !target->getL2Bytes() || !target->getWorkers()) {
      getOperation().emitError("cpu-schedule: the target ")
          << target->getName()
          << " does not tell vector_bits, l1_bytes, l2_bytes and workers";
      return signalPassFailure();
    }
    int64_t lanes = target->getVectorBits() / 32;
    std::string unit = llvm::formatv("the {0} lanes of a vector of {1} bits",
                                     lanes, target->getVectorBits());
    if (failed(checkOptions(*this, getOperation(),
                            {{"tile-m", tileM, 0, mostRows, lanes, unit},
                             {"tile-n", tileN, 0, mostKeys, lanes, unit}})))
      return signalPassFailure();
    CPUScheduleOptions options{tileM, tileN};
    FailureOr<unsigned> versions =
        scheduleOps(getOperation(), [&](AttentionOp op) {
          Scheduler(op, options, *target).run();
        });
    if (failed(versions))
      return signalPassFailure();
    numSchedules += *versions;
    // Sizes that no condition asks for in the end.
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};

} // namespace
} // namespace attn
