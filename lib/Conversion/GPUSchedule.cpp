//===- GPUSchedule.cpp - gpu-schedule -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses tile sizes that fit what every GPU has or, with matrix units, what a
// workgroup of the target has, and split keys where queries are few, if the
// target says for how many workers.
//
//===----------------------------------------------------------------------===//

#include "FewRowsLayouts.h"
#include "Matrices.h"
#include "Pieces.h"
#include "Schedule.h"
#include "SharedRows.h"
#include "Staging.h"

#include "attn/Analysis/RowEnds.h"
#include "attn/Conversion/GPUSchedule.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"

#include <numeric>

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_GPUSCHEDULE
#include "attn/Conversion/Passes.h.inc"

namespace {

/// Whether lanes may share all rows of a tile (FewRowsLayouts.h).
bool mayShareFewRows(tile::TargetAttr target, int64_t rows) {
  return rows <= kFewRows && !exchangesInMemory(target) &&
         getSharingLanes(target) >= kFewestSharingLanes;
}
constexpr StringLiteral kFewRowsReason =
    "lanes share few rows, in registers if factors have room there";

/// What a tile of rows and keys takes where products are in matrix fragments of
/// f16 to f32 (tile-assign-layouts), and the threads that compute it.
class FragmentModel {
public:
  FragmentModel(AttentionOp op, tile::TargetAttr target);

  /// The threads that a workgroup may have, best first. Half as many as usual,
  /// of which each subgroup has two fragments of rows: every fragment of keys
  /// and values that it loads serves both. Only heads up to 64 leave it the
  /// registers. On an H100, heads of 64 take 259 TFLOP/s with 128 rows and 32
  /// keys so, causal 193; 236 and 187 with 128 keys and twice the threads.
  SmallVector<int64_t> listThreads(int64_t queries) const;
  FragmentModel withThreads(int64_t number) const {
    FragmentModel model = *this;
    model.threads = number;
    return model;
  }
  bool hasFewThreads() const { return threads < kMatrixThreads; }

  /// Whether there are units for the op.
  bool hasUnits() const { return bool(factor); }
  /// And registers choose its tiles: those of f32 are as large as without.
  bool applies() const { return factor && !factor.isF32(); }
  /// Bytes that a kernel takes of a workgroup's memory. Values are beside keys
  /// if they wait for these and there is room.
  int64_t getBytes(int64_t rows, int64_t keys) const {
    rows = align(rows);
    keys = padding.padCols(keys);
    bool stays = exceedsRegisters(rows, keys, /*stays=*/false) &&
                 hasRoom(getBytes(rows, keys, /*stays=*/true, result,
                                  /*together=*/false));
    int64_t together = getBytes(rows, keys, stays, result,
                                /*together=*/valuesWait(rows, keys));
    return hasRoom(together)
               ? together
               : getBytes(rows, keys, stays, result, /*together=*/false);
  }
  /// Whether values have room beside keys, and threads have the registers; or
  /// queries have room beside keys, and threads the registers for all else.
  bool fits(int64_t rows, int64_t keys) const {
    auto fitsWhere = [&](bool stays) {
      return !exceedsRegisters(rows, keys, stays) &&
             hasRoom(getBytes(rows, keys, stays, result,
                              /*together=*/!stays));
    };
    return rows >= padding.rows &&
           (fitsWhere(/*stays=*/false) || fitsWhere(/*stays=*/true));
  }
  /// Whether values have, in tiles whose sums leave as floats, to be added to
  /// others.
  bool fitsPartial(int64_t rows, int64_t keys) const {
    auto f32 = Float32Type::get(result.getContext());
    return hasRoom(
        getBytes(rows, keys, /*stays=*/false, f32, /*together=*/true));
  }
  bool hasRoom(int64_t bytes) const {
    return bytes <= target.getStaticSharedBytes();
  }
  /// Whether registers hold what the next step multiplies.
  bool readsAhead(int64_t rows, int64_t keys) const {
    int64_t lanes = getLanes(rows);
    return isOpaque || getWaitingPieces(keys * headSize, lanes) +
                               getWaitingPieces(keys * valueSize, lanes) <=
                           kMostWaitingPieces;
  }
  /// More subgroups wait longer for each other where fragments are opaque, and
  /// with more keys fewer workgroups run side by side. On an H100 through Dawn,
  /// TFLOP/s of heads of 64 are 111 with 64 rows and 32 keys, 107 with 16 keys,
  /// 72 with 128 rows, 92 with 32; of heads of 128 102 with 32 keys, 115
  /// with 16. Heads whose fragments leave few registers to others have 32
  /// again, but not in fewer rows: 89 and 78 at 256 columns, 45 and 58 with 32
  /// rows; causal 74 and 58, and at 192 columns 58 and 49.
  int64_t getMostRows() const { return isOpaque ? 64 : 128; }
  int64_t getMostKeys(int64_t rows) const {
    constexpr int64_t fewRegisters = 112, manyRegisters = 160, keys = 32;
    if (isOpaque) {
      int64_t registers = getRegisters(rows, keys, /*stays=*/false);
      bool alone = registers > manyRegisters && rows == getMostRows();
      return registers <= fewRegisters || alone ? keys : keys / 2;
    }
    // Half of what may wait: registers hold more of the rest.
    if (hasFewThreads())
      return llvm::bit_floor<uint64_t>(16 * threads /
                                       std::max(headSize, valueSize));
    return rows < 128 ? 64 : 128;
  }
  /// Rows that fragments are made of.
  int64_t align(int64_t rows) const { return padding.padRows(rows); }
  /// What tile-pad-tiles does to tiles of the op.
  const Padding &getPadding() const { return padding; }

private:
  static constexpr int64_t kMatrixThreads = 256;

  int64_t getSubgroups(int64_t rows) const {
    return std::gcd(rows / padding.rows, threads / target.getSubgroup());
  }
  /// Whether values are read for the next step (tile-prefetch-loads), and
  /// staged before keys are multiplied.
  bool valuesWait(int64_t rows, int64_t keys) const {
    int64_t lanes = getLanes(rows), left = kMostWaitingPieces;
    if (int64_t ofKeys = getWaitingPieces(keys * headSize, lanes);
        hasKeyPieces && ofKeys <= left)
      left -= ofKeys;
    return hasValuePieces && getWaitingPieces(keys * valueSize, lanes) <= left;
  }
  /// Factors of f32 are never what registers lack.
  bool exceedsRegisters(int64_t rows, int64_t keys, bool stays) const {
    return applies() &&
           getRegisters(rows, keys, stays) > getMostRegisters(isOpaque);
  }
  /// Where queries stay in workgroup memory, `stays`, results have elements of
  /// this type, and keys and values are staged together.
  int64_t getBytes(int64_t rows, int64_t keys, bool stays, Type of,
                   bool together) const;
  int64_t getStripBytes(int64_t rows, int64_t keys) const;
  int64_t getRegisters(int64_t rows, int64_t keys, bool stays) const;
  int64_t getLanes(int64_t rows) const {
    return getSubgroups(rows) * target.getSubgroup();
  }

  tile::TargetAttr target;
  bool isOpaque = false, storesLse = false;
  bool hasKeyPieces = false, hasValuePieces = false;
  Type factor, result;
  Padding padding{1, 1};
  int64_t headSize = 0, valueSize = 0;
  int64_t threads = kMatrixThreads;
};

/// Whether tile-prefetch-loads asks for tiles of a tensor an iteration ahead.
static bool comesInPieces(Value tensor, tile::TargetAttr target) {
  auto memory = dyn_cast<MemRefType>(tensor.getType());
  if (!memory)
    return false;
  auto [strides, offset] = memory.getStridesAndOffset();
  return getPieceElements(memory.getElementType(), target,
                          memory.getShape().back(), strides.back()) != 0;
}

FragmentModel::FragmentModel(AttentionOp op, tile::TargetAttr target)
    : target(target) {
  auto q = cast<ShapedType>(op.getQuery().getType());
  auto v = cast<ShapedType>(op.getValue().getType());
  if (!multipliesMatrices(target, q.getElementType()))
    return;
  factor = q.getElementType();
  result = getElementTypeOrSelf(op.getOutput().getType());
  storesLse = bool(op.getLse());
  isOpaque = hasOpaqueMatrices(target);
  hasKeyPieces = comesInPieces(op.getKey(), target);
  hasValuePieces = comesInPieces(op.getValue(), target);
  padding = Padding::of(target);
  headSize = padding.padCols(q.getShape().back());
  valueSize = padding.padCols(v.getShape().back());
}

SmallVector<int64_t> FragmentModel::listThreads(int64_t queries) const {
  // As many rows as half of the threads have.
  constexpr int64_t longRows = 128, mostColumns = 64, fewestRows = 16;
  bool mayBeFew = !isOpaque && padding.rows >= fewestRows &&
                  std::max(headSize, valueSize) <= mostColumns &&
                  (ShapedType::isDynamic(queries) || queries >= longRows);
  if (mayBeFew)
    return {kMatrixThreads / 2, kMatrixThreads};
  return {kMatrixThreads};
}

int64_t FragmentModel::getStripBytes(int64_t rows, int64_t keys) const {
  ArrayRef<int64_t> shape = target.getMatrixShape();
  Matrices matrices{shape[0], shape[1], shape[2], getSubgroups(rows)};
  constexpr int64_t mostColumns = 64;
  if (isOpaque)
    matrices.stripColumns = std::gcd(std::gcd(keys, valueSize), mostColumns);
  return attn::getStripBytes(matrices, target);
}

/// In the order of a kernel: queries before the loop, if they do not stay; in
/// it keys and values, together if values wait for it; weights, where fragments
/// are opaque, and nothing waits. Results leave at last.
int64_t FragmentModel::getBytes(int64_t rows, int64_t keys, bool stays, Type of,
                                bool together) const {
  SmallVector<StagedTile> staged;
  auto add = [&](ArrayRef<int64_t> shape, Type element, int64_t begin,
                 int64_t end) {
    auto tile = tile::TileType::get(element.getContext(), shape, element);
    staged.push_back(StagedTile::of(tile.withLayout(getStagedLayout(tile)),
                                    target, begin, end));
  };
  constexpr int64_t loop = 1, weights = 2, values = 3, end = 4;
  together &= !isOpaque;
  add({rows, headSize}, factor, /*begin=*/0, stays ? end : loop);
  add({keys, headSize}, factor, loop, together ? end : weights);
  if (isOpaque)
    add({rows, keys}, factor, weights, end);
  add({keys, valueSize}, factor, together ? loop : values, end);
  if (!isOpaque)
    add({rows, valueSize}, of, end, end + 1);
  if (!isOpaque && storesLse)
    add({rows}, Float32Type::get(of.getContext()), end + 1, end + 2);
  return StagedBuffers(staged).getNumBytes(target) + getStripBytes(rows, keys);
}

int64_t FragmentModel::getRegisters(int64_t rows, int64_t keys,
                                    bool stays) const {
  FragmentNeeds needs;
  needs.readWords = rows * headSize / 2;
  needs.words = needs.readWords + rows * (valueSize + keys + keys / 2);
  needs.waiting = {keys * headSize, keys * valueSize};
  return needs.getRegisters(getLanes(rows), isOpaque, stays);
}

/// What a tile of rows and keys takes where lanes share rows and factors of
/// products stand in workgroup memory (tile-assign-layouts), or fragments of
/// f32 are as large.
class SharedRowsModel {
public:
  SharedRowsModel(AttentionOp op, tile::TargetAttr target)
      : target(target), headSize(getColumns(op.getQuery())),
        valueSize(getColumns(op.getValue())),
        type(getElementTypeOrSelf(op.getQuery().getType())),
        valueType(getElementTypeOrSelf(op.getValue().getType())),
        fragments(op, target), queriesInMemory(canStayInMemory(op.getQuery())) {
  }

  bool fits(int64_t rows, int64_t keys) const {
    int64_t most = target.getStaticSharedBytes();
    // So many that several workgroups have room side by side: on an H100, f32
    // with heads of 64 takes 25.7 TFLOP/s with 32 keys in 18 KiB, 24.1 with 64
    // in 34; with heads of 128 22.4 with 32 in 26, 20.4 with 16 in 13; f16 with
    // heads of 256 27.8 with 32 in 21, 17.9 with 16. Fewer rows are for keys
    // that workgroups share.
    int64_t enough = (rows > kGPUTileRows ? 28 : 20) * 1024;
    return getBytes(rows, keys) <=
           (queriesInMemory ? std::min(most, enough) : most);
  }
  int64_t getBytes(int64_t rows, int64_t keys) const;
  /// Whether its units compute a tile.
  bool hasFragments(int64_t rows, int64_t keys) const {
    return fragments.hasUnits() && !mayShareFewRows(target, rows) &&
           fragments.hasRoom(fragments.getBytes(rows, keys));
  }

  /// Whether threads have twice as many rows as elsewhere: each element that is
  /// read and converted serves more products. On an H100 f16 with heads of 64
  /// takes 30.2 TFLOP/s with 128 rows, 28.5 with 64, with heads of 128 28.9 and
  /// 28.3, causal 29.6 and 29.2; f32, of which nothing is converted, 23.7 and
  /// 26.8.
  bool takesWideBlocks(int64_t rows, int64_t keys) const {
    constexpr int64_t mostColumns = 128, lanes = 32;
    return queriesInMemory && type.isF16() && valueSize <= mostColumns &&
           target.getSubgroup() >= lanes && fits(rows, keys);
  }

private:
  static int64_t getColumns(Value tensor) {
    return cast<ShapedType>(tensor.getType()).getShape().back();
  }
  /// Whether tile-assign-layouts leaves a tile of it in memory.
  bool canStayInMemory(Value query) const;

  tile::TargetAttr target;
  int64_t headSize, valueSize;
  Type type, valueType;
  FragmentModel fragments;
  bool queriesInMemory;
};

bool SharedRowsModel::canStayInMemory(Value query) const {
  auto memory = dyn_cast<MemRefType>(query.getType());
  if (!memory ||
      !hasVectors(tile::TileType::get(type.getContext(), {1, headSize}, type),
                  target))
    return false;
  auto [strides, offset] = memory.getStridesAndOffset();
  return strides.back() == 1 &&
         llvm::all_of(ArrayRef(strides).drop_back(), [](int64_t stride) {
           return ShapedType::isDynamic(stride) ||
                  stride % kVectorElements == 0;
         });
}

/// Queries stay, if not in memory; keys make room for values and their weights.
/// And what threads exchange by.
int64_t SharedRowsModel::getBytes(int64_t rows, int64_t keys) const {
  if (hasFragments(rows, keys))
    return fragments.getBytes(rows, keys);
  MLIRContext *context = type.getContext();
  Padding padding{1, 1};
  if (!mayShareFewRows(target, rows))
    padding = fragments.getPadding();
  auto tile = [&](int64_t tileRows, int64_t cols, Type element) {
    return tile::TileType::get(context, {tileRows, cols}, element);
  };
  RowThreads threads = chooseRowThreads(target, padding.padRows(rows));
  SmallVector<StagedTile> staged;
  auto add = [&](tile::TileType of, tile::SharedAttr layout, int64_t begin,
                 int64_t end) {
    staged.push_back(StagedTile::of(of.withLayout(layout), target, begin, end));
  };
  auto query = tile(rows, headSize, type), key = tile(keys, headSize, type);
  bool hasKeyVectors = hasVectors(key, target);
  auto layoutOf = [&](tile::TileType factor, bool isVector) {
    return isVector ? getVectorLayout(factor) : getSharedLayout(factor);
  };
  constexpr int64_t scores = 1, products = 3, end = 4;
  if (!queriesInMemory)
    add(query, layoutOf(query, hasKeyVectors), /*begin=*/0, end);
  add(key, layoutOf(key, hasKeyVectors), scores, scores + 1);
  auto value = tile(keys, valueSize, valueType);
  bool hasValueVectors =
      hasVectors(value, target) && valueSize != keys &&
      computesVectors(tile(rows, valueSize, valueType), threads);
  add(value, layoutOf(value, hasValueVectors), products, products + 1);
  auto weights = tile(rows, keys, valueType);
  bool folds = hasValueVectors && isFoldable(weights, target, threads);
  add(weights, folds ? getFoldedLayout(weights) : getSharedLayout(weights),
      products, products + 1);
  int64_t bytes = StagedBuffers(staged).getNumBytes(target);
  if (exchangesInMemory(target))
    bytes += getExchangeBytes(threads.getNumber());
  return bytes;
}

class GPUSchedule final : public impl::GPUScheduleBase<GPUSchedule> {
public:
  using GPUScheduleBase::GPUScheduleBase;

  void runOnOperation() override {
    if (failed(checkOptions(*this, getOperation(),
                            {{"tile-m", tileM, 0, kLargestTile},
                             {"tile-n", tileN, 0, kLargestTile}})))
      return signalPassFailure();
    auto target = tile::TargetAttr::lookup(getOperation());
    // Each kernel that an op becomes would say this again.
    WalkResult checked = getOperation().walk(
        [&](AttentionOp op) -> WalkResult { return checkThreads(op, target); });
    if (checked.wasInterrupted())
      return signalPassFailure();
    FailureOr<unsigned> versions = scheduleOps(
        getOperation(), [&](AttentionOp op) { schedule(op, target); });
    if (failed(versions))
      return signalPassFailure();
    numSchedules += *versions;
  }

private:
  static constexpr int64_t keys = 32;
  /// Where subgroups divide the keys of a workgroup (tile-share-loops): so many
  /// of them at most, each with tiles of so many keys; and how many of them are
  /// worth one that reads keys alone. On an H100, 8 times 8192 keys take
  /// 20.4 us in tiles of 8 (64 launches in one command buffer), 21.3 in tiles
  /// of 4, more in those of 16, and 16 sequences 185 and 204. By 8 subgroups in
  /// twice as many workgroups they take 1 to 2 us more. Without sharing, 37 and
  /// 233. In f32 a machine has registers for 8.
  static constexpr int64_t sharingSubgroups = 16, sharedKeys = 8,
                           subgroupsOfWorker = 2;

  /// Subgroups of a workgroup that divide the keys of an op.
  static int64_t getSharingSubgroups(AttentionOp op, tile::TargetAttr target) {
    bool isF32 = getElementTypeOrSelf(op.getQuery().getType()).isF32();
    return std::min(isF32 ? sharingSubgroups / 2 : sharingSubgroups,
                    target.getThreads() / target.getSubgroup());
  }

  /// The most rows up to 128, and then keys, that a workgroup has room for:
  /// each row more reads keys and values less often. None has no rows.
  static std::pair<int64_t, int64_t> chooseFragments(const FragmentModel &model,
                                                     int64_t queries) {
    // On an H100, heads of 64 reach 138 TFLOP/s with 128 rows, 122 with 256: a
    // subgroup with two fragments of rows leaves its driver no registers.
    for (int64_t most : {128, 64, 32, 16}) {
      if (most > model.getMostRows())
        continue;
      int64_t rows = most;
      // Without queries a tile has the rows of a matrix.
      if (ShapedType::isStatic(queries))
        rows = std::min(rows, static_cast<int64_t>(llvm::bit_ceil<uint64_t>(
                                  model.align(std::max<int64_t>(queries, 1)))));
      for (int64_t columns = model.getMostKeys(rows); columns >= 16;
           columns /= 2)
        if (model.fits(rows, columns))
          return {rows, columns};
    }
    return {0, 0};
  }

  static bool scheduleFragments(ScheduleBuilder &b, AttentionOp op,
                                tile::TargetAttr target,
                                const FragmentModel &anyModel) {
    int64_t queries = op.getQueryLength();
    for (int64_t threads : anyModel.listThreads(queries)) {
      FragmentModel model = anyModel.withThreads(threads);
      auto [rows, columns] = chooseFragments(model, queries);
      if (!rows)
        continue;
      std::string reason =
          "rows and keys in matrix fragments that fit the registers of " +
          std::to_string(threads) + " threads; they take " +
          std::to_string(model.getBytes(rows, columns)) +
          " bytes of a workgroup's memory";
      if (mayShareFewRows(target, rows))
        reason = kFewRowsReason.str();
      b.set(rows, columns, /*workers=*/0, reason,
            model.hasFewThreads() ? threads : 0);
      return true;
    }
    return false;
  }

  /// The tile that fits a workgroup's memory: as many products of rows and keys
  /// as possible, then rows. None has no rows.
  static std::pair<int64_t, int64_t>
  chooseSharedRows(AttentionOp op, tile::TargetAttr target, int64_t most) {
    std::pair<int64_t, int64_t> best{0, 0};
    if (!target || !target.getSubgroup() || !target.getStaticSharedBytes())
      return best;
    SharedRowsModel model(op, target);
    // Lanes that read pieces have as many rows as threads elsewhere.
    if (!measuresMemory(target) && model.fits(most, keys))
      return {most, keys};
    for (int64_t rows = most; rows > 0; rows /= 2)
      for (int64_t columns : {keys, keys / 2, keys / 4})
        if (rows * columns > best.first * best.second &&
            model.fits(rows, columns))
          best = {rows, columns};
    return best;
  }

  static std::string describeSharedRows(AttentionOp op, tile::TargetAttr target,
                                        int64_t rows, int64_t keys) {
    SharedRowsModel model(op, target);
    if (mayShareFewRows(target, rows))
      return kFewRowsReason.str();
    return (model.hasFragments(rows, keys) ? "rows are in matrix fragments"
                                           : "lanes share rows") +
           ("; queries, keys and values of this many take " +
            std::to_string(model.getBytes(rows, keys)) +
            " bytes of a workgroup's memory");
  }

  /// Threads that a schedule gives, where lanes share rows.
  LogicalResult checkThreads(AttentionOp op, tile::TargetAttr target) {
    auto given = ScheduleAttr::of(op);
    if (!given || !given.getThreads() || !target || !target.getSubgroup())
      return success();
    return checkOptions(*this, op, getThreadsRange(target, given.getThreads()));
  }

  void schedule(AttentionOp op, tile::TargetAttr target) {
    ScheduleBuilder b(op);
    if (b.keepsGiven(tileM, tileN))
      return;
    auto [givenRows, givenKeys] = b.getGivenTile(tileM, tileN);
    bool isGiven = givenRows || givenKeys;
    FragmentModel model(op, target);
    if (isGiven || !model.applies() || !scheduleFragments(b, op, target, model))
      scheduleThreads(b, op, target, givenRows, givenKeys);
    if (!isGiven && target && target.getWorkers())
      scheduleFewRows(b, op, target, model);
  }

  /// Few queries need no more threads.
  static void scheduleThreads(ScheduleBuilder &b, AttentionOp op,
                              tile::TargetAttr target, int64_t givenRows,
                              int64_t givenKeys) {
    int64_t rows = kGPUTileRows, queries = op.getQueryLength();
    if (ShapedType::isStatic(queries))
      rows = std::clamp<int64_t>(queries, 1, rows);
    if (givenRows || givenKeys)
      return b.set(givenRows ? givenRows : rows, givenKeys ? givenKeys : keys,
                   /*workers=*/0, "a tile was asked for");
    // More threads for as many keys and values, where lanes have shuffles; and
    // rows for as many threads.
    constexpr int64_t wideRows = 64, wideBlocks = 128;
    int64_t mostRows = rows, threads = 0;
    if (target && measuresMemory(target) && !exchangesInMemory(target) &&
        !isImitated(target) && rows == kGPUTileRows)
      mostRows = wideRows;
    auto shared = chooseSharedRows(op, target, mostRows);
    bool fillsBlocks = ShapedType::isDynamic(queries) || queries >= wideBlocks;
    // Elsewhere masks leave more tiles out where these have fewer rows: on an
    // H100 f16 with a window of 1024 takes 24.9 TFLOP/s with 64, 23.3 with 128.
    if (mostRows == wideRows && fillsBlocks && mask::endsWithRows(op) &&
        SharedRowsModel(op, target).takesWideBlocks(wideBlocks, keys)) {
      shared = {wideBlocks, keys};
      threads = wideBlocks;
    }
    if (shared.first)
      return b.set(shared.first, shared.second, /*workers=*/0,
                   describeSharedRows(op, target, shared.first, shared.second),
                   threads);
    b.set(rows, keys, /*workers=*/0,
          "a row a thread, whose registers hold it; a workgroup of every "
          "device has memory for this many keys and values");
  }

  /// Decoding: lanes of a subgroup compute with few rows together, or tiles
  /// hold the queries of several heads.
  static void scheduleFewRows(ScheduleBuilder &b, AttentionOp op,
                              tile::TargetAttr target,
                              const FragmentModel &model) {
    bool isInRegisters = target.getSubgroup() >= kFewestSharingLanes;
    // One kernel for a few rows: text is small.
    bool sharesRows = isInRegisters || !readsPieces(target);
    if (op.isRagged()) {
      if (sharesRows)
        b.choose(
            b.atMost(b.queries(), b.multiply(b.extent(op.getCuSeqlensQ(), 0),
                                             b.constant(kFewRows))),
            kFewRows, keys, /*workers=*/0,
            "a few queries of a sequence, which lanes share");
      return;
    }
    // No more rows than there are. Rows that are not there take as long: on an
    // H100, 4 rows over 16 times 8192 keys take 234 us in tiles of 4, 441 us in
    // tiles of 8, so that where a launch knows them there is a kernel for each.
    SmallVector<int64_t> few{kFewRows / 2, kFewRows};
    int64_t most = kGPUTileRows;
    if (APInt known; matchPattern(b.packedRows(), m_ConstantInt(&known))) {
      int64_t rows = std::max<int64_t>(known.getSExtValue(), 1);
      few = {std::min(kFewRows, rows)};
      if (rows <= kFewRows)
        most = 0;
    }
    if (sharesRows)
      for (int64_t rows : few) {
        int64_t columns = keys, workers = target.getWorkers(), threads = 0;
        if (isInRegisters) {
          int64_t subgroups = getSharingSubgroups(op, target);
          columns = sharedKeys;
          threads = subgroups * target.getSubgroup();
          workers =
              std::max<int64_t>(workers * subgroupsOfWorker / subgroups, 1);
        }
        if (!isInRegisters)
          if (auto [fewRows, fewKeys] = chooseSharedRows(op, target, rows);
              fewRows)
            columns = fewKeys;
        if (!b.chooseSplit(rows, columns, workers, threads))
          return;
      }
    // Pages load text: another version is for devices that gain most by it.
    if (!most || (!readsPieces(target) && !isInRegisters))
      return;
    auto [rows, partialKeys] = model.applies()
                                   ? getPartialTile(model, most)
                                   : chooseSharedRows(op, target, most);
    // What has no room is read from memory.
    if (!rows && readsPieces(target))
      rows = most, partialKeys = keys;
    if (!rows)
      return;
    // On an H100, 32 rows in fragments over 8 times 8192 keys take 83 us with
    // 256 workgroups, 109 with 512, 120 with 128. Rows that several subgroups
    // share are as many.
    constexpr int64_t subgroupsOfRows = 4;
    bool sharesSubgroups = model.applies() || !readsPieces(target);
    b.chooseSplit(rows, partialKeys,
                  target.getWorkers() /
                      (sharesSubgroups ? subgroupsOfRows : 1));
  }

  /// As many rows, up to `most`, and keys as a workgroup has memory for; half
  /// the keys if they are read ahead then. On an H100, 32 rows over 8 times
  /// 8192 keys take 61 us in tiles of 32 keys, 42 in tiles of 16.
  static std::pair<int64_t, int64_t> getPartialTile(const FragmentModel &model,
                                                    int64_t most) {
    for (int64_t columns : {keys, keys / 2})
      for (int64_t rows = most; rows > 0 && model.align(rows) == rows;
           rows /= 2)
        if (model.fitsPartial(rows, columns))
          return {rows, columns == keys && !model.readsAhead(rows, keys) &&
                                model.readsAhead(rows, keys / 2)
                            ? keys / 2
                            : columns};
    return {most, keys};
  }
};

} // namespace
} // namespace attn
