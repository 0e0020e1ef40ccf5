//===- MMAEmitter.cpp - One kernel on mma.sync ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With two buffers, the loop over key tiles has one barrier a tile: behind it
// the copies of the next tile start, into the buffers that all warps have left.
// With one, the copies of v run under the first product, those of k under the
// rest.
//
//===----------------------------------------------------------------------===//

#include "MMAEmitter.h"

#include "../TensorCore/Gather.h"
#include "../TensorCore/LaunchInfo.h"
#include "../TensorCore/TileEmitter.h"

using namespace mlir;

namespace attn::mma {

namespace {

/// Columns, or rows, that one ldmatrix of four 8x8 matrices covers.
constexpr int64_t matrixStep = 16;
/// Steps of 16 columns in a swizzled block.
constexpr int64_t stepsOfBlock = swizzleColumns / matrixStep;
constexpr int64_t chunkBytes = 16;

class MMAEmitter : public TileEmitter {
public:
  MMAEmitter(Emitter &emit, MMALayout &layout)
      : TileEmitter(emit, layout), layout(layout), frame(emit, layout) {}

  void run();

private:
  /// Where a lane's ldmatrix reads in a block: at the start of its row, for
  /// each step of 16 columns.
  struct Lanes {
    Value offsets[stepsOfBlock];
  };
  Lanes makeLanes(Value row, Value half);
  /// Their addresses in a tile at `start`, which begins at a multiple of a row.
  Lanes makeAddresses(const Lanes &lanes, Value start, bool keepsOffsets);
  /// 16x16 elements at (16 row, 16 column) of a tile, read at `addresses`.
  Values loadMatrices(const SharedTile &tile, const Lanes &addresses,
                      int64_t row, int64_t column, bool transpose);
  /// The left operand of the score product for each group of rows.
  SmallVector<Values> loadQuery(int64_t column);
  Values emitScores(Value start);
  Values emitSums(Value start, ArrayRef<Value> probabilities,
                  ValueRange accumulators);
  void multiply(ArrayRef<Values> a, ArrayRef<Value> b, int64_t column,
                Type elementType, MutableArrayRef<Value> sums);

  /// Starts the copies of a tile to its buffer `index`.
  void load(const SharedTile &tile, int64_t offset, Value index, Scope &scope);
  /// The same for key and value tiles of a position of the loop.
  void loadKeys(Value position, Value index, Scope &scope);
  void loadValues(Value position, Value index, Scope &scope);
  /// Waits until the copies of all threads are there.
  void waitForCopies() {
    emit.copyAsyncWait(0);
    emit.syncThreads();
  }
  Value buffer(const SharedTile &tile, int64_t offset, Value index) {
    return emit.add(frame.address(offset), emit.mul(index, tile.bytes()));
  }
  void emitLoop(Value first, Value end, Scope &scope, Block *finish);

  void bindThread(Value thread);

  MMALayout &layout;
  KernelFrame frame;
  Lanes tall; // matrices below each other first: q, and v transposed
  Lanes wide; // matrices beside each other first: k
  SmallVector<SmallVector<Values>> query; // empty: not in registers
};

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

MMAEmitter::Lanes MMAEmitter::makeLanes(Value row, Value half) {
  // The swizzle permutes chunks of 16 bytes by the row modulo 8, which is the
  // lane modulo 8; it leaves alone which 16 of 64 columns are meant only up to
  // an exclusive or.
  Value chunk = emit.bitXor(half, emit.bitAnd(frame.lane, 7));
  Lanes lanes;
  for (int64_t step = 0; step < stepsOfBlock; ++step)
    lanes.offsets[step] =
        emit.add(emit.mul(row, swizzleBytes),
                 emit.mul(emit.bitXor(chunk, emit.i32(2 * step)), chunkBytes));
  return lanes;
}

/// All follow from the first by an exclusive or, too: no offset of a step need
/// be kept from one tile to the next.
MMAEmitter::Lanes MMAEmitter::makeAddresses(const Lanes &lanes, Value start,
                                            bool keepsOffsets) {
  Lanes addresses;
  Value first = emit.add(start, lanes.offsets[0]);
  for (int64_t step = 0; step < stepsOfBlock; ++step)
    addresses.offsets[step] =
        keepsOffsets ? emit.add(start, lanes.offsets[step])
                     : emit.bitXor(first, emit.i32(2 * step * chunkBytes));
  return addresses;
}

Values MMAEmitter::loadMatrices(const SharedTile &tile, const Lanes &addresses,
                                int64_t row, int64_t column, bool transpose) {
  int64_t offset = column / stepsOfBlock * tile.blockBytes() +
                   row * matrixStep * swizzleBytes;
  Value address = addresses.offsets[column % stepsOfBlock];
  return emit.loadMatrix(emit.add(address, offset), transpose);
}

SmallVector<Values> MMAEmitter::loadQuery(int64_t column) {
  int64_t warpBytes = layout.groups * groupRows * swizzleBytes;
  Value start = emit.add(frame.address(layout.queryOffset),
                         emit.mul(frame.warp, warpBytes));
  Lanes lanes = makeAddresses(tall, start, !layout.sparesRegisters);
  SmallVector<Values> groups;
  for (int64_t group = 0; group < layout.groups; ++group)
    groups.push_back(loadMatrices(layout.query, lanes, group, column,
                                  /*transpose=*/false));
  return groups;
}

/// Multiplies `a`, an operand for each group of rows, by `b`, two operands of 8
/// columns from `column` on, and adds the products to `sums`.
void MMAEmitter::multiply(ArrayRef<Values> a, ArrayRef<Value> b, int64_t column,
                          Type elementType, MutableArrayRef<Value> sums) {
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t group = 0; group < layout.groups; ++group) {
      int64_t first = 4 * (layout.groups * (column / 8 + half) + group);
      MutableArrayRef<Value> part = sums.slice(first, 4);
      llvm::copy(emit.mma(elementType, a[group], b.slice(2 * half, 2), part),
                 part.begin());
    }
}

/// scores = q k^T for the keys at `start`.
Values MMAEmitter::emitScores(Value start) {
  tile::TileType type = layout.key.type();
  // A tile begins with these: nothing hides what computing them again takes.
  Lanes keys = makeAddresses(wide, start, /*keepsOffsets=*/true);
  Values scores(layout.groups * type.getRows() / 2, emit.f32(0));
  for (int64_t column = 0; column < type.getCols() / matrixStep; ++column) {
    SmallVector<Values> a =
        layout.schedule.queryInRegisters ? query[column] : loadQuery(column);
    for (int64_t row = 0; row < type.getRows() / matrixStep; ++row)
      multiply(a,
               loadMatrices(layout.key, keys, row, column,
                            /*transpose=*/false),
               row * matrixStep, type.getElementType(), scores);
  }
  return scores;
}

/// accumulators + probabilities v for the values at `start`.
Values MMAEmitter::emitSums(Value start, ArrayRef<Value> probabilities,
                            ValueRange accumulators) {
  tile::TileType type = layout.value.type();
  Lanes lanes = makeAddresses(tall, start, !layout.sparesRegisters);
  Values sums(accumulators);
  for (int64_t row = 0; row < type.getRows() / matrixStep; ++row) {
    // Two accumulators beside each other are a left operand.
    SmallVector<Values> a(layout.groups);
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t group = 0; group < layout.groups; ++group)
        llvm::append_range(
            a[group], probabilities.slice(
                          2 * (layout.groups * (2 * row + half) + group), 2));
    for (int64_t column = 0; column < type.getCols() / matrixStep; ++column)
      multiply(a,
               loadMatrices(layout.value, lanes, row, column,
                            /*transpose=*/true),
               column * matrixStep, type.getElementType(), sums);
  }
  return sums;
}

//===----------------------------------------------------------------------===//
// The loop over key tiles
//===----------------------------------------------------------------------===//

void MMAEmitter::load(const SharedTile &tile, int64_t offset, Value index,
                      Scope &scope) {
  // Nothing of this is kept from one tile to the next: it would take registers
  // from the products.
  Value thread = emit.threadIdAnew();
  Scope inner(emit, &scope);
  for (Value place : tile::LoadOp(tile.load).getIndices().drop_back(2))
    inner.bind(place, emit.anew(scope.getPosition(place)));
  emitGather(emit, tile, buffer(tile, offset, index),
             {emit.shiftRight(thread, 5), emit.bitAnd(thread, warpSize - 1),
              layout.warps},
             inner);
}

void MMAEmitter::loadKeys(Value position, Value index, Scope &scope) {
  Scope inner(emit, &scope);
  frame.bindPosition(position, inner);
  load(layout.key, layout.keyOffset, index, inner);
}

void MMAEmitter::loadValues(Value position, Value index, Scope &scope) {
  Scope inner(emit, &scope);
  frame.bindPosition(position, inner);
  load(layout.value, layout.valueOffset, index, inner);
}

void MMAEmitter::emitLoop(Value first, Value end, Scope &scope, Block *finish) {
  bool twoBuffers = layout.schedule.stages == 2;
  Type i32 = emit.getI32Type();
  Value zero = emit.i32(0);
  load(layout.query, layout.queryOffset, zero, scope);
  emit.copyAsyncCommit();
  loadKeys(first, zero, scope);
  if (twoBuffers)
    loadValues(first, zero, scope);
  emit.copyAsyncCommit();
  if (layout.schedule.queryInRegisters) {
    emit.copyAsyncWait(1);
    emit.syncThreads();
    for (int64_t column = 0;
         column < layout.query.type().getCols() / matrixStep; ++column)
      query.push_back(loadQuery(column));
  }

  // A position, its buffer, what the loop carries.
  Types types = {i32, i32};
  llvm::append_range(types, carriedTypes());
  Values arguments = {first, zero};
  llvm::append_range(arguments, initialValues());
  Block *head = emit.createBlock(types);
  emit.branch(head, arguments);
  emit.enter(head);
  Value position = head->getArgument(0);
  Value index = head->getArgument(1);
  Value following = frame.advance(emit.add(position, 1), end, scope);
  Value more = emit.less(following, end);
  Value next = twoBuffers ? emit.bitXor(index, emit.i32(1)) : index;
  waitForCopies();
  if (twoBuffers)
    emit.onlyIf(more, [&] {
      loadKeys(following, next, scope);
      loadValues(following, next, scope);
    });
  else
    loadValues(position, index, scope);
  emit.copyAsyncCommit();

  Scope inner(emit, &scope);
  KeyTile found = frame.bindPosition(position, inner);
  emitVersions(found.full, [&](Full full) {
    bindCarried(head->getArguments().drop_front(2));
    tile::DotOp scoreDot = layout.scoreDot, valueDot = layout.valueDot;
    Values scores = emitScores(buffer(layout.key, layout.keyOffset, index));
    tiles.bind(scoreDot.getResult(),
               tiles.gather(scores, scoreDot.getType(), false));
    if (!twoBuffers) {
      waitForCopies();
      emit.onlyIf(more, [&] { loadKeys(following, next, scope); });
      emit.copyAsyncCommit();
    }
    Scope version(emit, &inner);
    emitStatistics(full, version);
    Values probabilities = emitPreparation(version);
    Values sums = emitSums(
        buffer(layout.value, layout.valueOffset, index), probabilities,
        tiles.spread(tiles.get(valueDot.getAcc()), valueDot.getType()));
    // Between the products these would hold the second up: what it waits for
    // then comes late where registers are few.
    emitAfterProducts(full, version);
    tiles.bind(valueDot.getAcc(),
               tiles.gather(sums, valueDot.getType(), false));
    Values results = carriedValues();
    Values again = {following, next};
    llvm::append_range(again, results);
    emit.branchIf(more, head, again, finish, results);
  });
}

void MMAEmitter::bindThread(Value thread) {
  frame.thread = thread;
  frame.warp = emit.broadcastLane0(emit.shiftRight(thread, 5));
  frame.lane = emit.bitAnd(thread, warpSize - 1);
  LanePosition position;
  position.groups = layout.groups;
  position.firstRow = emit.add(emit.mul(frame.warp, layout.groups * groupRows),
                               emit.shiftRight(frame.lane, 2));
  position.firstColumn = emit.shiftLeft(emit.bitAnd(frame.lane, 3), 1);
  position.comparedColumn =
      layout.sparesRegisters ? emit.shiftLeft(emit.bitAnd(emit.laneId(), 3), 1)
                             : position.firstColumn;
  tiles.setLane(position);
}

void MMAEmitter::run() {
  constexpr StringRef sharedName = "attn_shared";
  emit.createSharedMemory(sharedName);
  LaunchInfo info(layout);
  for (const SharedTile *tile : {&layout.query, &layout.key, &layout.value})
    info.requireUnit(*getView(tile::LoadOp(tile->load).getSource()),
                     tile->unit);
  for (tile::StoreOp store : layout.kernel.getOps<tile::StoreOp>())
    info.requireStore(store);
  frame.createKernel(
      {}, layout.threads(), layout.schedule.blocks,
      info.get(layout.threads(), layout.sharedBytes, tile::GridOrder::Flat),
      layout.describe());
  frame.base = emit.sharedBase(sharedName);
  bindThread(emit.threadId());
  // Lanes 0-7, 8-15, ... give the rows of the four matrices.
  Value low = emit.bitAnd(frame.lane, 8), high = emit.bitAnd(frame.lane, 16);
  Value inEight = emit.bitAnd(frame.lane, 7);
  tall = makeLanes(emit.add(inEight, low), emit.shiftRight(high, 4));
  wide = makeLanes(emit.add(inEight, emit.shiftRight(high, 1)),
                   emit.shiftRight(low, 3));

  Scope scope(emit, &frame.arguments);
  frame.bindPoint(emit.blockId(), layout.schedule, scope);
  frame.emitTopLevel(scope);
  emitPrologue(scope);
  Value end = scope.getPosition(layout.loop.getUpperBound());
  Value first =
      frame.advance(scope.getPosition(layout.loop.getLowerBound()), end, scope);
  Block *some = emit.createBlock();
  Block *finish = emit.createBlock(carriedTypes());
  emit.branchIf(emit.less(first, end), some, {}, finish, initialValues());
  emit.enter(some);
  emitLoop(first, end, scope, finish);
  emit.enter(finish);
  bindResults(finish->getArguments());
  // What the epilogue needs of the point is computed again: kept, it would take
  // registers from the loop.
  bindThread(emit.threadIdAnew());
  Scope after(emit, &frame.arguments);
  frame.bindPoint(emit.blockIdAnew(), layout.schedule, after);
  frame.emitTopLevel(after);
  emitEpilogue(after);
  emit.exit();
}

} // namespace

void emitKernel(Emitter &emit, MMALayout &layout) {
  MMAEmitter(emit, layout).run();
}

} // namespace attn::mma
