//===- KeyLoops.cpp - The loops over key tiles ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See KeyLoops.h.
//
//===----------------------------------------------------------------------===//

#include "KeyLoops.h"

#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::TileType;

RowState KeyLoops::build(const Worker &w, const MaskSymbols &symbols) {
  if (mask.isEmpty())
    return {
        splat(b, -INFINITY, {tileM}), splat(b, 0.0, {tileM}),
        splat(b, 0.0, {tileM, padHead(op.getValueHeadSize(), headMultiple)})};
  Value ranges = buildTileRanges(mask, b, b.getLoc(), symbols);
  if (limitsKeys)
    keyEnd = buildKeyEnd(mask, b, b.getLoc(), symbols);
  Value count = tile::RangeCountOp::create(b, ranges);
  RowState state;
  state.max = buildScoreLoop(w, ranges, count);
  buildSumLoop(w, symbols, ranges, count, state);
  return state;
}

TileType KeyLoops::tileType(ArrayRef<int64_t> shape, Type element) {
  return TileType::get(b.getContext(), shape, element);
}

KeyLoops::KeyTile KeyLoops::enterLoop(scf::ForOp loop, Value ranges) {
  b.setInsertionPointToStart(loop.getBody());
  auto at = tile::RangeAtOp::create(b, ranges, loop.getInductionVar());
  return {IndexBuilder{b}.mul(at.getTile(), tileN), at.getFull()};
}

tile::LoadOp KeyLoops::loadKeys(const Worker &w, Value memref, Value firstKey,
                                int64_t size,
                                function_ref<void(tile::LoadOp)> filter) {
  Value loaded = addresses.keys(w).load(
      b, tileType({tileN, padHead(size, headMultiple)}, elementOf(memref)),
      memref, firstKey, addresses.zero, IndexBuilder{b}.constant(size));
  auto load = loaded.getDefiningOp<tile::LoadOp>();
  if (filter)
    filter(load);
  if (!keyEnd)
    return load;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(load);
  Value left = IndexBuilder{b}.sub(keyEnd, firstKey);
  load.getValidMutable()[0].set(
      b.createOrFold<arith::MinSIOp>(load.getValid()[0], left));
  return load;
}

Value KeyLoops::buildScoreLoop(const Worker &w, Value ranges, Value count) {
  Addresses &a = addresses;
  int64_t size = op.getQkHeadSize();
  IndexBuilder ib{b};
  Value queries = a.queries(w).load(
      b, tileType({tileM, padHead(size, headMultiple)}, elementOf(a.query)),
      a.query, w.firstRow, a.zero, ib.constant(size));
  auto loop = scf::ForOp::create(b, a.zero, count, a.one,
                                 ValueRange{splat(b, -INFINITY, {tileM})});
  OpBuilder::InsertionGuard guard(b);
  KeyTile at = enterLoop(loop, ranges);
  tile::LoadOp keys = loadKeys(w, a.key, at.firstKey, size);
  Value dot =
      tile::DotOp::create(b, queries, keys, splat(b, 0.0, {tileM, tileN}),
                          /*transpose_a=*/false, /*transpose_b=*/true);
  Value clean = scores.build(w, dot, at.firstKey);
  auto select = scf::IfOp::create(b, TypeRange{clean.getType()}, at.full,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(select.thenBlock());
    scf::YieldOp::create(b, clean);
    b.setInsertionPointToStart(select.elseBlock());
    scf::YieldOp::create(b, scores.buildMasked(w, clean, at.firstKey));
  }
  Value s = select.getResult(0);
  a.scores(w).store(b, s, scoreMemory, w.firstRow, at.firstKey,
                    ib.constant(tileN));
  auto m = tile::ReduceOp::create(b, tile::ReduceKind::Max, s,
                                  loop.getRegionIterArg(0));
  m->setAttr(tile::kOffsetAttrName, b.getUnitAttr());
  if (getElementTypeOrSelf(op.getOutput().getType()).getIntOrFloatBitWidth() ==
      16)
    m->setAttr(tile::kNarrowAttrName, b.getUnitAttr());
  scf::YieldOp::create(b, m.getResult());
  return loop.getResult(0);
}

void KeyLoops::buildSumLoop(const Worker &w, const MaskSymbols &symbols,
                            Value ranges, Value count, RowState &state) {
  Addresses &a = addresses;
  Value safeMax =
      tile::MapOp::create(b, TypeRange{state.max.getType()},
                          ValueRange{state.max}, ValueRange{w.firstRow},
                          [](OpBuilder &nb, Location loc, ValueRange x,
                             ValueRange) -> SmallVector<Value> {
                            return {zeroIfNegInf(nb, loc, x[0])};
                          })
          .getResult(0);
  int64_t size = op.getValueHeadSize();
  IndexBuilder ib{b};
  auto loop = scf::ForOp::create(
      b, a.zero, count, a.one,
      ValueRange{splat(b, 0.0, {tileM}),
                 splat(b, 0.0, {tileM, padHead(size, headMultiple)})});
  OpBuilder::InsertionGuard guard(b);
  KeyTile at = enterLoop(loop, ranges);
  TileType scoreType = tileType({tileM, tileN}, b.getF32Type());
  Value s = a.scores(w).load(b, scoreType, scoreMemory, w.firstRow, at.firstKey,
                             ib.constant(tileN));
  Value p =
      tile::MapOp::create(b, TypeRange{s.getType()}, ValueRange{s, safeMax},
                          ValueRange{w.firstRow, at.firstKey},
                          [](OpBuilder &nb, Location loc, ValueRange x,
                             ValueRange) -> SmallVector<Value> {
                            Value difference =
                                arith::SubFOp::create(nb, loc, x[0], x[1]);
                            return {exponential(nb, loc, difference)};
                          })
          .getResult(0);
  Value l = tile::ReduceOp::create(b, tile::ReduceKind::Sum, p,
                                   loop.getRegionIterArg(0));
  if (Type element = elementOf(a.value); !element.isF32())
    p = tile::ConvertOp::create(b, scoreType.withElementType(element), p);
  auto filter = [&](tile::LoadOp values) {
    if (mask.hasUnattendedKeys())
      buildValueFilter(mask, symbols, loop, at.firstKey, at.full, values);
  };
  tile::LoadOp values = loadKeys(w, a.value, at.firstKey, size, filter);
  Value acc = tile::DotOp::create(b, p, values, loop.getRegionIterArg(1),
                                  /*transpose_a=*/false, /*transpose_b=*/false);
  scf::YieldOp::create(b, ValueRange{l, acc});
  state.sum = loop.getResult(0);
  state.acc = loop.getResult(1);
}
