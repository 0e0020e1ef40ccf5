//===- RowState.cpp - What softmax knows of a row -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See RowState.h.
//
//===----------------------------------------------------------------------===//

#include "RowState.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::MapOp;
using tile::TileType;

Value attn::tiling::constantF32(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(static_cast<float>(value)));
}

Value attn::tiling::negInf(OpBuilder &b, Location loc) {
  return constantF32(b, loc, -INFINITY);
}

Value attn::tiling::exponential(OpBuilder &b, Location loc, Value x,
                                double log2OfBase) {
  Value scaled =
      arith::MulFOp::create(b, loc, x, constantF32(b, loc, log2OfBase));
  return math::Exp2Op::create(b, loc, scaled);
}

Value attn::tiling::zeroIfNegInf(OpBuilder &b, Location loc, Value x) {
  Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x,
                                      negInf(b, loc));
  return arith::SelectOp::create(b, loc, empty, constantF32(b, loc, 0.0), x);
}

static TileType tileOfF32(OpBuilder &b, ArrayRef<int64_t> shape) {
  return TileType::get(b.getContext(), shape, b.getF32Type());
}

Value attn::tiling::splat(ImplicitLocOpBuilder &b, double value,
                          ArrayRef<int64_t> shape) {
  return tile::SplatOp::create(b, tileOfF32(b, shape),
                               constantF32(b, b.getLoc(), value));
}

Value attn::tiling::scaleRows(ImplicitLocOpBuilder &b, Value tile,
                              Value factors, ValueRange offsets) {
  return MapOp::create(b, TypeRange{tile.getType()}, ValueRange{tile, factors},
                       offsets,
                       [](OpBuilder &nb, Location loc, ValueRange x,
                          ValueRange) -> SmallVector<Value> {
                         return {arith::MulFOp::create(nb, loc, x[0], x[1])};
                       })
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Finished rows
//===----------------------------------------------------------------------===//

/// What o is multiplied with or divided by, and the lse, of a row with maximum
/// and sum `x`. Without a sink it is as if it were -inf.
static SmallVector<Value> finishRow(OpBuilder &b, Location loc, ValueRange x,
                                    const Finish &finish) {
  Value m = x[0], sum = x[1];
  Value zero = constantF32(b, loc, 0.0);
  Value rescale = constantF32(b, loc, 1.0);
  if (finish.sink) {
    m = arith::MaximumFOp::create(b, loc, m, finish.sink);
    Value safe = zeroIfNegInf(b, loc, m);
    auto weight = [&](Value logit) {
      return exponential(b, loc, arith::SubFOp::create(b, loc, logit, safe));
    };
    rescale = weight(x[0]);
    sum = arith::AddFOp::create(b, loc,
                                arith::MulFOp::create(b, loc, sum, rescale),
                                weight(finish.sink));
  }
  Value none =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, sum, zero);
  // acc is 0 in a row without keys.
  Value normalizer =
      finish.divide
          ? arith::SelectOp::create(
                b, loc, none, constantF32(b, loc, 1.0),
                finish.sink
                    ? arith::DivFOp::create(b, loc, sum, rescale).getResult()
                    : sum)
          : arith::SelectOp::create(
                b, loc, none, zero,
                arith::DivFOp::create(b, loc, rescale, sum));
  if (!finish.wantsLse)
    return {normalizer};
  Value log =
      arith::AddFOp::create(b, loc, m, math::LogOp::create(b, loc, sum));
  return {normalizer,
          arith::SelectOp::create(b, loc, none, negInf(b, loc), log)};
}

std::pair<Value, Value> attn::tiling::finishRows(ImplicitLocOpBuilder &b,
                                                 const RowState &state,
                                                 Value firstRow,
                                                 Value firstColumn,
                                                 const Finish &finish) {
  SmallVector<Type> types(finish.wantsLse ? 2 : 1, state.max.getType());
  auto stats = tile::MapOp::create(
      b, types, {state.max, state.sum}, firstRow,
      [&](OpBuilder &nb, Location loc, ValueRange x, ValueRange) {
        return finishRow(nb, loc, x, finish);
      });
  auto output = tile::MapOp::create(
      b, state.acc.getType(), {state.acc, stats.getResult(0)},
      {firstRow, firstColumn},
      [&](OpBuilder &nb, Location loc, ValueRange x,
          ValueRange) -> SmallVector<Value> {
        if (finish.divide)
          return {arith::DivFOp::create(nb, loc, x[0], x[1])};
        return {arith::MulFOp::create(nb, loc, x[0], x[1])};
      });
  return {output.getResult(0), finish.wantsLse ? stats.getResult(1) : Value()};
}

//===----------------------------------------------------------------------===//
// States of parts
//===----------------------------------------------------------------------===//

namespace {
/// Loads the states of a row in chunks of parts.
struct StateLoader {
  ImplicitLocOpBuilder &b;
  const StoredStates &states;
  int64_t chunk; ///< parts at once
  TileType type; ///< of a chunk of maxima or sums
  Value zero, one;

  SmallVector<Value> at(Value first) {
    SmallVector<Value> indices(states.at);
    indices.push_back(first);
    return indices;
  }
  Value left(Value first) { return IndexBuilder{b}.sub(states.parts, first); }
  Value load(Value memory, Value first) {
    SmallVector<Value> indices = at(first);
    return tile::LoadOp::create(b, type, memory, indices,
                                ValueRange{one, left(first)});
  }
  /// Maxima, -inf past the last part.
  Value loadMaxima(Value first) {
    return tile::MapOp::create(
               b, TypeRange{type}, ValueRange{load(states.max, first)},
               ValueRange{zero, first},
               [&](OpBuilder &nb, Location loc, ValueRange x,
                   ValueRange ij) -> SmallVector<Value> {
                 Value inside = arith::CmpIOp::create(
                     nb, loc, arith::CmpIPredicate::slt, ij[1], states.parts);
                 return {arith::SelectOp::create(nb, loc, inside, x[0],
                                                 negInf(nb, loc))};
               })
        .getResult(0);
  }
  Value loadAccumulators(Value first, int64_t columns) {
    SmallVector<Value> indices = at(first);
    indices.push_back(states.column);
    return tile::LoadOp::create(b, tileOfF32(b, {chunk, columns}), states.acc,
                                indices,
                                ValueRange{left(first), states.columns});
  }
};
} // namespace

/// The weight of what has maximum x[0] beside a maximum x[1] of all.
static Value weightOf(OpBuilder &b, Location loc, ValueRange x,
                      double log2OfBase) {
  Value difference =
      arith::SubFOp::create(b, loc, x[0], zeroIfNegInf(b, loc, x[1]));
  return exponential(b, loc, difference, log2OfBase);
}

/// The weights of the parts from `first` on, relative to the row's maximum so
/// far, and their sums times those.
static MapOp weigh(ImplicitLocOpBuilder &b, const StateLoader &loader,
                   Value first, Value maxima, Value rowMax, Value sums) {
  return MapOp::create(
      b, TypeRange{loader.type, loader.type}, ValueRange{maxima, rowMax, sums},
      ValueRange{loader.zero, first},
      [&](OpBuilder &nb, Location loc, ValueRange x,
          ValueRange) -> SmallVector<Value> {
        Value weight = weightOf(nb, loc, x, loader.states.log2OfBase);
        return {weight, arith::MulFOp::create(nb, loc, weight, x[2])};
      });
}

/// Adds the parts from `first` on, which have these maxima, to the sum and the
/// accumulator of a row.
static std::pair<Value, Value> addParts(ImplicitLocOpBuilder &b,
                                        StateLoader &loader, Value first,
                                        Value maxima, const RowState &row) {
  MapOp weights = weigh(b, loader, first, maxima, row.max,
                        loader.load(loader.states.sum, first));
  int64_t columns = cast<TileType>(row.acc.getType()).getCols();
  Value sum = tile::ReduceOp::create(b, tile::ReduceKind::Sum,
                                     weights.getResult(1), row.sum);
  Value acc = tile::DotOp::create(b, weights.getResult(0),
                                  loader.loadAccumulators(first, columns),
                                  row.acc, /*transpose_a=*/false,
                                  /*transpose_b=*/false);
  return {sum, acc};
}

/// All maxima first, and then all else: nothing is rescaled.
static RowState combineInTwoLoops(ImplicitLocOpBuilder &b, StateLoader &loader,
                                  Value chunks, const RowState &none) {
  IndexBuilder ib{b};
  auto maxLoop = scf::ForOp::create(b, loader.zero, chunks, loader.one,
                                    ValueRange{none.max});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(maxLoop.getBody());
    Value first = ib.mul(maxLoop.getInductionVar(), loader.chunk);
    Value m = tile::ReduceOp::create(b, tile::ReduceKind::Max,
                                     loader.loadMaxima(first),
                                     maxLoop.getRegionIterArg(0));
    scf::YieldOp::create(b, m);
  }
  auto sumLoop = scf::ForOp::create(b, loader.zero, chunks, loader.one,
                                    ValueRange{none.sum, none.acc});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(sumLoop.getBody());
  Value first = ib.mul(sumLoop.getInductionVar(), loader.chunk);
  RowState row{maxLoop.getResult(0), sumLoop.getRegionIterArg(0),
               sumLoop.getRegionIterArg(1)};
  auto [sum, acc] = addParts(b, loader, first, loader.loadMaxima(first), row);
  scf::YieldOp::create(b, ValueRange{sum, acc});
  return {row.max, sumLoop.getResult(0), sumLoop.getResult(1)};
}

/// What there is so far is rescaled where a chunk has a greater maximum: no
/// load waits for another one.
static RowState combineInOneLoop(ImplicitLocOpBuilder &b, StateLoader &loader,
                                 Value chunks, const RowState &none) {
  IndexBuilder ib{b};
  auto loop = scf::ForOp::create(b, loader.zero, chunks, loader.one,
                                 ValueRange{none.max, none.sum, none.acc});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = ib.mul(loop.getInductionVar(), loader.chunk);
  Value maxima = loader.loadMaxima(first);
  Value before = loop.getRegionIterArg(0);
  RowState row;
  row.max = tile::ReduceOp::create(b, tile::ReduceKind::Max, maxima, before);
  Value factor =
      MapOp::create(b, TypeRange{row.max.getType()},
                    ValueRange{before, row.max}, ValueRange{loader.zero},
                    [&](OpBuilder &nb, Location loc, ValueRange x,
                        ValueRange) -> SmallVector<Value> {
                      return {weightOf(nb, loc, x, loader.states.log2OfBase)};
                    })
          .getResult(0);
  auto rescale = [&](Value sum) -> Value {
    SmallVector<Value> offsets(cast<TileType>(sum.getType()).getRank(),
                               loader.zero);
    return scaleRows(b, sum, factor, offsets);
  };
  row.sum = rescale(loop.getRegionIterArg(1));
  row.acc = rescale(loop.getRegionIterArg(2));
  auto [sum, acc] = addParts(b, loader, first, maxima, row);
  scf::YieldOp::create(b, ValueRange{row.max, sum, acc});
  return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
}

RowState attn::tiling::combineStates(ImplicitLocOpBuilder &b,
                                     const StoredStates &states, int64_t rows,
                                     int64_t columns, int64_t partsAtOnce) {
  constexpr int64_t manyParts = 32;
  IndexBuilder ib{b};
  int64_t chunk = partsAtOnce ? partsAtOnce : manyParts;
  StateLoader loader{b,
                     states,
                     chunk,
                     tileOfF32(b, {rows, chunk}),
                     ib.constant(0),
                     ib.constant(1)};
  Value chunks = ib.ceilDiv(states.parts, chunk);
  RowState none{splat(b, -INFINITY, {rows}), splat(b, 0.0, {rows}),
                splat(b, 0.0, {rows, columns})};
  return partsAtOnce ? combineInOneLoop(b, loader, chunks, none)
                     : combineInTwoLoops(b, loader, chunks, none);
}
