//===- Producer.cpp - The warps that load tiles ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Brings q, k and v tiles to shared memory, keys one tile ahead of values, and
// hands out query tiles to the block. One warp does it by TMA. Where a tile has
// to be gathered, all warps of the producer's warpgroup copy it together, and
// the first one does the rest.
//
//===----------------------------------------------------------------------===//

#include "HopperEmitter.h"
#include "Lookahead.h"

#include "../TensorCore/Gather.h"

using namespace mlir;

namespace attn::hopper {

class Producer {
public:
  Producer(HopperEmitter &kernel, Block *exit)
      : kernel(kernel), emit(kernel.emit), layout(kernel.layout), exit(exit) {}

  void run();

private:
  /// Loads `tile` into its ring as the `count`-th one. `following`, if any, is
  /// the key tile that comes after it.
  void load(SharedTile &tile, const Ring &ring, Value count, Emitter::L2 hint,
            Scope &scope, Value following);
  /// As load, but rows past the valid ones and rows that the load leaves out
  /// become zero even where memory has something: what a probability of zero
  /// meets must be finite.
  Value loadCleared(Value count, Value clears, Scope &scope);
  void issue(SharedTile &tile, const Ring &ring, Value index, Value barrier,
             Emitter::L2 hint, Scope &scope);
  void gather(SharedTile &tile, const Ring &ring, Value count, Scope &scope,
              Value following = {});
  void tell(const Ring &ring, Value index, Value following);
  void finishGathers(int64_t inFlight);
  /// Other query tiles read the keys and values soon, unless this block has a
  /// part of them for itself.
  Emitter::L2 keysHint() {
    return matchPattern(layout.loop.getLowerBound(), m_Zero())
               ? Emitter::L2::evictLast
               : Emitter::L2::evictFirst;
  }
  /// Emits what only the first warp does, if there are others.
  void onFirstWarp(llvm::function_ref<void()> body);
  Value target(const Ring &ring, Value index) {
    return emit.add(kernel.address(ring.data), emit.mul(index, ring.bytes));
  }
  void clearRows(Value index, Value valid);
  void clearLeftOut(Value index, Scope &scope);
  Value nextTile(Value tile, Value tiles);

  HopperEmitter &kernel;
  Emitter &emit;
  HopperLayout &layout;
  Block *exit;
  Value leader;
  /// The full barrier of the last gathered tile, whose copies may be in flight;
  /// 0 or null if there is none.
  Value gathered;
};

void Producer::onFirstWarp(llvm::function_ref<void()> body) {
  if (layout.producerWarps() == 1)
    return body();
  emit.onlyIf(emit.equal(kernel.warp, 0), body);
}

/// Announces the last gathered tile once its copies are done. wgmma reads
/// through the async proxy, so those who wrote pass a fence first.
void Producer::finishGathers(int64_t inFlight) {
  if (!gathered)
    return;
  emit.copyAsyncWait(inFlight);
  emit.fenceAsyncShared();
  emit.syncWarp();
  emit.barrierArriveIf(
      emit.both(emit.equal(kernel.lane, 0), emit.less(emit.i32(0), gathered)),
      gathered);
  gathered = Value();
}

/// Stores what the tile's full barrier will announce, too; by the leader.
void Producer::tell(const Ring &ring, Value index, Value following) {
  if (following)
    emit.storeSharedI32(kernel.following(ring, index), following);
}

/// Copies a tile, and announces the one before it: one is always in flight.
void Producer::gather(SharedTile &tile, const Ring &ring, Value count,
                      Scope &scope, Value following) {
  // With one buffer the consumers give it back only after the last tile.
  if (ring.stages == 1)
    finishGathers(0);
  HopperEmitter::Slot slot = kernel.getSlot(ring, count);
  emit.barrierWait(slot.empty, emit.bitXor(slot.parity, emit.i32(1)));
  emitGather(emit, tile, target(ring, slot.index),
             {kernel.warp, kernel.lane, layout.producerWarps()}, scope);
  emit.copyAsyncCommit();
  if (following)
    emit.onlyIf(leader, [&] { tell(ring, slot.index, following); });
  finishGathers(1);
  gathered = slot.full;
}

void Producer::issue(SharedTile &tile, const Ring &ring, Value index,
                     Value barrier, Emitter::L2 hint, Scope &scope) {
  emit.barrierExpect(barrier, tile.bytes());
  tile::LoadOp load = tile.load;
  Values coordinates = scope.getPositions(load.getIndices());
  std::reverse(coordinates.begin(), coordinates.end());
  Value column = coordinates[0];
  Value start = target(ring, index);
  for (int64_t block = 0; block < tile.blocks(); ++block) {
    coordinates[0] = emit.add(column, block * swizzleColumns);
    emit.tmaLoad(kernel.loadMaps.lookup(&tile),
                 emit.add(start, block * tile.blockBytes()), barrier,
                 coordinates, hint);
  }
}

void Producer::load(SharedTile &tile, const Ring &ring, Value count,
                    Emitter::L2 hint, Scope &scope, Value following) {
  if (layout.isGathered(tile))
    return gather(tile, ring, count, scope, following);
  finishGathers(0);
  HopperEmitter::Slot slot = kernel.getSlot(ring, count);
  onFirstWarp([&] {
    emit.barrierWait(slot.empty, emit.bitXor(slot.parity, emit.i32(1)));
    emit.onlyIf(leader, [&] {
      tell(ring, slot.index, following);
      issue(tile, ring, slot.index, slot.full, hint, scope);
    });
  });
}

void Producer::clearRows(Value index, Value valid) {
  // Units of 16 bytes; a swizzle permutes those of a row among themselves.
  constexpr int64_t unit = 16;
  constexpr int64_t unitsOfRow = swizzleBytes / unit;
  Value start = target(layout.memory.value, index);
  Value end = emit.i32(layout.value.type().getRows() * unitsOfRow);
  Block *test = emit.createBlock(emit.getI32Type());
  Block *body = emit.createBlock();
  Block *done = emit.createBlock();
  Value rows = emit.larger(valid, emit.i32(0));
  emit.branch(test, emit.add(emit.mul(rows, unitsOfRow), kernel.lane));
  emit.enter(test);
  Value position = test->getArgument(0);
  emit.branchIf(emit.less(position, end), body, {}, done, {});
  emit.enter(body);
  Value place = emit.add(start, emit.mul(position, unit));
  for (int64_t block = 0; block < layout.value.blocks(); ++block)
    emit.storeSharedZero16(emit.add(place, block * layout.value.blockBytes()));
  emit.branch(test, emit.add(position, 32));
  emit.enter(done);
}

/// Each lane clears the rows that it finds to be left out.
void Producer::clearLeftOut(Value index, Scope &scope) {
  constexpr int64_t unit = 16, warpSize = 32;
  SharedTile &tile = layout.value;
  int64_t rows = tile.type().getRows();
  Value start = target(layout.memory.value, index);
  emit.repeat(rows, warpSize, [&](Value first) {
    Value row = emit.add(first, kernel.lane);
    Value counts = emitRowCounts(emit, tile.load, row, scope);
    Value isLeftOut = emit.createOrFold<arith::XOrIOp>(counts, emit.i1(true));
    if (rows % warpSize != 0)
      isLeftOut = emit.both(isLeftOut, emit.less(row, emit.i32(rows)));
    emit.onlyIf(isLeftOut, [&] {
      Value place = emit.add(start, emit.mul(row, swizzleBytes));
      for (int64_t block = 0; block < tile.blocks(); ++block)
        for (int64_t byte = 0; byte < swizzleBytes; byte += unit)
          emit.storeSharedZero16(
              emit.add(place, block * tile.blockBytes() + byte));
    });
  });
}

Value Producer::loadCleared(Value count, Value clears, Scope &scope) {
  SharedTile &tile = layout.value;
  const Ring &ring = layout.memory.value;
  if (layout.isGathered(tile)) {
    gather(tile, ring, count, scope);
    return clears;
  }
  finishGathers(0);
  tile::LoadOp load = tile.load;
  HopperEmitter::Slot slot = kernel.getSlot(ring, count);
  onFirstWarp([&] {
    emit.barrierWait(slot.empty, emit.bitXor(slot.parity, emit.i32(1)));
  });
  Value valid = scope.getPosition(load.getValid()[0]);
  Value partial = emit.less(valid, emit.i32(tile.type().getRows()));
  Value mixed;
  if (load.getMixed()) {
    mixed = scope.get(load.getMixed());
    partial = emit.createOrFold<arith::OrIOp>(partial, mixed);
  }
  Block *whole = emit.createBlock();
  Block *cut = emit.createBlock();
  Block *join = emit.createBlock(emit.getI32Type());
  emit.branchIf(partial, cut, {}, whole, {});

  emit.enter(whole);
  emit.onlyIf(leader, [&] {
    issue(tile, ring, slot.index, slot.full, keysHint(), scope);
  });
  emit.branch(join, clears);

  emit.enter(cut);
  Value barrier = kernel.address(layout.memory.zeroing);
  emit.onlyIf(leader, [&] {
    issue(tile, ring, slot.index, barrier, keysHint(), scope);
  });
  onFirstWarp([&] {
    emit.barrierWait(barrier, emit.bitAnd(clears, 1));
    clearRows(slot.index, valid);
    if (mixed)
      emit.onlyIf(mixed, [&] { clearLeftOut(slot.index, scope); });
    emit.fenceAsyncShared();
    emit.syncWarp();
    emit.onlyIf(leader, [&] { emit.barrierArrive(slot.full); });
  });
  emit.branch(join, emit.add(clears, 1));

  emit.enter(join);
  return join->getArgument(0);
}

/// Fetches the next query tile and publishes it; `tiles` were done so far.
Value Producer::nextTile(Value tile, Value tiles) {
  if (!layout.fetchesTiles())
    return emit.add(tile, emit.gridSize());
  const SharedMemory &memory = layout.memory;
  emit.syncWarp(); // every lane has read the previous tile
  Value empty = kernel.address(memory.scheduler + 16);
  Value slot = kernel.address(memory.scheduler);
  onFirstWarp([&] {
    emit.barrierWait(empty, emit.bitXor(emit.bitAnd(tiles, 1), emit.i32(1)));
    emit.onlyIf(leader, [&] {
      Value old = emit.atomicIncrement(kernel.counter);
      // Every block fetches until it gets a tile past the end, so the fetches
      // of a grid are as many as the tiles: the last one resets the counter.
      Value last = emit.equal(emit.sub(old, kernel.tiles), -1);
      emit.onlyIf(last, [&] { emit.resetCounter(kernel.counter); });
      emit.storeSharedI32(slot, emit.add(old, emit.gridSize()));
      emit.barrierArrive(kernel.address(memory.scheduler + 8));
    });
  });
  emit.barrierWait(kernel.address(memory.scheduler + 8), emit.bitAnd(tiles, 1));
  Value next = emit.loadSharedI32(slot);
  if (layout.producerWarps() > 1)
    emit.barrierArriveIf(emit.both(emit.equal(kernel.lane, 0),
                                   emit.less(emit.i32(0), kernel.warp)),
                         empty);
  return next;
}

// Long, because it is one control flow graph, block after block.
void Producer::run() {
  if (layout.producerRegisters)
    emit.setMaxRegisters(layout.producerRegisters, /*increase=*/false);
  Type i32 = emit.getI32Type();
  Block *work = emit.createBlock();
  Block *tileBlock = emit.createBlock({i32, i32, i32, i32});
  Block *go = emit.createBlock();
  Block *done = emit.createBlock();
  if (layout.gathers())
    emit.branch(work);
  else
    emit.branchIf(emit.equal(kernel.warp, 0), work, {}, exit, {});

  emit.enter(work);
  leader = emit.equal(layout.gathers() ? kernel.thread : kernel.lane, 0);
  Value zero = emit.i32(0);
  emit.branch(tileBlock, {emit.blockId(), zero, zero, zero});

  // A query tile; key tiles, query tiles and cleared tiles so far.
  emit.enter(tileBlock);
  Value tile = tileBlock->getArgument(0);
  Value count = tileBlock->getArgument(1);
  Value queries = tileBlock->getArgument(2);
  Value clears = tileBlock->getArgument(3);
  emit.branchIf(emit.less(tile, kernel.tiles), go, {}, done, {});

  emit.enter(go);
  Scope scope(emit, &kernel.arguments);
  kernel.bindPoint(tile, scope);
  kernel.emitTopLevel(scope);
  scf::ForOp loop = layout.loop;
  auto loadQuery = [&](Value first) {
    load(layout.query, layout.memory.query, queries, Emitter::L2::evictFirst,
         scope, first);
  };
  auto loadKey = [&](Value name, Value number, Value following) {
    Scope inner(emit, &scope);
    kernel.bindKeyTile(name, inner);
    load(layout.key, layout.memory.key, number, keysHint(), inner, following);
  };
  // The walk over key tiles is one tile ahead of loads if there is a predicate.
  std::optional<Lookahead> walk;
  Value end, first, second;
  if (layout.hasPredicate()) {
    end = scope.getPosition(loop.getUpperBound());
    walk.emplace(kernel, scope.getPosition(loop.getLowerBound()), end, scope);
    first = walk->next();
    loadQuery(first);
  } else {
    loadQuery(Value());
    end = scope.getPosition(loop.getUpperBound());
    first = scope.getPosition(loop.getLowerBound());
  }

  // What goes along where control flow joins, behind a block's own arguments.
  SmallVector<Value *> state;
  if (layout.gathers())
    state.push_back(&gathered);
  if (walk) {
    state.push_back(&second);
    llvm::append_range(state, walk->state());
  }
  auto enterBlock = [&](Block *block) {
    emit.enter(block);
    ValueRange arguments = block->getArguments().take_back(state.size());
    for (auto [variable, argument] : llvm::zip_equal(state, arguments))
      *variable = argument;
  };
  auto passOn = [&](Values arguments) {
    for (Value *variable : state)
      arguments.push_back(*variable ? *variable : zero);
    return arguments;
  };
  auto createJoin = [&](size_t count) {
    return emit.createBlock(emit.repeated(i32, count + state.size()));
  };
  Block *head = emit.createBlock();
  Block *body = createJoin(3);
  Block *ahead = emit.createBlock();
  Block *behind = createJoin(0);
  Block *finish = createJoin(2);
  emit.branchIf(kernel.isKeyTile(first, end), head, {}, finish,
                passOn({count, clears}));
  emit.enter(head);
  if (walk)
    second = walk->next();
  loadKey(first, count, second);
  emit.branch(body, passOn({first, count, clears}));

  // The key tile of `position` is on its way: load the next key tile, then the
  // value tile of this position.
  enterBlock(body);
  Value position = body->getArgument(0);
  Value number = body->getArgument(1);
  Value following = walk ? second : emit.add(position, 1);
  Value more = kernel.isKeyTile(following, end);
  emit.branchIf(more, ahead, {}, behind, passOn({}));
  emit.enter(ahead);
  if (walk)
    second = walk->next();
  loadKey(following, emit.add(number, 1), second);
  emit.branch(behind, passOn({}));
  enterBlock(behind);
  Scope inner(emit, &scope);
  kernel.bindKeyTile(position, inner);
  Value cleared = loadCleared(number, body->getArgument(2), inner);
  Value numberAfter = emit.add(number, 1);
  emit.branchIf(more, body, passOn({following, numberAfter, cleared}), finish,
                passOn({numberAfter, cleared}));

  enterBlock(finish);
  finishGathers(0);
  if (layout.schedule.persistent)
    emit.branch(tileBlock, {nextTile(tile, queries), finish->getArgument(0),
                            emit.add(queries, 1), finish->getArgument(1)});
  else
    emit.branch(done);
  emit.enter(done);
  emit.branch(exit);
}

void emitProducer(HopperEmitter &kernel, Block *exit) {
  Producer(kernel, exit).run();
}

} // namespace attn::hopper
