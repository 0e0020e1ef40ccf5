//===- Results.cpp - What is known of rows, and their results -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Results.h.
//
//===----------------------------------------------------------------------===//

#include "Results.h"
#include "KeyLoops.h"

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::TileType;

RowState Results::allocateStates() {
  Addresses &a = addresses;
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(a.batch),
                                     getAsOpFoldResult(a.groups),
                                     getAsOpFoldResult(a.rows)};
  RowState memory;
  memory.max = allocateF32(b, sizes);
  memory.sum = allocateF32(b, sizes);
  sizes.push_back(b.getIndexAttr(op.getValueHeadSize()));
  memory.acc = allocateF32(b, sizes);
  return memory;
}

void Results::storeState(const Worker &w, const RowState &state,
                         const RowState &memory) {
  AddressMap map = addresses.states(w, w.firstRow);
  map.store(b, state.max, memory.max, w.firstRow);
  map.store(b, state.sum, memory.sum, w.firstRow);
  map.store(b, state.acc, memory.acc, w.firstRow, addresses.zero,
            IndexBuilder{b}.constant(op.getValueHeadSize()));
}

Results::Columns Results::allColumns() {
  return {addresses.zero, IndexBuilder{b}.constant(op.getValueHeadSize()),
          Value()};
}

/// A grid that finishes rows one by one: of packed heads each lies elsewhere,
/// and where keys are split it has several states, too many for one worker to
/// combine those of a tile. Even those of a row are many, so that blocks share
/// its columns where that is wanted and leaves none over.
void Results::buildRowGrid(const RowState &memory, int64_t sharedColumns,
                           int64_t rowMultiple, int64_t headMultiple) {
  IndexBuilder index{b};
  Addresses &a = addresses;
  int64_t size = op.getValueHeadSize(), padded = padHead(size, headMultiple);
  bool shares =
      sharedColumns && size > sharedColumns && size % sharedColumns == 0;
  int64_t width = shares ? sharedColumns : padded;
  int64_t blocks = shares ? size / sharedColumns : 1;
  SmallVector<OpFoldResult> grid = {
      getAsOpFoldResult(a.batch), getAsOpFoldResult(a.groups),
      getAsOpFoldResult(index.mul(a.rows, blocks))};
  auto forall = scf::ForallOp::create(b, grid, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  SmallVector<Value> point(forall.getInductionVars());
  Value row = point[2];
  Columns columns = allColumns();
  if (shares) {
    Value divisor = index.constant(blocks);
    row = index.divUnsigned(point[2], divisor);
    Value block = index.remUnsigned(point[2], divisor);
    columns.first = index.mul(block, width);
    columns.count = index.constant(width);
    columns.areFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, block, a.zero);
  }
  Worker w = a.workerOfRow(point[0], point[1], row);
  AddressMap map = a.states(w, row);
  // Every row has states of its own, so one row of the tile is used.
  auto tileOfF32 = [&](ArrayRef<int64_t> shape) {
    return TileType::get(b.getContext(), shape, b.getF32Type());
  };
  TileType type = tileOfF32({rowMultiple});
  RowState state;
  state.max = map.load(b, type, memory.max, row);
  state.sum = map.load(b, type, memory.sum, row);
  state.acc = map.load(b, tileOfF32({rowMultiple, width}), memory.acc, row,
                       columns.first, columns.count);
  store(w, state, columns);
}

void Results::store(const Worker &w, const RowState &state,
                    const Columns &columns) {
  Addresses &a = addresses;
  // One rounding more is far below those of 16 bits.
  bool divides = divide && elementOf(a.output).isF32();
  Finish finish{Value(), bool(a.lse), divides};
  if (op.getSink()) {
    finish.sink = memref::LoadOp::create(b, op.getSink(), w.head);
    if (!finish.sink.getType().isF32())
      finish.sink = arith::ExtFOp::create(b, b.getF32Type(), finish.sink);
  }
  auto [result, lse] = finishRows(b, state, w.firstRow, columns.first, finish);
  if (Type element = elementOf(a.output); !element.isF32())
    result = tile::ConvertOp::create(
        b, cast<TileType>(result.getType()).withElementType(element), result);
  AddressMap map = a.outputs(w);
  map.store(b, result, a.output, w.firstRow, columns.first, columns.count);
  if (!lse)
    return;
  OpBuilder::InsertionGuard guard(b);
  if (columns.areFirst) {
    auto branch = scf::IfOp::create(b, columns.areFirst);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  map.store(b, lse, a.lse, w.firstRow);
}

void Results::store(const Worker &w, const RowState &state) {
  store(w, state, allColumns());
}
