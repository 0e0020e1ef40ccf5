//===- Strips.cpp - A few rows at a time through a loop -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a loop over key tiles computes keeps rows apart. So the rows of a tile
// may pass through it strip by strip, each through all tiles of a block of keys
// and values, which is packed in L2: the scores and weights of a strip stay in
// L1, however many rows share what is packed.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

static int64_t getStripRows(int64_t rows) {
  return rows % kStripRows == 0 ? kStripRows : kRegisterRows;
}

static bool isOnTiles(Operation *op) {
  auto isTile = [](Type type) { return isa<TileType>(type); };
  return op
      ->walk([&](Operation *nested) {
        return isa<TileDialect>(nested->getDialect()) ||
                       llvm::any_of(nested->getOperandTypes(), isTile) ||
                       llvm::any_of(nested->getResultTypes(), isTile)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The rows that all tiles of the loop have but those it loads; nothing if they
/// differ, or the loop writes memory or has other effects than on tiles.
static std::optional<int64_t> findCommonRows(scf::ForOp loop) {
  std::optional<int64_t> rows;
  auto agrees = [&](Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type || isRightOperand(value))
      return true;
    if (!rows)
      rows = type.getRows();
    return *rows == type.getRows();
  };
  WalkResult found = loop.getBody()->walk([&](Operation *op) {
    bool isKnown =
        isa<LoadOp>(op)
            ? op->getBlock() == loop.getBody() &&
                  isRightOperand(op->getResult(0))
            : isa<AnyAboveOp, DotOp, MapOp, ReduceOp, ConvertOp, SplatOp,
                  tile::YieldOp, scf::IfOp, scf::YieldOp>(op) ||
                  !isOnTiles(op);
    if (auto map = dyn_cast<MapOp>(op))
      isKnown &= !rows || map.getDomain().first == *rows;
    bool fits = isKnown && !isa<StoreOp, memref::StoreOp>(op) &&
                llvm::all_of(op->getResults(), agrees) &&
                llvm::all_of(op->getOperands(), agrees);
    return fits ? WalkResult::advance() : WalkResult::interrupt();
  });
  return found.wasInterrupted() ? std::nullopt : rows;
}

/// The loads of right operands in a loop, which strips find packed.
static SmallVector<LoadOp> findShared(scf::ForOp loop) {
  return llvm::filter_to_vector(
      loop.getBody()->getOps<LoadOp>(),
      [](LoadOp load) { return isRightOperand(load.getResult()); });
}

/// So many tiles of keys and values, packed, take the share of L2 that is left
/// to them.
int64_t KernelLowering::getTilesOfBlock(ArrayRef<LoadOp> shared) {
  int64_t bytes = 1;
  for (LoadOp load : shared)
    bytes += 2 * llvm::alignTo(load.getType().getRows(), kRegisterDepth) *
             llvm::alignTo(load.getType().getCols(), kRegisterDepth);
  return std::max<int64_t>(regs.packedBytes / bytes, 1);
}

//===----------------------------------------------------------------------===//
// Key tiles without a key for a strip
//===----------------------------------------------------------------------===//

/// The scores of a loop's weights, if scores of -inf change nothing that the
/// loop carries: what it carries are sums of the weights, or of values with
/// them, and maxima, which may move together with sums.
Value KernelLowering::findScores(scf::ForOp loop) {
  Value scores;
  auto isScores = [&](Value value) {
    scores = scores ? scores : value;
    return scores == value;
  };
  auto isWeights = [&](Value value) {
    while (auto convert = value.getDefiningOp<ConvertOp>())
      value = convert.getInput();
    auto map = value.getDefiningOp<MapOp>();
    if (!map || !exponentials.contains(map))
      return false;
    return llvm::all_of(map.getInputs(), [&](Value input) {
      return cast<TileType>(input.getType()).getRank() == 1 || isScores(input);
    });
  };
  auto isCarried = [&](Value value) {
    if (auto branch = value.getDefiningOp<scf::IfOp>()) {
      auto above = branch.getCondition().getDefiningOp<AnyAboveOp>();
      if (!above || !isScores(above.getInput()))
        return false;
      value = branch.elseYield().getOperand(
          cast<OpResult>(value).getResultNumber());
    }
    return llvm::is_contained(loop.getRegionIterArgs(), value);
  };
  for (Value yielded : loop.getYieldedValues()) {
    auto reduce = yielded.getDefiningOp<ReduceOp>();
    auto dot = yielded.getDefiningOp<DotOp>();
    bool isKnown = reduce ? isCarried(reduce.getInit()) &&
                                (reduce.getKind() == ReduceKind::Max
                                     ? isScores(reduce.getInput())
                                     : isWeights(reduce.getInput()))
                   : dot  ? isWeights(dot.getA()) && isCarried(dot.getAcc())
                          : isCarried(yielded);
    if (!isKnown)
      return Value();
  }
  return scores;
}

/// Turns a loop over key tiles into one over blocks of them. In it, a loop
/// packs their keys and values, and a loop over strips of rows has the loop
/// over the key tiles of the block: what is carried for a strip stays where it
/// is quickly reached meanwhile.
/// Returns whether it does.
bool KernelLowering::splitIntoStrips(scf::ForOp loop) {
  bool hasProduct = !loop.getBody()->getOps<DotOp>().empty();
  std::optional<int64_t> rows = findCommonRows(loop);
  if (!usesTileRegisters || !hasProduct || !rows ||
      !llvm::all_of(loop.getResultTypes(), llvm::IsaPred<TileType>) ||
      *rows <= getStripRows(*rows))
    return false;
  SmallVector<LoadOp> shared = findShared(loop);
  Operation *yield = loop.getBody()->getTerminator();
  SmallVector<Operation *> moved;
  for (Operation &op : loop.getBody()->without_terminator())
    moved.push_back(&op);
  Value first = loop.getInductionVar(), step = loop.getStep();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop);
  int64_t tiles = getTilesOfBlock(shared);
  Value blockStep = b.createOrFold<arith::MulIOp>(step, index(tiles));
  b.setInsertionPoint(yield);
  Value last = min(add(first, blockStep), loop.getUpperBound());
  auto packing = scf::ForOp::create(b, first, last, step);
  // Strips of rows that nobody stores are left out.
  Value endOfRows = liveRows && isAvailable(liveRows) ? clampTo(liveRows, *rows)
                                                      : index(*rows);
  auto strips =
      scf::ForOp::create(b, index(0), endOfRows, index(getStripRows(*rows)),
                         ValueRange(loop.getRegionIterArgs()));
  b.setInsertionPointToStart(strips.getBody());
  KeyEnd keys = findKeyEnd(loop, strips.getInductionVar(), getStripRows(*rows));
  Value end = last;
  if (keys.end)
    end =
        min(last, arith::CeilDivSIOp::create(b, keys.end, index(keys.ofTile)));
  auto inner = scf::ForOp::create(b, first, end, step,
                                  ValueRange(strips.getRegionIterArgs()));
  scf::YieldOp::create(b, inner.getResults());

  b.setInsertionPointToStart(packing.getBody());
  IRMapping mapping;
  mapping.map(first, packing.getInductionVar());
  for (Operation *op : moved) {
    if (isOnTiles(op) && !isa<LoadOp>(op))
      continue;
    Operation *clone = b.clone(*op, mapping);
    if (auto load = dyn_cast<LoadOp>(op))
      for (Operation *either : {op, clone})
        packedAhead[either] = {load, first, step, tiles};
  }
  for (Operation *op : moved)
    op->moveBefore(inner.getBody(), inner.getBody()->end());
  b.setInsertionPointToEnd(inner.getBody());
  scf::YieldOp::create(b, yield->getOperands());
  replaceAllUsesInRegionWith(first, inner.getInductionVar(), inner.getRegion());
  for (auto [outside, inside] :
       llvm::zip_equal(loop.getRegionIterArgs(), inner.getRegionIterArgs()))
    replaceAllUsesInRegionWith(outside, inside, inner.getRegion());
  yield->setOperands(strips.getResults());
  loop.setStep(blockStep);
  packingLoops.insert(packing);
  stripLoops.insert(strips);
  keyLoops.insert(inner);
  keyEnds[inner] = keys;
  return true;
}

/// Without key tiles, carried tiles stay as they start.
void KernelLowering::startWithoutKeys(scf::ForOp loop,
                                      ArrayRef<Value> buffers) {
  Value isEmpty = arith::CmpIOp::create(
      b, arith::CmpIPredicate::sge, loop.getLowerBound(), loop.getUpperBound());
  auto branch = scf::IfOp::create(b, isEmpty, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  for (Value buffer : buffers)
    if (Value start = startsOfStrips.lookup(buffer))
      fillBuffer(start, buffer);
}

/// Whether `loop`, over blocks of key tiles or over those of a strip, is at the
/// first key tile of all.
Value KernelLowering::isAtFirstTile(scf::ForOp loop) {
  scf::ForOp outermost = loop;
  if (keyLoops.contains(loop))
    outermost =
        loop->getParentOfType<scf::ForOp>()->getParentOfType<scf::ForOp>();
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                               loop.getInductionVar(),
                               outermost.getLowerBound());
}

/// The rows of a strip of what `place` holds.
cpu::Place KernelLowering::stripOf(const Place &place, Value start,
                                   int64_t rows) {
  auto type = cast<MemRefType>(place.buffer.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> steps(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(size));
  offsets.front() = start;
  sizes.front() = b.getIndexAttr(rows);
  Place strip = place;
  strip.buffer =
      memref::SubViewOp::create(b, place.buffer, offsets, sizes, steps);
  return strip;
}

/// In the body tiles have the rows of a strip, and those from outside are seen
/// through views of its rows.
LogicalResult KernelLowering::lowerStrips(scf::ForOp loop) {
  int64_t stripRows =
      getConstantIntValue(loop.getStep()).value_or(kRegisterRows);
  llvm::SetVector<Value> outside(loop.getInitArgs().begin(),
                                 loop.getInitArgs().end());
  getUsedValuesDefinedAbove(loop->getRegions(), outside);
  DenseMap<Value, Place> kept;
  b.setInsertionPointToStart(loop.getBody());
  for (Value tile : outside) {
    auto it = places.find(tile);
    if (!isa<TileType>(tile.getType()) || it == places.end() ||
        (it->second.kind != Place::Lanes && it->second.kind != Place::Factor))
      continue;
    kept[tile] = it->second;
    it->second = stripOf(kept[tile], loop.getInductionVar(), stripRows);
  }
  SmallVector<Value> destinations;
  auto first =
      scf::IfOp::create(b, isAtFirstTile(loop->getParentOfType<scf::ForOp>()),
                        /*withElseRegion=*/false);
  for (auto [init, argument] :
       llvm::zip_equal(loop.getInitArgs(), loop.getRegionIterArgs())) {
    Place place = places[init];
    // In L1, right before they are used.
    if (Value start = startsOfStrips.lookup(kept.lookup(init).buffer)) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(first.thenBlock()->getTerminator());
      fillBuffer(start, place.buffer);
      startsOfStrips[place.buffer] = start;
    }
    places[argument] = place;
    destinations.push_back(place.buffer);
    carriedIn[place.buffer] = argument;
  }
  strip = {loop.getInductionVar(), stripRows};
  LogicalResult lowered = lowerBlock(*loop.getBody(), destinations);
  strip = {};
  for (auto &[tile, place] : kept)
    places[tile] = place;
  for (auto [init, result] :
       llvm::zip_equal(loop.getInitArgs(), loop.getResults())) {
    // A copy: the map may grow for the result.
    const Place place = places[init];
    places[result] = place;
  }
  if (failed(lowered))
    return failure();
  dropTiles(loop, {});
  return success();
}
