//===- SplitKeys.cpp - tile-split-keys ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks share the keys of a query tile (split-KV; Dao et al. 2023,
// Flash-Decoding): the loops of a grid that stores the states of rows run over
// a part of the key tiles, and the grid that reads the states combines those of
// all parts.
//
//===----------------------------------------------------------------------===//

#include "OnlineSoftmax.h"
#include "Tiling/RowState.h"

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/Passes.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "tile-split-keys"

namespace attn {
#define GEN_PASS_DEF_SPLITKEYS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::TileType;

namespace {

/// A tile of row states on its way through memory.
struct Passage {
  tile::StoreOp store; ///< in the grid with the loops
  tile::LoadOp load;   ///< of one row, in the grid over rows
  memref::AllocOp memory;
};

/// Splits the keys of one grid.
class KeySplitter {
public:
  explicit KeySplitter(scf::ForallOp grid) : grid(grid) {}

  /// Recognises the form; says in `problem` what is missing.
  bool match();
  void split(int64_t workers);

  StringRef problem;

private:
  bool matchGrid();
  bool matchLoops();
  bool matchPassage(Value result, Passage &passage);
  bool fail(StringRef why) {
    problem = why;
    return false;
  }
  Value countKeyTiles(ImplicitLocOpBuilder &b);
  Value chooseParts(ImplicitLocOpBuilder &b, Value tiles, Value keyTiles,
                    int64_t workers);
  /// Memory with a dimension of parts after the rows, and the same memory with
  /// that dimension in front of them.
  struct PartMemory {
    Value byRow, byPart;
  };
  PartMemory addParts(ImplicitLocOpBuilder &b, Passage &passage, Value parts);
  Block::iterator findFirstUse(Block &body);
  void splitLoops(ImplicitLocOpBuilder &b, Value part, Value parts);
  int64_t choosePartsAtOnce(Operation *next);
  void combineParts(ImplicitLocOpBuilder &b, const StoredStates &states,
                    int64_t partsAtOnce);
  void storePart(Passage &passage, Value memory, Value part);

  scf::ForallOp grid, rowGrid;
  OnlineSoftmax softmax;
  Passage max, sum, acc;
};

} // namespace

//===----------------------------------------------------------------------===//
// The form
//===----------------------------------------------------------------------===//

bool KeySplitter::match() {
  if (!matchGrid() || !matchLoops())
    return false;
  scf::ForOp sums = softmax.sumLoop;
  if (!matchPassage(softmax.maxLoop.getResult(0), max) ||
      !matchPassage(sums.getResult(0), sum) ||
      !matchPassage(sums.getResult(1), acc))
    return false;
  rowGrid = max.load->getParentOfType<scf::ForallOp>();
  if (!rowGrid || rowGrid->getBlock() != grid->getBlock() ||
      !grid->isBeforeInBlock(rowGrid))
    return fail("the states are not read by a later grid");
  if (sum.load->getBlock() != max.load->getBlock() ||
      acc.load->getBlock() != max.load->getBlock() ||
      sum.load.getIndices() != max.load.getIndices() ||
      acc.load.getIndices().drop_back() != max.load.getIndices() ||
      max.load.getType() != sum.load.getType() ||
      max.load.getType().getShape()[0] != acc.load.getType().getShape()[0])
    return fail("the states of a row are not read together");
  // Whatever else the grid writes would be written by each part.
  bool writes = false;
  grid->walk([&](Operation *op) {
    if (isa<tile::StoreOp, memref::StoreOp>(op))
      writes |= op != softmax.store && op != max.store && op != sum.store &&
                op != acc.store;
  });
  return !writes || fail("it stores more than the states of rows");
}

bool KeySplitter::matchGrid() {
  if (!grid.getOutputs().empty() || !grid.isNormalized() || grid.getRank() == 0)
    return fail("its bounds are not normal");
  return true;
}

/// True if `bound` is the number of key tiles of ranges in the grid.
static bool isRangeCount(scf::ForallOp grid, Value bound) {
  auto count = bound.getDefiningOp<tile::RangeCountOp>();
  return count && grid->isProperAncestor(count);
}

bool KeySplitter::matchLoops() {
  std::optional<OnlineSoftmax> found;
  grid->walk([&](scf::ForOp loop) {
    if (!found)
      found = matchOnlineSoftmax(loop);
  });
  if (!found)
    return fail("it has not the two loops of standard attention");
  softmax = *found;
  scf::ForOp loop = softmax.maxLoop;
  if (!isZeroInteger(loop.getLowerBound()) || !isOneInteger(loop.getStep()) ||
      !isRangeCount(grid, loop.getUpperBound()))
    return fail("its loops are not over all key tiles of its ranges");
  auto rankOf = [&](unsigned result) {
    return cast<TileType>(softmax.sumLoop.getResult(result).getType())
        .getRank();
  };
  if (softmax.sumLoop.getNumResults() != 2 || rankOf(0) != 1 || rankOf(1) != 2)
    return fail("it does not accumulate one sum and one row of values");
  return true;
}

/// `result` is stored as it is in memory that is read once, a row at a time.
bool KeySplitter::matchPassage(Value result, Passage &passage) {
  for (Operation *user : result.getUsers()) {
    if (user == softmax.safeMax)
      continue;
    auto store = dyn_cast<tile::StoreOp>(user);
    if (!store || passage.store)
      return fail("a state of rows is used where it is computed");
    passage.store = store;
  }
  if (!passage.store ||
      !(passage.memory =
            passage.store.getDest().getDefiningOp<memref::AllocOp>()) ||
      passage.memory->getBlock() != grid->getBlock())
    return fail("a state of rows is not stored in memory of its own");
  for (Operation *user : passage.memory->getUsers()) {
    if (user == passage.store || isa<memref::DeallocOp>(user))
      continue;
    auto load = dyn_cast<tile::LoadOp>(user);
    if (!load || passage.load)
      return fail("a state of rows is not read once");
    passage.load = load;
  }
  tile::LoadOp load = passage.load;
  if (!load || load.getPacking() || load.getPageTable() || load.getMixed() ||
      !passage.memory.getType().getElementType().isF32() ||
      !isOneInteger(load.getValid()[0]))
    return fail("the states are not read as f32, row by row");
  return true;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Of the longest sequence: as many as the scores have memory for.
Value KeySplitter::countKeyTiles(ImplicitLocOpBuilder &b) {
  IndexBuilder ib{b};
  int64_t size =
      cast<TileType>(softmax.store.getTile().getType()).getShape()[1];
  Value memory = softmax.store.getDest();
  int64_t last = cast<MemRefType>(memory.getType()).getRank() - 1;
  Value columns = ib.dim(memory, last);
  APInt factor;
  if (auto product = columns.getDefiningOp<arith::MulIOp>();
      product && matchPattern(product.getRhs(), m_ConstantInt(&factor)) &&
      factor == size)
    return product.getLhs();
  return ib.div(columns, ib.constant(size));
}

/// How often to split `tiles` query tiles of `keyTiles` key tiles each: the
/// least that keeps 85% of the workers busy in one to four waves. Each part
/// keeps two key tiles at least, so that its loads overlap, and 128 keys or
/// four tiles: on an H100, 8 times 8192 keys in tiles of 32 take 72 us in parts
/// of 64 keys and 55 us in parts of 128; in tiles of 16 they take 37 us in
/// parts of 64 keys and 43 us in parts of 128, and 46 in parts of 32 (Vulkan).
Value KeySplitter::chooseParts(ImplicitLocOpBuilder &b, Value tiles,
                               Value keyTiles, int64_t workers) {
  constexpr int64_t maxWaves = 4, minBusyPercent = 85;
  constexpr int64_t minKeys = 64, enoughKeys = 128;
  int64_t keysOfTile =
      cast<TileType>(softmax.store.getTile().getType()).getCols();
  int64_t minKeyTiles = std::max<int64_t>(
      std::clamp<int64_t>(llvm::divideCeil(enoughKeys, keysOfTile), 2, 4),
      llvm::divideCeil(minKeys, keysOfTile));
  IndexBuilder ib{b};
  Value one = ib.constant(1);
  tiles = ib.max(one, tiles);
  auto partsIn = [&](int64_t waves) {
    return ib.div(ib.constant(waves * workers), tiles);
  };
  Value best = ib.max(one, partsIn(maxWaves));
  for (int64_t waves = maxWaves - 1; waves >= 1; --waves) {
    Value candidate = partsIn(waves);
    Value busy = ib.mul(candidate, tiles);
    Value good = b.createOrFold<arith::CmpIOp>(
        arith::CmpIPredicate::sge, ib.mul(busy, 100),
        ib.constant(minBusyPercent * waves * workers));
    best = b.createOrFold<arith::SelectOp>(good, candidate, best);
  }
  Value most = ib.div(keyTiles, ib.constant(minKeyTiles));
  return ib.min(best, ib.max(one, most));
}

KeySplitter::PartMemory KeySplitter::addParts(ImplicitLocOpBuilder &b,
                                              Passage &passage, Value parts) {
  SmallVector<OpFoldResult> sizes =
      memref::getMixedSizes(b, b.getLoc(), passage.memory);
  unsigned rows = sizes.size() -
                  cast<TileType>(passage.store.getTile().getType()).getRank();
  sizes.insert(sizes.begin() + rows + 1, getAsOpFoldResult(parts));
  SmallVector<unsigned> order =
      llvm::to_vector(llvm::seq<unsigned>(sizes.size()));
  std::swap(order[rows], order[rows + 1]);
  PartMemory memory;
  memory.byRow = allocateF32(b, sizes);
  memory.byPart = permute(b, memory.byRow, order);
  for (Operation *user : llvm::make_early_inc_range(passage.memory->getUsers()))
    if (auto dealloc = dyn_cast<memref::DeallocOp>(user))
      dealloc.getMemrefMutable().set(memory.byRow);
  return memory;
}

void KeySplitter::storePart(Passage &passage, Value memory, Value part) {
  OpBuilder b(passage.store);
  unsigned rank = cast<TileType>(passage.store.getTile().getType()).getRank();
  SmallVector<Value> at(passage.store.getIndices());
  at.insert(at.end() - rank, part);
  tile::StoreOp::create(b, passage.store.getLoc(), passage.store.getTile(),
                        memory, at, passage.store.getValid());
  passage.store.erase();
}

/// Both loops run over the same part.
void KeySplitter::splitLoops(ImplicitLocOpBuilder &b, Value part, Value parts) {
  IndexBuilder ib{b};
  Value count = softmax.maxLoop.getUpperBound();
  b.setInsertionPointAfterValue(count);
  // The first parts have a key tile more where they are no multiple. Nothing
  // exceeds the number of tiles, so that no more bits are needed than for that.
  Value each = ib.divUnsigned(count, parts);
  Value more = ib.remUnsigned(count, parts);
  auto boundary = [&](Value number) {
    Value whole = ib.mul(number, each);
    if (Operation *product = whole.getDefiningOp<arith::MulIOp>())
      product->setAttr(tile::kSizeAttrName, b.getIndexAttr(kIndexLimit));
    return ib.min(ib.add(whole, ib.min(number, more)), count);
  };
  Value begin = boundary(part);
  Value end = boundary(ib.add(part, ib.constant(1)));
  for (scf::ForOp loop : {softmax.maxLoop, softmax.sumLoop}) {
    loop.setLowerBound(begin);
    loop.setUpperBound(end);
  }
}

/// The first op of the new body that needs the step or the part; what does not
/// stays in front of them.
Block::iterator KeySplitter::findFirstUse(Block &body) {
  Value step = grid.getInductionVars().back();
  Operation *count = softmax.maxLoop.getUpperBound().getDefiningOp();
  return llvm::find_if(body, [&](Operation &op) {
    WalkResult walk = op.walk([&](Operation *nested) {
      bool needs =
          nested == count || llvm::is_contained(nested->getOperands(), step);
      return needs ? WalkResult::interrupt() : WalkResult::advance();
    });
    return walk.wasInterrupted();
  });
}

void KeySplitter::split(int64_t workers) {
  // All that the memory of states serves comes from here on.
  ImplicitLocOpBuilder b(grid.getLoc(), grid);
  IndexBuilder ib{b};
  SmallVector<Value> extents =
      llvm::map_to_vector(grid.getMixedUpperBound(), [&](OpFoldResult extent) {
        return getValueOrCreateConstantIndexOp(b, b.getLoc(), extent);
      });
  Value tiles = extents.front();
  for (Value extent : ArrayRef(extents).drop_front())
    tiles = ib.mul(tiles, extent);
  Value parts = chooseParts(b, tiles, countKeyTiles(b), workers);
  PartMemory maxima = addParts(b, max, parts), sums = addParts(b, sum, parts),
             values = addParts(b, acc, parts);

  // A step of the new grid is a query tile and a part of its keys.
  bool isOneTile = IndexRanges().isWithin(extents.back(), INT64_MIN, 1);
  SmallVector<OpFoldResult> bounds = grid.getMixedUpperBound();
  bounds.back() = getAsOpFoldResult(ib.mul(extents.back(), parts));
  auto next = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
  if (auto schedule = ScheduleAttr::of(grid))
    next->setAttr(ScheduleAttr::attributeName, schedule);
  takeChoices(next, grid);
  Block *body = grid.getBody(), *nextBody = next.getBody();
  nextBody->getOperations().splice(nextBody->begin(), body->getOperations(),
                                   body->begin(),
                                   body->getTerminator()->getIterator());
  SmallVector<Value> point(next.getInductionVars());
  b.setInsertionPoint(nextBody, findFirstUse(*nextBody));
  Value part = ib.remUnsigned(point.back(), parts);
  point.back() =
      isOneTile ? ib.constant(0) : ib.divUnsigned(point.back(), parts);
  for (auto [old, value] : llvm::zip(grid.getInductionVars(), point))
    old.replaceAllUsesWith(value);
  grid.erase();
  splitLoops(b, part, parts);
  storePart(max, maxima.byPart, part);
  storePart(sum, sums.byPart, part);
  storePart(acc, values.byPart, part);

  combineParts(b,
               {maxima.byRow, sums.byRow, values.byRow,
                SmallVector<Value>(max.load.getIndices()), parts,
                acc.load.getIndices().back(), acc.load.getValid()[1],
                softmax.factor.getValueAsDouble()},
               choosePartsAtOnce(next));
}

/// How many parts of a row are added up together, in one loop; 0 for two loops
/// (RowState.h). Where the last workgroup of a head does it by itself
/// (tile-join-launches), waiting for memory takes longest: on an H100 16 parts
/// of four rows of 8192 keys in one loop take .8 us less of 22 than 32 in two.
int64_t KeySplitter::choosePartsAtOnce(Operation *next) {
  constexpr int64_t fewestLanes = 8, few = 16;
  auto target = tile::TargetAttr::lookup(next);
  if (!seesOtherWorkgroups(target) || target.getSubgroup() < fewestLanes)
    return 0;
  addChoices(next, {"parts of a row are added up " + std::to_string(few) +
                    " at a time, in one loop: no load waits for another one"});
  return few;
}

/// Where the grid over rows read one state, it combines those of all parts.
void KeySplitter::combineParts(ImplicitLocOpBuilder &b,
                               const StoredStates &states,
                               int64_t partsAtOnce) {
  Operation *last = max.load;
  for (Passage *passage : {&sum, &acc})
    if (last->isBeforeInBlock(passage->load))
      last = passage->load;
  b.setInsertionPoint(last);
  ArrayRef<int64_t> shape = acc.load.getType().getShape();
  RowState state = combineStates(b, states, shape[0], shape[1], partsAtOnce);
  std::pair<Passage *, Value> replacements[] = {
      {&max, state.max}, {&sum, state.sum}, {&acc, state.acc}};
  for (auto [passage, value] : replacements) {
    passage->load.getResult().replaceAllUsesWith(value);
    passage->load.erase();
    passage->memory.erase();
  }
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct SplitKeys : attn::impl::SplitKeysBase<SplitKeys> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(checkOptions(*this, getOperation(),
                            {{"workers", workers, 0, kMostWorkers}})))
      return signalPassFailure();
    SmallVector<scf::ForallOp> grids;
    getOperation().walk([&](scf::ForallOp grid) { grids.push_back(grid); });
    for (scf::ForallOp grid : grids) {
      auto wanted = grid->getAttrOfType<IntegerAttr>(tile::kWorkersAttrName);
      int64_t count = workers ? workers : wanted ? wanted.getInt() : 0;
      if (count == 0)
        continue;
      KeySplitter splitter(grid);
      if (splitter.match()) {
        LDBG() << "for " << count << " workers: grid at " << grid.getLoc();
        splitter.split(count);
        ++numSplit;
      } else if (wanted) {
        grid.emitError("the keys of this grid cannot be split: ")
            << splitter.problem;
        return signalPassFailure();
      } else {
        LDBG() << "stays: " << splitter.problem;
      }
    }
  }
};
} // namespace
