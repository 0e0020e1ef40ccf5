//===- Gather.cpp - Tiles that threads copy to shared memory --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each lane finds the address of one row and tells the lanes that copy it. What
// the copies take together is as much as strides allow.
//
//===----------------------------------------------------------------------===//

#include "Gather.h"

#include "ScalarEmitter.h"

using namespace mlir;

namespace attn::tensorcore {

/// A swizzle permutes the units of 16 bytes of a row.
constexpr int64_t chunkBytes = 16;
constexpr int64_t chunksOfRow = swizzleBytes / chunkBytes;
constexpr int64_t chunkColumns = chunkBytes / elementBytes;
constexpr int64_t warpSize = 32;
/// Rows of which a warp copies a block of 64 columns at a time.
constexpr int64_t rowsAtOnce = warpSize / chunksOfRow;

namespace {
class Gather {
public:
  /// With `isMixed`, rows that do not count are left out.
  Gather(Emitter &emit, const SharedTile &tile, const Copiers &copiers,
         Scope &scope, bool isMixed)
      : emit(emit), tile(tile), copiers(copiers), load(tile.load),
        view(*getView(load.getSource())), scope(scope), isMixed(isMixed) {}

  void run(Value target);

private:
  Value isValid(Value row) {
    Value valid = emit.less(row, validRows);
    return isMixed ? emit.both(valid, emitRowCounts(emit, load, row, scope))
                   : valid;
  }
  Value offsetOfRow(Value row);
  Value strideOf(size_t dimension) {
    return emit.toI64(emitIndex(emit, view.strides[dimension],
                                [&](Value value) { return scope.get(value); }));
  }
  void copyChunk(Value target, Value offset, int64_t block, Value rowIsValid);
  void readChunk(Value target, Value offset, Value column, Value rowIsValid);

  Emitter &emit;
  const SharedTile &tile;
  const Copiers &copiers;
  tile::LoadOp load;
  View view;
  Scope &scope;
  bool isMixed;
  Value chunk;     // of its row that this lane copies
  Value validRows; // of the tile
};
} // namespace

/// The offset in elements of the first column of row `row` of the tile. Its
/// page is looked up only if the row is valid.
Value Gather::offsetOfRow(Value row) {
  auto lookup = [&](Value value) { return scope.get(value); };
  Values indices = scope.getPositions(load.getIndices());
  Value &memoryRow = indices[indices.size() - 2];
  Value step = row;
  if (Value packing = load.getPacking()) {
    Value heads = scope.getPosition(packing);
    Value &head = indices[indices.size() - 3];
    head = emit.add(head, emit.remainder(row, heads));
    step = emit.divide(row, heads);
  }
  memoryRow = emit.add(memoryRow, step);
  if (Value table = load.getPageTable()) {
    OpFoldResult size = view.sizes[view.sizes.size() - 2];
    // Sizes of views fit (rule 21).
    Value pageSize = emit.toI32(emitIndex(emit, size, lookup));
    View pages = *getView(table);
    Values entry = scope.get(load.getPageIndices());
    entry.push_back(emit.divide(memoryRow, pageSize));
    Value page =
        emit.loadGlobalIf(isValid(row), lookup(pages.base),
                          emitOffset(emit, pages, entry, lookup),
                          cast<MemRefType>(table.getType()).getElementType());
    // Whatever the table holds, the page is one of the pool.
    Value count = emit.toI32(emitIndex(emit, view.sizes.front(), lookup));
    Value last = emit.sub(count, emit.i32(1));
    page = emit.createOrFold<arith::MinSIOp>(emit.toI32(page), last);
    page = emit.createOrFold<arith::MaxSIOp>(page, emit.i32(0));
    memoryRow = emit.remainder(memoryRow, pageSize);
    indices.insert(indices.begin(), page);
  }
  return emitOffset(emit, view, indices, lookup);
}

/// Reads 16 bytes element by element.
void Gather::readChunk(Value target, Value offset, Value column,
                       Value rowIsValid) {
  // One number says what of the row and of the columns is valid: predicates
  // that rows share would all stay in registers.
  Value left = emit.select(
      rowIsValid, emit.sub(scope.getPosition(load.getValid()[1]), column),
      emit.i32(0));
  Value step = strideOf(view.strides.size() - 1);
  Value start = emit.add(offset, emit.mul(emit.toI64(column), step));
  auto read = [&](int64_t number) {
    Value element = emit.loadGlobalIf(
        emit.less(emit.i32(number), left), scope.get(view.base),
        emit.add(start, emit.mul(step, number)), emit.getI16Type());
    return emit.createOrFold<arith::ExtUIOp>(emit.getI32Type(), element);
  };
  Values words;
  for (int64_t number = 0; number < chunkColumns; number += 2) {
    Value low = read(number);
    Value high = emit.shiftLeft(read(number + 1), 16);
    words.push_back(emit.createOrFold<arith::OrIOp>(low, high));
  }
  emit.storeShared16(target, words);
}

/// Brings this lane's chunk of a row to `target`.
void Gather::copyChunk(Value target, Value offset, int64_t block,
                       Value rowIsValid) {
  Value ownColumn = emit.mul(chunk, chunkColumns);
  Value column = emit.add(ownColumn, block * swizzleColumns);
  if (tile.unit == elementBytes)
    return readChunk(target, offset, column, rowIsValid);
  Value validColumns = scope.getPosition(load.getValid()[1]);
  std::optional<int64_t> known = getConstantIntValue(load.getValid()[1]);
  bool isWhole = known && (block + 1) * swizzleColumns <= *known;
  Value left = emit.mul(emit.sub(validColumns, column), elementBytes);
  // Blocks lie at constants from one address.
  Value start =
      emit.add(emit.add(offset, emit.toI64(ownColumn)), block * swizzleColumns);
  Value zero = emit.i32(0), all = emit.i32(tile.unit);
  for (int64_t byte = 0; byte < chunkBytes; byte += tile.unit) {
    Value bytes =
        isWhole ? all
                : emit.smaller(emit.larger(emit.add(left, -byte), zero), all);
    emit.copyAsync(emit.add(target, byte), scope.get(view.base),
                   emit.add(start, byte / elementBytes), emit.getI16Type(),
                   tile.unit, emit.select(rowIsValid, bytes, zero));
  }
}

void Gather::run(Value target) {
  validRows = scope.getPosition(load.getValid()[0]);
  int64_t rows = tile.type().getRows();
  int64_t rowsOfWarp =
      llvm::alignTo(llvm::divideCeil(rows, copiers.warps), rowsAtOnce);
  bool isEven = rowsOfWarp * copiers.warps == rows;
  bool isScattered = load.getPageTable() || load.getPacking();
  chunk = emit.bitAnd(copiers.lane, chunksOfRow - 1);
  Value rowAtOnce = emit.divide(copiers.lane, emit.i32(chunksOfRow));
  Value firstRow = emit.mul(copiers.warp, rowsOfWarp);
  Value stepOfRows = emit.mul(strideOf(view.strides.size() - 2), rowsAtOnce);
  for (int64_t base = 0; base < rowsOfWarp; base += warpSize) {
    // Where that takes long, each lane finds one row and tells the lanes that
    // copy it.
    Value start = emit.add(firstRow, base);
    Value found;
    if (isScattered)
      found = offsetOfRow(emit.add(start, copiers.lane));
    // Every fourth row has one of two swizzles, so that places of all rows are
    // constants from two addresses.
    Value ownRow = emit.add(start, rowAtOnce);
    Value ownPlace = emit.add(target, emit.mul(ownRow, swizzleBytes));
    Value ownChunk = emit.bitXor(chunk, emit.bitAnd(ownRow, chunksOfRow - 1));
    auto copyRow = [&](Value first, Value row, Value offset) {
      Value rowIsValid = isValid(row);
      Value swizzled =
          emit.bitXor(ownChunk, emit.bitAnd(first, chunksOfRow - 1));
      Value place = emit.add(emit.add(ownPlace, emit.mul(swizzled, chunkBytes)),
                             emit.mul(first, swizzleBytes));
      for (int64_t block = 0; block < tile.blocks(); ++block)
        copyChunk(emit.add(place, block * tile.blockBytes()), offset, block,
                  rowIsValid);
    };
    auto copyRows = [&](Value first, Value offset) {
      Value row = emit.add(ownRow, first);
      if (isScattered)
        offset = emit.shuffleFrom(found, emit.add(rowAtOnce, first));
      else if (!offset)
        offset = offsetOfRow(row);
      if (isEven)
        copyRow(first, row, offset);
      else
        emit.onlyIf(emit.less(row, emit.i32(rows)),
                    [&] { copyRow(first, row, offset); });
    };
    int64_t end = std::min(rowsOfWarp - base, warpSize);
    if (tile.unit == elementBytes) {
      // What is read passes through registers, of which there are few.
      emit.repeat(end, rowsAtOnce, [&](Value first) { copyRows(first, {}); });
      continue;
    }
    // A product of 64 bits takes longer than a sum.
    Value offset = isScattered ? Value() : offsetOfRow(ownRow);
    for (int64_t first = 0; first < end; first += rowsAtOnce) {
      copyRows(emit.i32(first), offset);
      if (offset)
        offset = emit.add(offset, stepOfRows);
    }
  }
}

void emitGather(Emitter &emit, const SharedTile &tile, Value target,
                const Copiers &copiers, Scope &scope) {
  auto gather = [&](bool isMixed) {
    Scope inner(emit, &scope);
    Gather(emit, tile, copiers, inner, isMixed).run(target);
  };
  tile::LoadOp load = tile.load;
  if (!load.getMixed())
    return gather(false);
  // A copy of its own for tiles of which all rows count keeps those fast.
  Block *mixed = emit.createBlock();
  Block *whole = emit.createBlock();
  Block *join = emit.createBlock();
  emit.branchIf(scope.get(load.getMixed()), mixed, {}, whole, {});
  for (Block *block : {mixed, whole}) {
    emit.enter(block);
    gather(block == mixed);
    emit.branch(join);
  }
  emit.enter(join);
}

} // namespace attn::tensorcore
