//===- Consumer.cpp - The warpgroups that compute -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each consumer warpgroup computes 64 rows of a query tile. The loop over key
// tiles is rotated: while the maps turn the scores of one key tile into
// probabilities, the second matrix product of the key tile before it runs.
//
//===----------------------------------------------------------------------===//

#include "HopperEmitter.h"

#include "../TensorCore/TileEmitter.h"

using namespace mlir;

namespace attn::hopper {

class Consumer : public TileEmitter {
public:
  Consumer(HopperEmitter &kernel, Block *exit)
      : TileEmitter(kernel.emit, kernel.layout), kernel(kernel),
        layout(kernel.layout), exit(exit) {}

  void run();

private:
  //===--------------------------------------------------------------------===//
  // Matrix products
  //===--------------------------------------------------------------------===//
  Value descriptor(const Ring &ring, Value index, int64_t leading);
  /// Issues scores = q k^T for the key tile in buffer `index`.
  Values issueScores(Value index);
  /// Issues accumulators += probabilities v.
  Values issueValues(Value index, ValueRange probabilities,
                     ValueRange accumulators);
  void release(const Ring &ring, Value count);
  /// The first probability that is not waited for before the values' product.
  Value getHeldProbability();
  /// Whether what scales the accumulators is put between the exponentials.
  /// Three warpgroups share what registers two have; full key tiles alone then
  /// lose by it, and those with a mask gain.
  bool interleaves() const { return layout.consumers < 3 || layout.unevenWork; }
  /// That of the keys, when some probabilities are known.
  void releaseKeys(Value count);
  void interleave(Operation *statistics);
  /// The key tile after `name`, whose keys are in buffer `index`, or the first
  /// one, which comes with the query tile in it.
  Value nextKeyTile(Value name, const Ring &ring, Value index);

  //===--------------------------------------------------------------------===//
  // The loop over key tiles
  //===--------------------------------------------------------------------===//
  void emitLoopOneBehind(Value first, Value end, Scope &scope, Block *finish);
  Block *emitFirstOneBehind(Value first, Scope &scope);
  void emitLoopInOrder(Value first, Value end, Scope &scope, Block *finish);

  //===--------------------------------------------------------------------===//
  // Between query tiles
  //===--------------------------------------------------------------------===//
  void emitStore(tile::StoreOp op, Scope &scope) override;
  void storeByTma(tile::StoreOp op, Scope &scope);
  Value nextTile(Value tile, Value queries);

  void syncGroup() { emit.syncNamed(emit.add(group, 1), 128); }
  void takeTurn() {
    if (layout.schedule.pingPong)
      emit.syncNamed(emit.add(group, 4), 256);
  }
  void passTurn();

  HopperEmitter &kernel;
  HopperLayout &layout;
  Block *exit;

  Value group;     // consumer warpgroup
  Value groupWarp; // warp in it
  Value firstLane; // of the warp
  Value descriptorBase;
  Value queryIndex; // buffer of the query tile
  Value keyTiles;   // before this query tile
};

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

// A shared-memory matrix descriptor: address, leading and stride byte offsets
// in units of 16 bytes; bit 62 is the 128-byte swizzle.
constexpr int64_t descriptorUnit = 16;
constexpr int64_t eightRows = 8 * swizzleBytes;

Value Consumer::descriptor(const Ring &ring, Value index, int64_t leading) {
  int64_t fields = (int64_t(1) << 62) | ((eightRows / descriptorUnit) << 32) |
                   ((leading / descriptorUnit) << 16);
  Value start =
      emit.add(descriptorBase, emit.i64(fields + ring.data / descriptorUnit));
  Value offset = emit.createOrFold<arith::ExtUIOp>(
      emit.getI64Type(), emit.mul(index, ring.bytes / descriptorUnit));
  return emit.add(start, offset);
}

Values Consumer::issueScores(Value index) {
  tile::TileType query = layout.query.type(), key = layout.key.type();
  // The leading offset has no meaning where rows of 128 bytes are K-major.
  Value a = descriptor(layout.memory.query, queryIndex, descriptorUnit);
  Value rows = emit.createOrFold<arith::ExtUIOp>(
      emit.getI64Type(),
      emit.mul(group, groupRows * swizzleBytes / descriptorUnit));
  a = emit.add(a, rows);
  Value b = descriptor(layout.memory.key, index, descriptorUnit);
  Values scores;
  for (int64_t column = 0; column < query.getCols(); column += 16) {
    int64_t block = column / swizzleColumns;
    int64_t inside = column % swizzleColumns * 2;
    auto step = [&](SharedTile &tile) {
      return emit.i64((block * tile.blockBytes() + inside) / descriptorUnit);
    };
    scores = emit.wgmma(
        key.getRows(), query.getElementType(), emit.add(a, step(layout.query)),
        emit.add(b, step(layout.key)), /*transposeB=*/false, scores);
  }
  emit.wgmmaCommit();
  return scores;
}

Values Consumer::issueValues(Value index, ValueRange probabilities,
                             ValueRange accumulators) {
  tile::TileType value = layout.value.type();
  Value b = descriptor(layout.memory.value, index, layout.value.blockBytes());
  Values sums(accumulators);
  for (int64_t row = 0; row < value.getRows(); row += 16)
    sums = emit.wgmma(value.getCols(), value.getElementType(),
                      probabilities.slice(row / 4, 4),
                      emit.add(b, row * swizzleBytes / descriptorUnit),
                      /*transposeB=*/true, sums);
  emit.wgmmaCommit();
  return sums;
}

void Consumer::release(const Ring &ring, Value count) {
  emit.barrierArriveIf(firstLane, kernel.getSlot(ring, count).empty);
}

/// A fifth of the exponentials runs beside the product, the others beside the
/// other warpgroup's. Among those of two warpgroups it is one of a lane's
/// second row, the last of which ptxas learns the maximum.
Value Consumer::getHeldProbability() {
  Value probabilities = layout.conversions.back()->getOperand(0);
  ArrayRef<Value> exponentials = tiles.get(probabilities).values;
  size_t number = exponentials.size() / 5;
  return exponentials[interleaves() ? number | 3 : number];
}

/// ptxas moves the wait for the values' product above all exponentials where
/// nothing holds it, but not above what releases a buffer.
void Consumer::releaseKeys(Value count) {
  emit.barrierArriveIfAfter(firstLane,
                            kernel.getSlot(layout.memory.key, count).empty,
                            getHeldProbability());
}

/// Moves what follows the statistics, the wait for the values' product and the
/// scaling of the accumulators, between the exponentials: ptxas then multiplies
/// in their shadow, and else behind the last of them. It keeps more numbers in
/// registers.
void Consumer::interleave(Operation *statistics) {
  Operation *place = getHeldProbability().getDefiningOp();
  Block *block = statistics->getBlock();
  if (!interleaves() || !place || place->getBlock() != block)
    return;
  auto rest =
      llvm::make_range(std::next(Block::iterator(statistics)), block->end());
  auto isKnown = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return !op || op->getBlock() != block || !place->isBeforeInBlock(op) ||
           statistics->isBeforeInBlock(op);
  };
  if (!llvm::all_of(rest, [&](Operation &op) {
        return llvm::all_of(op.getOperands(), isKnown);
      }))
    return;
  for (Operation &op : llvm::make_early_inc_range(rest)) {
    op.moveAfter(place);
    place = &op;
  }
}

Value Consumer::nextKeyTile(Value name, const Ring &ring, Value index) {
  if (!layout.hasPredicate())
    return &ring == &layout.memory.query ? name : emit.add(name, 1);
  // The lane that releases the buffer reads.
  return emit.broadcastLane0(emit.loadSharedI32(kernel.following(ring, index)));
}

void Consumer::passTurn() {
  if (!layout.schedule.pingPong)
    return;
  Value next = emit.remainder(emit.add(group, 1), emit.i32(layout.consumers));
  emit.arriveNamed(emit.add(next, 4), 256);
}

/// The first key tile, before which there is no product. Returns the block of
/// the loop over the others: the key tile's name and number, what is carried
/// and the probabilities.
Block *Consumer::emitFirstOneBehind(Value first, Scope &scope) {
  const SharedMemory &memory = layout.memory;
  Type i32 = emit.getI32Type();
  Value count = keyTiles;
  Scope inner(emit, &scope);
  kernel.bindKeyTile(first, inner);
  HopperEmitter::Slot key = kernel.getSlot(memory.key, count);
  emit.barrierWait(key.full, key.parity);
  takeTurn();
  emit.wgmmaFence();
  Values scores = emit.wgmmaWait(0, issueScores(key.index));
  passTurn();
  Value next = nextKeyTile(first, memory.key, key.index);
  release(memory.key, count);
  tiles.bind(layout.scoreDot.getResult(),
             tiles.gather(scores, layout.scoreDot.getType(), false));
  emitStatistics(Full::ask, inner);
  emitAfterProducts(Full::ask, inner);
  Values probabilities = emitPreparation(inner);
  Types types = {i32, i32};
  llvm::append_range(types, carriedTypes());
  llvm::append_range(types, emit.repeated(i32, probabilities.size()));
  Values arguments = {next, emit.add(count, 1)};
  llvm::append_range(arguments, carriedValues());
  llvm::append_range(arguments, probabilities);
  Block *head = emit.createBlock(types);
  emit.branch(head, arguments);
  return head;
}

void Consumer::emitLoopOneBehind(Value first, Value end, Scope &scope,
                                 Block *finish) {
  const SharedMemory &memory = layout.memory;
  unsigned numProbabilities = layout.value.type().getRows() / 4;
  Block *head = emitFirstOneBehind(first, scope);
  emit.enter(head);
  Value position = head->getArgument(0);
  Value number = head->getArgument(1);
  Values carried(
      head->getArguments().drop_front(2).drop_back(numProbabilities));
  Values probabilities(head->getArguments().take_back(numProbabilities));
  unsigned accumulatorStart = 0;
  for (unsigned other = 0; other < layout.accumulator; ++other)
    accumulatorStart += tiles.spreadSize(carriedType(other));
  size_t accumulatorSize = tiles.spreadSize(carriedType(layout.accumulator));
  auto accumulators = [&] {
    return ArrayRef(carried).slice(accumulatorStart, accumulatorSize);
  };
  auto withAccumulators = [&](ValueRange sums) {
    Values values = carried;
    llvm::copy(sums, values.begin() + accumulatorStart);
    return values;
  };
  Value previous = emit.add(number, -1);
  Block *body = emit.createBlock();
  Block *last = emit.createBlock();
  emit.branchIf(kernel.isKeyTile(position, end), body, {}, last, {});

  emit.enter(body);
  Scope inner(emit, &scope);
  KeyTile found = kernel.bindKeyTile(position, inner);
  emitVersions(found.full, [&](Full full) {
    HopperEmitter::Slot key = kernel.getSlot(memory.key, number);
    HopperEmitter::Slot value = kernel.getSlot(memory.value, previous);
    emit.barrierWait(key.full, key.parity);
    takeTurn();
    emit.wgmmaFence();
    Values scores = issueScores(key.index);
    emit.barrierWait(value.full, value.parity);
    emit.wgmmaFence();
    Values sums = issueValues(value.index, probabilities, accumulators());
    passTurn();
    scores = emit.wgmmaWait(1, scores);
    Value following = nextKeyTile(position, memory.key, key.index);
    bindCarried(carried);
    tiles.bind(layout.scoreDot.getResult(),
               tiles.gather(scores, layout.scoreDot.getType(), false));
    Scope version(emit, &inner);
    emitStatistics(full, version);
    emitAfterProducts(full, version);
    Operation *statistics = &emit.getInsertionBlock()->back();
    releaseKeys(number);
    sums = emit.wgmmaWait(0, sums);
    release(memory.value, previous);
    bindCarried(withAccumulators(sums));
    emitAccumulatorMaps(version);
    interleave(statistics);
    Values next = emitConversions(version);
    Values arguments = carriedValues();
    llvm::append_range(arguments, next);
    arguments.insert(arguments.begin(), {following, emit.add(number, 1)});
    emit.branch(head, arguments);
  });

  emit.enter(last);
  HopperEmitter::Slot value = kernel.getSlot(memory.value, previous);
  emit.barrierWait(value.full, value.parity);
  emit.wgmmaFence();
  Values sums = issueValues(value.index, probabilities, accumulators());
  sums = emit.wgmmaWait(0, sums);
  release(memory.value, previous);
  Values results = {number};
  llvm::append_range(results, withAccumulators(sums));
  emit.branch(finish, results);
}

void Consumer::emitLoopInOrder(Value first, Value end, Scope &scope,
                               Block *finish) {
  const SharedMemory &memory = layout.memory;
  Type i32 = emit.getI32Type();
  Types types = {i32, i32};
  llvm::append_range(types, carriedTypes());
  Values arguments = {first, keyTiles};
  for (auto [number, init] : llvm::enumerate(layout.loop.getInits()))
    llvm::append_range(arguments,
                       tiles.spread(tiles.get(init), carriedType(number)));
  Block *head = emit.createBlock(types);
  emit.branch(head, arguments);
  emit.enter(head);
  Value position = head->getArgument(0);
  Value number = head->getArgument(1);
  ValueRange carried = head->getArguments().drop_front(2);
  Values results = {number};
  llvm::append_range(results, carried);
  Block *body = emit.createBlock();
  emit.branchIf(kernel.isKeyTile(position, end), body, {}, finish, results);

  emit.enter(body);
  Scope inner(emit, &scope);
  KeyTile found = kernel.bindKeyTile(position, inner);
  emitVersions(found.full, [&](Full full) {
    HopperEmitter::Slot key = kernel.getSlot(memory.key, number);
    HopperEmitter::Slot value = kernel.getSlot(memory.value, number);
    emit.barrierWait(key.full, key.parity);
    takeTurn();
    emit.wgmmaFence();
    Values scores = emit.wgmmaWait(0, issueScores(key.index));
    passTurn();
    Value following = nextKeyTile(position, memory.key, key.index);
    release(memory.key, number);
    bindCarried(carried);
    tiles.bind(layout.scoreDot.getResult(),
               tiles.gather(scores, layout.scoreDot.getType(), false));
    Scope version(emit, &inner);
    emitStatistics(full, version);
    emitAfterProducts(full, version);
    Values probabilities = emitPreparation(version);
    emit.barrierWait(value.full, value.parity);
    emit.wgmmaFence();
    tile::DotOp dot = layout.valueDot;
    Values sums =
        issueValues(value.index, probabilities,
                    tiles.spread(tiles.get(dot.getAcc()), dot.getType()));
    sums = emit.wgmmaWait(0, sums);
    release(memory.value, number);
    tiles.bind(dot.getAcc(), tiles.gather(sums, dot.getType(), false));
    Values next = carriedValues();
    next.insert(next.begin(), {following, emit.add(number, 1)});
    emit.branch(head, next);
  });
}

void Consumer::emitStore(tile::StoreOp op, Scope &scope) {
  if (!kernel.storeMaps.contains(op))
    return TileEmitter::emitStore(op, scope);
  // A TMA store writes all rows of a warpgroup: rows past the valid ones may
  // belong to the next sequence.
  Value left =
      emit.sub(scope.getPosition(op.getValid()[0]), emit.mul(group, groupRows));
  Value whole = emit.less(emit.i32(groupRows - 1), left);
  Block *fast = emit.createBlock();
  Block *slow = emit.createBlock();
  Block *join = emit.createBlock();
  emit.branchIf(whole, fast, {}, slow, {});
  emit.enter(fast);
  storeByTma(op, scope);
  emit.branch(join);
  emit.enter(slow);
  storeElements(op, scope);
  emit.branch(join);
  emit.enter(join);
}

void Consumer::storeByTma(tile::StoreOp op, Scope &scope) {
  const SharedMemory &memory = layout.memory;
  const Fragment &fragment = tiles.get(op.getTile());
  int64_t blockBytes = groupRows * swizzleBytes;
  int64_t blocks =
      llvm::divideCeil(op.getTile().getType().getCols(), swizzleColumns);
  Value start = emit.add(kernel.address(memory.staging),
                         emit.mul(group, memory.stagingBlocks * blockBytes));
  // Lane l gives the address of row l mod 16 of the left (l < 16) or right 8
  // columns of 16; a swizzle permutes units of 16 bytes by the row.
  Value rowInEight = emit.bitAnd(kernel.lane, 7);
  Value row = emit.add(emit.add(emit.shiftLeft(groupWarp, 4), rowInEight),
                       emit.bitAnd(kernel.lane, 8));
  Value rowStart = emit.add(start, emit.mul(row, swizzleBytes));
  Value unit = emit.shiftLeft(
      emit.bitXor(emit.shiftRight(kernel.lane, 4), rowInEight), 4);

  Values coordinates = scope.getPositions(op.getIndices());
  std::reverse(coordinates.begin(), coordinates.end());
  Value column = coordinates[0];
  coordinates[1] = emit.add(coordinates[1], emit.mul(group, groupRows));
  Value first = emit.equal(emit.bitAnd(kernel.thread, 127), 0);
  for (int64_t from = 0; from < blocks; from += memory.stagingBlocks) {
    int64_t to = std::min(blocks, from + memory.stagingBlocks);
    emit.tmaStoreWaitRead();
    syncGroup();
    for (int64_t slice = 4 * from;
         slice < 4 * to && 4 * slice < int64_t(fragment.values.size());
         ++slice) {
      Value target =
          emit.add(emit.add(rowStart, (slice / 4 - from) * blockBytes),
                   emit.bitXor(unit, emit.i32(slice % 4 * 32)));
      emit.storeMatrix(target, ValueRange(fragment.values).slice(4 * slice, 4));
    }
    emit.fenceAsyncShared();
    syncGroup();
    for (int64_t block = from; block < to; ++block) {
      coordinates[0] = emit.add(column, block * swizzleColumns);
      emit.tmaStoreIf(first, kernel.storeMaps.lookup(op),
                      emit.add(start, (block - from) * blockBytes),
                      coordinates);
    }
  }
}

//===----------------------------------------------------------------------===//
// Query tiles
//===----------------------------------------------------------------------===//

Value Consumer::nextTile(Value tile, Value queries) {
  if (!layout.fetchesTiles())
    return emit.add(tile, emit.gridSize());
  const SharedMemory &memory = layout.memory;
  emit.barrierWait(kernel.address(memory.scheduler + 8),
                   emit.bitAnd(queries, 1));
  Value next = emit.loadSharedI32(kernel.address(memory.scheduler));
  emit.barrierArriveIf(firstLane, kernel.address(memory.scheduler + 16));
  return next;
}

void Consumer::run() {
  if (layout.consumerRegisters)
    emit.setMaxRegisters(layout.consumerRegisters, /*increase=*/true);
  group = emit.add(emit.shiftRight(kernel.warp, 2), -1);
  groupWarp = emit.bitAnd(kernel.warp, 3);
  firstLane = emit.equal(kernel.lane, 0);
  LanePosition position;
  position.firstRow =
      emit.add(emit.add(emit.mul(group, groupRows), emit.mul(groupWarp, 16)),
               emit.shiftRight(kernel.lane, 2));
  position.firstColumn = emit.shiftLeft(emit.bitAnd(kernel.lane, 3), 1);
  tiles.setLane(position);
  descriptorBase = emit.createOrFold<arith::ExtUIOp>(
      emit.getI64Type(), emit.shiftRight(emit.bitAnd(kernel.base, 0x3FFFF), 4));
  if (layout.schedule.pingPong)
    emit.onlyIf(emit.equal(group, layout.consumers - 1), [&] { passTurn(); });

  Type i32 = emit.getI32Type();
  Block *tileBlock = emit.createBlock({i32, i32, i32});
  Block *go = emit.createBlock();
  Block *done = emit.createBlock();
  Value zero = emit.i32(0);
  emit.branch(tileBlock, {emit.blockId(), zero, zero});

  // A query tile; key tiles and query tiles so far.
  emit.enter(tileBlock);
  Value tile = tileBlock->getArgument(0);
  keyTiles = tileBlock->getArgument(1);
  Value queries = tileBlock->getArgument(2);
  emit.branchIf(emit.less(tile, kernel.tiles), go, {}, done, {});

  emit.enter(go);
  Scope scope(emit, &kernel.arguments);
  kernel.bindPoint(tile, scope);
  kernel.emitTopLevel(scope);
  scf::ForOp loop = layout.loop;
  emitPrologue(scope);
  HopperEmitter::Slot query = kernel.getSlot(layout.memory.query, queries);
  queryIndex = query.index;
  Value end = scope.getPosition(loop.getUpperBound());
  Value lower = scope.getPosition(loop.getLowerBound());
  emit.barrierWait(query.full, query.parity);
  Value first = nextKeyTile(lower, layout.memory.query, query.index);

  Types finishTypes = {i32};
  llvm::append_range(finishTypes, carriedTypes());
  Block *finish = emit.createBlock(finishTypes);
  Block *some = emit.createBlock();
  Values inits = {keyTiles};
  llvm::append_range(inits, initialValues());
  emit.branchIf(kernel.isKeyTile(first, end), some, {}, finish, inits);
  emit.enter(some);
  if (layout.schedule.oneBehind)
    emitLoopOneBehind(first, end, scope, finish);
  else
    emitLoopInOrder(first, end, scope, finish);

  emit.enter(finish);
  release(layout.memory.query, queries);
  bindResults(finish->getArguments().drop_front());
  emitEpilogue(scope);
  if (layout.schedule.persistent)
    emit.branch(tileBlock, {nextTile(tile, queries), finish->getArgument(0),
                            emit.add(queries, 1)});
  else
    emit.branch(done);

  emit.enter(done);
  emit.tmaStoreWait();
  emit.branch(exit);
}

void emitConsumer(HopperEmitter &kernel, Block *exit) {
  Consumer(kernel, exit).run();
}

} // namespace attn::hopper
