//===- Tile.cpp - attn-tile: attention as a grid of tiles -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.attention on memrefs becomes standard attention on tiles: a grid over
// (batch, head, query tile) with a loop that computes and stores the scores
// and a loop that consumes them. The form is described in docs/tile-form.md.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Transforms/MaskEmission.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

namespace attn {
#define GEN_PASS_DEF_TILEATTENTION
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using tile::TileType;

namespace {

/// log2(e), by which natural-domain differences reach exp2 (rule 6).
constexpr double kLog2E = 1.4426950408889634;

/// Index arithmetic at one location, folded where sizes are static.
struct IndexBuilder {
  ImplicitLocOpBuilder &b;

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  Value mul(Value x, int64_t y) { return mul(x, constant(y)); }
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
  Value div(Value x, Value y) { return b.createOrFold<arith::DivSIOp>(x, y); }
  Value divUnsigned(Value x, Value y) {
    return b.createOrFold<arith::DivUIOp>(x, y);
  }
  Value remUnsigned(Value x, Value y) {
    return b.createOrFold<arith::RemUIOp>(x, y);
  }
  Value ceilDiv(Value x, int64_t y) {
    return b.createOrFold<arith::CeilDivSIOp>(x, constant(y));
  }
  Value min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value max(Value x, Value y) { return b.createOrFold<arith::MaxSIOp>(x, y); }
  Value dim(Value memref, int64_t d) {
    return b.createOrFold<memref::DimOp>(memref, d);
  }
  /// An integer as a signed index.
  Value cast(Value x) {
    if (x.getType().isIndex())
      return x;
    return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), x);
  }
  /// An integer, or the element of this batch.
  Value perBatch(Value x, Value batch) {
    if (isa<MemRefType>(x.getType()))
      x = memref::LoadOp::create(b, x, batch);
    return cast(x);
  }
};

Value constantF32(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(static_cast<float>(value)));
}
Value negInf(OpBuilder &b, Location loc) {
  return constantF32(b, loc, -INFINITY);
}

/// exp(x) as exp2(x * log2(e)), x a difference of natural-domain scores.
Value exponential(OpBuilder &b, Location loc, Value x) {
  Value scaled = arith::MulFOp::create(b, loc, x, constantF32(b, loc, kLog2E));
  return math::Exp2Op::create(b, loc, scaled);
}

/// x, or 0 where x is -inf: exp(-inf - 0) = 0 where exp(-inf + inf) is NaN.
Value zeroIfNegInf(OpBuilder &b, Location loc, Value x) {
  Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x,
                                      negInf(b, loc));
  return arith::SelectOp::create(b, loc, empty, constantF32(b, loc, 0.0), x);
}

/// Dimension `order[k]` of the storage becomes dimension k of the result.
Value permute(ImplicitLocOpBuilder &b, Value memref, ArrayRef<unsigned> order) {
  AffineMap map = AffineMap::getPermutationMap(order, b.getContext());
  if (map.isIdentity())
    return memref;
  return memref::TransposeOp::create(b, memref, AffineMapAttr::get(map));
}

/// `memref` in the logical order [b, h, s, d] or [h, t, d] (rule 1).
Value toLogicalOrder(ImplicitLocOpBuilder &b, Value memref, Layout layout) {
  AttentionOp::DimMap map = AttentionOp::getDimMap(layout);
  SmallVector<unsigned> order;
  if (map.b >= 0)
    order.push_back(map.b);
  order.append({static_cast<unsigned>(map.h), static_cast<unsigned>(map.s),
                static_cast<unsigned>(map.d)});
  return permute(b, memref, order);
}

Type elementOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

/// Tiles one attention op.
class AttentionTiler {
public:
  AttentionTiler(AttentionOp op, int64_t tileM, int64_t tileN,
                 int64_t headMultiple, int64_t rowMultiple, bool divide)
      : op(op), b(op.getLoc(), op), ib{b}, tileM(tileM), tileN(tileN),
        headMultiple(headMultiple), rowMultiple(rowMultiple), divide(divide) {
    if (auto schedule =
            op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName)) {
      this->tileM = schedule.getTileM();
      this->tileN = schedule.getTileN();
      workers = schedule.getWorkers();
      isScheduled = true;
    }
    packsHeads = workers && !op.maskDependsOnHead();
  }

  LogicalResult run();

private:
  Value pagedKeyLength();
  void checkPacking();
  void estimate(Value batch, Value heads);
  /// Values that hold in one worker of the grid.
  struct Worker {
    Value batch, keyHead, queryTile;
    Value head;  ///< the first one, if heads are packed
    Value group; ///< index of the head or, if heads are packed, of their group
    Value firstRow;         ///< local index of the tile's first query
    Value firstTileRow;     ///< what maps count rows from
    Value rowBase, keyBase; ///< of the sequence in packed memory, or null
    Value queryLength, keyLength, queryOffset;
    Value validRows; ///< rows from firstRow to the end, may exceed M
  };

  std::pair<Value, Value> sequenceOf(Value bounds, Value batch, Value total);
  Worker buildSizes(Value batch, Value group, Value queryTile);
  void buildWorker(const Worker &w, Value split);
  /// Head and query of a row that a map sees.
  std::pair<Value, Value> headAndQuery(OpBuilder &builder, const Worker &w,
                                       Value row);
  MaskSymbols symbolsOf(const Worker &w);
  SmallVector<Value> scoreSubscript(const Worker &w, Value firstKey);
  /// Subscript of (row, col) in a memref [b, h, s, d] or [h, t, d].
  SmallVector<Value> subscript(const Worker &w, Value head, Value base,
                               Value row, Value col);
  Value loadRows(const Worker &w, TileType type, Value memref, Value head,
                 Value base, Value row, Value col, Value validRows,
                 int64_t validCols);
  Value loadKeys(const Worker &w, Value memref, Value firstKey, int64_t size);
  Value cloneRegion(OpBuilder &builder, Region &region, ValueRange leading,
                    const Worker &w);
  /// The key tiles of one worker: positions begin to end of the ranges.
  struct KeyTiles {
    Value ranges, begin, end;
  };
  /// The first loop: returns the row maxima.
  Value buildScoreLoop(const Worker &w, const KeyTiles &keys);
  Value buildScores(const Worker &w, Value dot, Value firstKey);
  Value buildMasked(const Worker &w, Value scoreTile, Value firstKey);
  /// The second loop: returns the row sums and the accumulated output.
  std::pair<Value, Value> buildSumLoop(const Worker &w, const KeyTiles &keys,
                                       Value rowMax);
  void buildEpilogue(const Worker &w, Value rowMax, Value rowSum, Value acc);
  // Split-KV.
  Value chooseSplits(Value tiles, Value keyTiles);
  void allocateStates(Value batch, Value groups);
  void storeState(const Worker &w, Value split, Value rowMax, Value rowSum,
                  Value acc);
  void buildCombine(Value batch, Value groups);

  int64_t padHead(int64_t size) {
    return std::max<int64_t>(1, llvm::alignTo(size, headMultiple));
  }
  TileType tileType(ArrayRef<int64_t> shape, Type element) {
    return TileType::get(b.getContext(), shape, element);
  }
  TileType scoreType() { return tileType({tileM, tileN}, b.getF32Type()); }
  Value splat(double value, ArrayRef<int64_t> shape) {
    return tile::SplatOp::create(b, tileType(shape, b.getF32Type()),
                                 constantF32(b, b.getLoc(), value));
  }
  Value load(TileType type, Value memref, ValueRange at, ValueRange valid) {
    return tile::LoadOp::create(b, type, memref, at, valid);
  }

  AttentionOp op;
  ImplicitLocOpBuilder b;
  IndexBuilder ib;
  int64_t tileM, tileN, headMultiple, rowMultiple;
  bool divide;
  int64_t workers = 0; ///< blocks that split-KV makes work for, 0: no split
  bool isScheduled = false, packsHeads = false;

  // Host-level values.
  Value query, key, value, output, lse, scores;
  SmallVector<Value> temporaries; ///< buffers that are freed at the end
  Value queryLength, keyLength, headRatio, scale, zero, one;
  Value packing;   ///< heads that share a query tile
  Value stateRows; ///< rows that one batch and group of heads has
  /// Partial results of split-KV: maxima, sums and accumulators.
  struct States {
    Value byRow;   ///< [b, group, row, split], accumulators [..., d]
    Value bySplit; ///< the same memory as [b, group, split, row]
  };
  Value splits; ///< null if keys are not split
  States maxStates, sumStates, accStates;
  int64_t qkSize = 0, vSize = 0;
  std::optional<MaskAnalysis> mask;
  SmallVector<Value> summaries;
};

} // namespace

LogicalResult AttentionTiler::run() {
  if (op.hasSugar())
    return op.emitOpError("still has sugar; run attn-expand-sugar first");
  if (!op.getResults().empty())
    return op.emitOpError("is on tensors; bufferize it first");

  query = toLogicalOrder(b, op.getQuery(), op.getQueryLayout());
  key = toLogicalOrder(b, op.getKey(), op.getKeyLayout());
  value = toLogicalOrder(b, op.getValue(), op.getValueLayout());
  output = toLogicalOrder(b, op.getOutput(), op.getOutputLayout());
  lse = op.getLse();

  bool ragged = op.isRagged();
  unsigned headDim = ragged ? 0 : 1,
           keyHeadDim = ragged && !op.isPaged() ? 0 : 1;
  zero = ib.constant(0);
  one = ib.constant(1);
  qkSize = op.getQkHeadSize();
  vSize = op.getValueHeadSize();
  Value batch =
      ragged ? ib.sub(ib.dim(op.getCuSeqlensQ(), 0), one) : ib.dim(query, 0);
  Value heads = ib.dim(query, headDim);
  queryLength = ib.dim(query, headDim + 1);
  keyLength = op.isPaged() ? pagedKeyLength() : ib.dim(key, keyHeadDim + 1);
  // Hq / Hkv query heads share a key head (rule 2). Hkv may be 0 if Hq is.
  headRatio = ib.div(heads, ib.max(one, ib.dim(key, keyHeadDim)));
  packsHeads &= !matchPattern(headRatio, m_One());
  packing = packsHeads ? headRatio : one;
  Value groups = packsHeads ? ib.div(heads, ib.max(one, packing)) : heads;
  stateRows = ib.mul(queryLength, packing);

  checkPacking();
  estimate(batch, heads);

  // A short, static Sq does not need a whole tile of rows.
  if (int64_t length = op.getQueryLength();
      !isScheduled && !ShapedType::isDynamic(length))
    tileM = std::min<int64_t>(
        tileM, llvm::alignTo(std::max<int64_t>(length, 1), rowMultiple));

  if (Value dynamic = op.getScale()) {
    scale = dynamic;
  } else {
    double size = static_cast<double>(std::max<int64_t>(qkSize, 1));
    scale = constantF32(b, b.getLoc(),
                        op.getScaleValue().value_or(1.0 / std::sqrt(size)));
  }

  // Whole key tiles, so that what lies past kv_len reads back as the -inf that
  // was stored.
  Value paddedKeys = ib.mul(ib.ceilDiv(keyLength, tileN), tileN);
  SmallVector<OpFoldResult> sizes;
  if (!ragged)
    sizes.push_back(getAsOpFoldResult(batch));
  sizes.append({getAsOpFoldResult(groups), getAsOpFoldResult(stateRows),
                getAsOpFoldResult(paddedKeys)});
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamicSizes;
  dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
  scores = memref::AllocOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                   dynamicSizes);
  temporaries.push_back(scores);

  FailureOr<MaskAnalysis> computed = MaskAnalysis::compute(op, tileM, tileN);
  if (failed(computed))
    return failure();
  mask.emplace(std::move(*computed));
  // All rows of a group of packed heads are one tile, or none.
  Value numTiles =
      packsHeads ? ib.min(one, queryLength) : ib.ceilDiv(queryLength, tileM);
  MaskGrid maskGrid;
  maskGrid.numBatches = batch;
  maskGrid.numHeads = heads;
  maskGrid.queryTiles = numTiles;
  maskGrid.keyTiles = ib.ceilDiv(keyLength, tileN);
  maskGrid.queryLength = queryLength;
  maskGrid.keyLength = keyLength;
  auto symbolsAt = [&](OpBuilder &builder, Value batchIndex, Value headIndex) {
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(builder.saveInsertionPoint());
    MaskSymbols symbols =
        symbolsOf(buildSizes(batchIndex, headIndex, /*queryTile=*/zero));
    builder.restoreInsertionPoint(b.saveInsertionPoint());
    return symbols;
  };
  maskGrid.symbolsOf = symbolsAt;
  summaries = buildMaskSummaries(*mask, b, b.getLoc(), maskGrid);

  Value steps = numTiles;
  if (workers) {
    Value tiles = ib.mul(ib.mul(batch, groups), numTiles);
    splits = chooseSplits(tiles, maskGrid.keyTiles);
    allocateStates(batch, groups);
    steps = ib.mul(numTiles, splits);
  }
  SmallVector<OpFoldResult> grid = {getAsOpFoldResult(batch),
                                    getAsOpFoldResult(groups),
                                    getAsOpFoldResult(steps)};
  auto forall = scf::ForallOp::create(b, grid, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  SmallVector<Value> point(forall.getInductionVars());
  // The long rows of a causal mask come first, so that short ones fill the end.
  Value last = ib.sub(numTiles, one);
  Value step = point[2], split;
  if (workers) {
    split = ib.remUnsigned(step, splits);
    step = packsHeads ? zero : ib.divUnsigned(step, splits);
  }
  Worker w = buildSizes(point[0], point[1], ib.sub(last, step));
  if (ragged) {
    // The grid covers the longest sequence there can be; most end before that.
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                         w.firstRow, w.queryLength);
    auto guard = scf::IfOp::create(b, inside);
    b.setInsertionPointToStart(guard.thenBlock());
  }
  buildWorker(w, split);
  if (workers) {
    b.setInsertionPointAfter(forall);
    buildCombine(batch, groups);
  }
  b.setInsertionPoint(op);
  // A summary that is computed where it is asked for has no memory.
  llvm::append_range(temporaries,
                     llvm::make_filter_range(summaries, [](Value summary) {
                       return bool(summary);
                     }));
  for (Value temporary : temporaries)
    memref::DeallocOp::create(b, temporary);
  op.erase();
  return success();
}

/// Keys that a row of the page table has room for, at most as many as any
/// tensor has (see attn-insert-checks); none if there is no page to which a
/// number in it could be clamped.
Value AttentionTiler::pagedKeyLength() {
  Value slots = ib.dim(op.getPageTable(), 1);
  Value isEmpty = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                ib.dim(key, 0), zero);
  slots = b.createOrFold<arith::SelectOp>(isEmpty, zero, slots);
  return ib.min(ib.mul(slots, ib.dim(key, 2)), ib.constant(kLargestSize));
}

/// Packed heads are one tile, however many rows they have together.
void AttentionTiler::checkPacking() {
  if (!packsHeads)
    return;
  Value fits = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle,
                                             stateRows, ib.constant(tileM));
  if (matchPattern(fits, m_One()))
    return;
  tile::CheckOp::create(
      b, fits,
      "schedule: the rows of the packed heads are more than a tile has",
      b.getStrArrayAttr({"rows", "tile_m"}),
      ValueRange{stateRows, ib.constant(tileM)});
}

void AttentionTiler::estimate(Value batch, Value heads) {
  auto product = [&](ArrayRef<Value> factors) {
    Value result = factors[0];
    for (Value factor : factors.drop_front())
      result = ib.mul(result, factor);
    return result;
  };
  // Packed sequences: the squares of their lengths are not known here, and one
  // sequence is the upper bound.
  Value elements = op.isRagged()
                       ? product({heads, queryLength, keyLength})
                       : product({batch, heads, queryLength, keyLength});
  tile::EstimateOp::create(b, ib.mul(elements, 2 * (qkSize + vSize)),
                           ib.mul(elements, 4));
}

/// First row and length of a packed sequence, clamped to the `total` rows that
/// there are: bounds that do not rise must not reach foreign memory.
std::pair<Value, Value> AttentionTiler::sequenceOf(Value bounds, Value batch,
                                                   Value total) {
  auto clamped = [&](Value position, Value low) {
    return ib.max(low, ib.min(ib.perBatch(bounds, position), total));
  };
  Value first = clamped(batch, zero);
  return {first, ib.sub(clamped(ib.add(batch, one), first), first)};
}

AttentionTiler::Worker AttentionTiler::buildSizes(Value batch, Value group,
                                                  Value queryTile) {
  Worker w;
  w.batch = batch;
  w.group = group;
  w.head = ib.mul(group, packing);
  w.queryTile = queryTile;
  w.keyHead = packsHeads ? group : ib.div(w.head, headRatio);
  w.firstRow = w.firstTileRow = ib.mul(queryTile, tileM);
  w.queryLength = queryLength;
  w.keyLength = keyLength;
  if (op.isRagged()) {
    std::tie(w.rowBase, w.queryLength) =
        sequenceOf(op.getCuSeqlensQ(), batch, queryLength);
    // With pages, kv_len alone says how many keys of them are valid.
    if (!op.isPaged()) {
      std::tie(w.keyBase, w.keyLength) =
          sequenceOf(op.getCuSeqlensKv(), batch, keyLength);
    } else if (!op.getKvLen()) {
      Value bounds = op.getCuSeqlensKv();
      Value length = ib.sub(ib.perBatch(bounds, ib.add(batch, one)),
                            ib.perBatch(bounds, batch));
      w.keyLength = ib.max(zero, ib.min(length, keyLength));
    }
  }
  // Clamped, so that a wrong length cannot read outside the memory.
  if (Value lengths = op.getKvLen())
    w.keyLength =
        ib.max(zero, ib.min(ib.perBatch(lengths, batch), w.keyLength));
  w.queryOffset = op.getQOffset() ? ib.perBatch(op.getQOffset(), batch) : zero;
  w.validRows = ib.sub(ib.mul(w.queryLength, packing), w.firstRow);
  return w;
}

std::pair<Value, Value>
AttentionTiler::headAndQuery(OpBuilder &builder, const Worker &w, Value row) {
  if (!packsHeads)
    return {w.head, row};
  // The rows of a tile are query after query, with their heads next to each
  // other.
  Location loc = op.getLoc();
  Value head = arith::RemUIOp::create(builder, loc, row, packing);
  return {arith::AddIOp::create(builder, loc, w.head, head),
          arith::DivUIOp::create(builder, loc, row, packing)};
}

SmallVector<Value> AttentionTiler::subscript(const Worker &w, Value head,
                                             Value base, Value row, Value col) {
  if (!op.isRagged())
    return {w.batch, head, row, col};
  return {head, base ? ib.add(base, row) : row, col};
}

Value AttentionTiler::loadKeys(const Worker &w, Value memref, Value firstKey,
                               int64_t size) {
  TileType type = tileType({tileN, padHead(size)}, elementOf(memref));
  SmallVector<Value> valid = {ib.sub(w.keyLength, firstKey), ib.constant(size)};
  if (op.isPaged())
    return tile::LoadOp::create(
        b, type, memref, ValueRange{w.keyHead, firstKey, zero}, valid,
        /*packing=*/Value(), op.getPageTable(), ValueRange{w.batch});
  return load(type, memref, subscript(w, w.keyHead, w.keyBase, firstKey, zero),
              valid);
}

/// Clones a score or mask region into a tile.map; returns what it yields.
/// `leading` are the arguments before the captures.
Value AttentionTiler::cloneRegion(OpBuilder &builder, Region &region,
                                  ValueRange leading, const Worker &w) {
  IRMapping mapping;
  Block &block = region.front();
  mapping.map(block.getArguments().take_front(leading.size()), leading);
  mapping.map(block.getArguments().drop_front(leading.size()),
              op.getCaptures());
  SmallVector<Operation *> sizeQueries;
  for (Operation &nested : block.without_terminator()) {
    Operation *clone = builder.clone(nested, mapping);
    clone->walk([&](Operation *inner) {
      if (isa<QOffsetOp, QLenOp, KVLenOp>(inner))
        sizeQueries.push_back(inner);
    });
  }
  // A score or an i1 is yielded, so no size query is itself the result.
  Value yielded = mapping.lookupOrDefault(block.getTerminator()->getOperand(0));
  for (Operation *sizeQuery : sizeQueries) {
    Value size = isa<QOffsetOp>(sizeQuery) ? w.queryOffset
                 : isa<QLenOp>(sizeQuery)  ? w.queryLength
                                           : w.keyLength;
    sizeQuery->replaceAllUsesWith(ValueRange{size});
    sizeQuery->erase();
  }
  return yielded;
}

/// Moves what does not depend on the element out of a map: bounds of tables,
/// arithmetic on batch and head. Regions are total (attn-make-total), so that
/// nothing is computed there that could fault. Reads stay: they may be many.
static Value hoistUniform(tile::MapOp map) {
  Region &body = map.getBody();
  for (Operation &op :
       llvm::make_early_inc_range(body.front().without_terminator()))
    if (op.getNumRegions() == 0 && isMemoryEffectFree(&op) &&
        llvm::none_of(op.getOperands(), [&](Value operand) {
          return body.isAncestor(operand.getParentRegion());
        }))
      op.moveBefore(map);
  return map.getResult(0);
}

Value AttentionTiler::buildScores(const Worker &w, Value dot, Value firstKey) {
  // Converted in the worker: only sizes are computed with on the host.
  Value factor = scale;
  if (!factor.getType().isF32())
    factor = arith::TruncFOp::create(b, b.getF32Type(), factor);
  auto body = [&](OpBuilder &nb, Location loc, ValueRange x,
                  ValueRange ij) -> SmallVector<Value> {
    Value scaled = arith::MulFOp::create(nb, loc, x[0], factor);
    if (!op.hasScoreRegion())
      return {scaled};
    auto [head, query] = headAndQuery(nb, w, ij[0]);
    return {cloneRegion(nb, op.getScore(),
                        {scaled, w.batch, head, query, ij[1]}, w)};
  };
  return hoistUniform(
      tile::MapOp::create(b, TypeRange{dot.getType()}, ValueRange{dot},
                          ValueRange{w.firstTileRow, firstKey}, body));
}

Value AttentionTiler::buildMasked(const Worker &w, Value scoreTile,
                                  Value firstKey) {
  auto body = [&](OpBuilder &nb, Location loc, ValueRange x,
                  ValueRange ij) -> SmallVector<Value> {
    Value keep = arith::CmpIOp::create(nb, loc, arith::CmpIPredicate::slt,
                                       ij[1], w.keyLength);
    if (op.hasMaskRegion()) {
      auto [head, query] = headAndQuery(nb, w, ij[0]);
      keep = arith::AndIOp::create(
          nb, loc, keep,
          cloneRegion(nb, op.getMask(), {w.batch, head, query, ij[1]}, w));
    }
    return {arith::SelectOp::create(nb, loc, keep, x[0], negInf(nb, loc))};
  };
  return hoistUniform(tile::MapOp::create(
      b, TypeRange{scoreTile.getType()}, ValueRange{scoreTile},
      ValueRange{w.firstTileRow, firstKey}, body));
}

/// Subscript of (row, key) in the scores that standard attention stores.
SmallVector<Value> AttentionTiler::scoreSubscript(const Worker &w,
                                                  Value firstKey) {
  return subscript(w, w.group, w.rowBase, w.firstRow, firstKey);
}

Value AttentionTiler::buildScoreLoop(const Worker &w, const KeyTiles &tiles) {
  Value queries = tile::LoadOp::create(
      b, tileType({tileM, padHead(qkSize)}, elementOf(query)), query,
      subscript(w, w.head, w.rowBase, w.firstRow, zero),
      ValueRange{w.validRows, ib.constant(qkSize)},
      packsHeads ? packing : Value(), /*page_table=*/Value(), ValueRange{});
  auto loop = scf::ForOp::create(b, tiles.begin, tiles.end, one,
                                 ValueRange{splat(-INFINITY, {tileM})});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto at = tile::RangeAtOp::create(b, tiles.ranges, loop.getInductionVar());
  Value firstKey = ib.mul(at.getTile(), tileN);
  Value keys = loadKeys(w, key, firstKey, qkSize);
  Value dot = tile::DotOp::create(b, queries, keys, splat(0.0, {tileM, tileN}),
                                  /*transpose_a=*/false, /*transpose_b=*/true);
  Value clean = buildScores(w, dot, firstKey);
  auto select = scf::IfOp::create(b, TypeRange{clean.getType()}, at.getFull(),
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(select.thenBlock());
    scf::YieldOp::create(b, clean);
    b.setInsertionPointToStart(select.elseBlock());
    scf::YieldOp::create(b, buildMasked(w, clean, firstKey));
  }
  Value s = select.getResult(0);
  tile::StoreOp::create(b, s, scores, scoreSubscript(w, firstKey),
                        ValueRange{w.validRows, ib.constant(tileN)});
  Value m = tile::ReduceOp::create(b, tile::ReduceKind::Max, s,
                                   loop.getRegionIterArg(0));
  scf::YieldOp::create(b, m);
  return loop.getResult(0);
}

std::pair<Value, Value> AttentionTiler::buildSumLoop(const Worker &w,
                                                     const KeyTiles &tiles,
                                                     Value rowMax) {
  Value safeMax =
      tile::MapOp::create(b, TypeRange{rowMax.getType()}, ValueRange{rowMax},
                          ValueRange{w.firstTileRow},
                          [](OpBuilder &nb, Location loc, ValueRange x,
                             ValueRange) -> SmallVector<Value> {
                            return {zeroIfNegInf(nb, loc, x[0])};
                          })
          .getResult(0);
  auto loop = scf::ForOp::create(
      b, tiles.begin, tiles.end, one,
      ValueRange{splat(0.0, {tileM}), splat(0.0, {tileM, padHead(vSize)})});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto at = tile::RangeAtOp::create(b, tiles.ranges, loop.getInductionVar());
  Value firstKey = ib.mul(at.getTile(), tileN);
  Value s = load(scoreType(), scores, scoreSubscript(w, firstKey),
                 {w.validRows, ib.constant(tileN)});
  Value p =
      tile::MapOp::create(b, TypeRange{s.getType()}, ValueRange{s, safeMax},
                          ValueRange{w.firstTileRow, firstKey},
                          [](OpBuilder &nb, Location loc, ValueRange x,
                             ValueRange) -> SmallVector<Value> {
                            Value difference =
                                arith::SubFOp::create(nb, loc, x[0], x[1]);
                            return {exponential(nb, loc, difference)};
                          })
          .getResult(0);
  Value l = tile::ReduceOp::create(b, tile::ReduceKind::Sum, p,
                                   loop.getRegionIterArg(0));
  if (Type element = elementOf(value); !element.isF32())
    p = tile::ConvertOp::create(b, scoreType().withElementType(element), p);
  Value values = loadKeys(w, value, firstKey, vSize);
  if (mask->hasUnattendedKeys())
    buildValueFilter(*mask, symbolsOf(w), loop, firstKey, at.getFull(),
                     values.getDefiningOp<tile::LoadOp>());
  Value acc = tile::DotOp::create(b, p, values, loop.getRegionIterArg(1),
                                  /*transpose_a=*/false, /*transpose_b=*/false);
  scf::YieldOp::create(b, ValueRange{l, acc});
  return {loop.getResult(0), loop.getResult(1)};
}

void AttentionTiler::buildEpilogue(const Worker &w, Value rowMax, Value rowSum,
                                   Value acc) {
  // The sink is one more logit of the denominator (rule 11); without one it is
  // as if it were -inf.
  Value sink;
  if (op.getSink()) {
    sink = memref::LoadOp::create(b, op.getSink(), w.head);
    if (!sink.getType().isF32())
      sink = arith::ExtFOp::create(b, b.getF32Type(), sink);
  }
  auto finish = [&](OpBuilder &nb, Location loc, ValueRange x,
                    ValueRange) -> SmallVector<Value> {
    Value m = x[0], sum = x[1];
    Value zeroF = constantF32(nb, loc, 0.0);
    Value rescale = constantF32(nb, loc, 1.0);
    if (sink) {
      m = arith::MaximumFOp::create(nb, loc, m, sink);
      Value safe = zeroIfNegInf(nb, loc, m);
      auto weight = [&](Value logit) {
        return exponential(nb, loc,
                           arith::SubFOp::create(nb, loc, logit, safe));
      };
      rescale = weight(x[0]);
      sum = arith::AddFOp::create(
          nb, loc, arith::MulFOp::create(nb, loc, sum, rescale), weight(sink));
    }
    Value none =
        arith::CmpFOp::create(nb, loc, arith::CmpFPredicate::OEQ, sum, zeroF);
    // o = acc / divisor or acc * inverse; acc is 0 in a row without keys.
    Value normalizer =
        divide
            ? arith::SelectOp::create(
                  nb, loc, none, constantF32(nb, loc, 1.0),
                  sink
                      ? arith::DivFOp::create(nb, loc, sum, rescale).getResult()
                      : sum)
            : arith::SelectOp::create(
                  nb, loc, none, zeroF,
                  arith::DivFOp::create(nb, loc, rescale, sum));
    if (!lse)
      return {normalizer};
    Value log =
        arith::AddFOp::create(nb, loc, m, math::LogOp::create(nb, loc, sum));
    return {normalizer,
            arith::SelectOp::create(nb, loc, none, negInf(nb, loc), log)};
  };
  SmallVector<Type> types(lse ? 2 : 1, rowMax.getType());
  auto stats = tile::MapOp::create(b, types, ValueRange{rowMax, rowSum},
                                   ValueRange{w.firstRow}, finish);
  Value result =
      tile::MapOp::create(
          b, TypeRange{acc.getType()}, ValueRange{acc, stats.getResult(0)},
          ValueRange{w.firstRow, zero},
          [&](OpBuilder &nb, Location loc, ValueRange x,
              ValueRange) -> SmallVector<Value> {
            if (divide)
              return {arith::DivFOp::create(nb, loc, x[0], x[1])};
            return {arith::MulFOp::create(nb, loc, x[0], x[1])};
          })
          .getResult(0);
  if (Type element = elementOf(output); !element.isF32())
    result = tile::ConvertOp::create(
        b, cast<TileType>(result.getType()).withElementType(element), result);
  SmallVector<Value> at = subscript(w, w.head, w.rowBase, w.firstRow, zero);
  tile::StoreOp::create(b, result, output, at,
                        ValueRange{w.validRows, ib.constant(vSize)});
  if (lse) {
    at.pop_back();
    tile::StoreOp::create(b, stats.getResult(1), lse, at,
                          ValueRange{w.validRows});
  }
}

MaskSymbols AttentionTiler::symbolsOf(const Worker &w) {
  MaskSymbols symbols;
  symbols.batch = w.batch;
  symbols.head = w.head;
  symbols.outerTile = w.queryTile;
  symbols.queryLength = w.queryLength;
  symbols.keyLength = w.keyLength;
  symbols.queryOffset = w.queryOffset;
  symbols.captures.assign(op.getCaptures().begin(), op.getCaptures().end());
  symbols.summaries = summaries;
  return symbols;
}

void AttentionTiler::buildWorker(const Worker &w, Value split) {
  KeyTiles tiles;
  tiles.ranges = buildTileRanges(*mask, b, b.getLoc(), symbolsOf(w));
  Value count = tile::RangeCountOp::create(b, tiles.ranges);
  tiles.begin = zero;
  tiles.end = count;
  if (split) {
    auto part = [&](Value number) {
      return ib.divUnsigned(ib.mul(count, number), splits);
    };
    tiles.begin = part(split);
    tiles.end = part(ib.add(split, one));
  }
  Value rowMax = buildScoreLoop(w, tiles);
  auto [rowSum, acc] = buildSumLoop(w, tiles, rowMax);
  if (split)
    storeState(w, split, rowMax, rowSum, acc);
  else
    buildEpilogue(w, rowMax, rowSum, acc);
}

//===----------------------------------------------------------------------===//
// Split-KV: blocks share the keys of a query tile (Dao et al. 2023,
// Flash-Decoding)
//===----------------------------------------------------------------------===//

/// How often to split `tiles` query tiles of `keyTiles` key tiles each: the
/// least that keeps 85% of the workers busy in one to four waves. Each part
/// keeps two key tiles at least, so that its loads overlap.
Value AttentionTiler::chooseSplits(Value tiles, Value keyTiles) {
  constexpr int64_t maxWaves = 4, minBusyPercent = 85, minKeyTiles = 2;
  tiles = ib.max(one, tiles);
  auto splitsIn = [&](int64_t waves) {
    return ib.div(ib.constant(waves * workers), tiles);
  };
  Value best = ib.max(one, splitsIn(maxWaves));
  for (int64_t waves = maxWaves - 1; waves >= 1; --waves) {
    Value candidate = splitsIn(waves);
    Value busy = ib.mul(candidate, tiles);
    Value good = b.createOrFold<arith::CmpIOp>(
        arith::CmpIPredicate::sge, ib.mul(busy, 100),
        ib.constant(minBusyPercent * waves * workers));
    best = b.createOrFold<arith::SelectOp>(good, candidate, best);
  }
  Value most = ib.div(keyTiles, ib.constant(minKeyTiles));
  return ib.min(best, ib.max(one, most));
}

void AttentionTiler::allocateStates(Value batch, Value groups) {
  SmallVector<OpFoldResult> sizes = {
      getAsOpFoldResult(batch), getAsOpFoldResult(groups),
      getAsOpFoldResult(stateRows), getAsOpFoldResult(splits)};
  auto allocate = [&](ArrayRef<unsigned> order) {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamicSizes;
    dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
    States states;
    states.byRow = memref::AllocOp::create(
        b, MemRefType::get(shape, b.getF32Type()), dynamicSizes);
    temporaries.push_back(states.byRow);
    states.bySplit = permute(b, states.byRow, order);
    return states;
  };
  maxStates = allocate({0, 1, 3, 2});
  sumStates = allocate({0, 1, 3, 2});
  sizes.push_back(b.getIndexAttr(vSize));
  accStates = allocate({0, 1, 3, 2, 4});
}

/// What the loops carried, as it is: maxima, sums and accumulators.
void AttentionTiler::storeState(const Worker &w, Value split, Value rowMax,
                                Value rowSum, Value acc) {
  SmallVector<Value> at = {w.batch, w.group, split, w.firstRow};
  tile::StoreOp::create(b, rowMax, maxStates.bySplit, at,
                        ValueRange{w.validRows});
  tile::StoreOp::create(b, rowSum, sumStates.bySplit, at,
                        ValueRange{w.validRows});
  at.push_back(zero);
  tile::StoreOp::create(b, acc, accStates.bySplit, at,
                        ValueRange{w.validRows, ib.constant(vSize)});
}

/// A grid over the rows. The states of a row are attention once more: splits
/// are the keys, their maxima the scores, their accumulators the values.
void AttentionTiler::buildCombine(Value batch, Value groups) {
  constexpr int64_t chunk = 32; // splits at once
  // Every row has states of its own, so one row of the tile is used.
  SmallVector<OpFoldResult> grid = {getAsOpFoldResult(batch),
                                    getAsOpFoldResult(groups),
                                    getAsOpFoldResult(stateRows)};
  auto forall = scf::ForallOp::create(b, grid, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  SmallVector<Value> point(forall.getInductionVars());
  Worker w;
  w.batch = point[0];
  w.group = point[1];
  w.head = ib.mul(w.group, packing);
  auto [head, row] = headAndQuery(b, w, point[2]);
  w.head = head;
  w.firstRow = w.firstTileRow = row;
  w.validRows = one;
  Value chunks = ib.ceilDiv(splits, chunk);

  TileType rowType = tileType({rowMultiple, chunk}, b.getF32Type());
  auto loadStats = [&](Value memory, Value first) {
    return load(rowType, memory, {w.batch, w.group, point[2], first},
                {one, ib.sub(splits, first)});
  };
  auto loadMaxima = [&](Value first) -> Value {
    return tile::MapOp::create(b, TypeRange{rowType},
                               ValueRange{loadStats(maxStates.byRow, first)},
                               ValueRange{zero, first},
                               [&](OpBuilder &nb, Location loc, ValueRange x,
                                   ValueRange ij) -> SmallVector<Value> {
                                 Value inside = arith::CmpIOp::create(
                                     nb, loc, arith::CmpIPredicate::slt, ij[1],
                                     splits);
                                 return {arith::SelectOp::create(
                                     nb, loc, inside, x[0], negInf(nb, loc))};
                               })
        .getResult(0);
  };

  auto maxLoop = scf::ForOp::create(
      b, zero, chunks, one, ValueRange{splat(-INFINITY, {rowMultiple})});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(maxLoop.getBody());
    Value first = ib.mul(maxLoop.getInductionVar(), chunk);
    Value m =
        tile::ReduceOp::create(b, tile::ReduceKind::Max, loadMaxima(first),
                               maxLoop.getRegionIterArg(0));
    scf::YieldOp::create(b, m);
  }
  Value rowMax = maxLoop.getResult(0);

  auto sumLoop =
      scf::ForOp::create(b, zero, chunks, one,
                         ValueRange{splat(0.0, {rowMultiple}),
                                    splat(0.0, {rowMultiple, padHead(vSize)})});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(sumLoop.getBody());
    Value first = ib.mul(sumLoop.getInductionVar(), chunk);
    auto weights = tile::MapOp::create(
        b, TypeRange{rowType, rowType},
        ValueRange{loadMaxima(first), rowMax,
                   loadStats(sumStates.byRow, first)},
        ValueRange{zero, first},
        [](OpBuilder &nb, Location loc, ValueRange x,
           ValueRange) -> SmallVector<Value> {
          Value difference =
              arith::SubFOp::create(nb, loc, x[0], zeroIfNegInf(nb, loc, x[1]));
          Value weight = exponential(nb, loc, difference);
          return {weight, arith::MulFOp::create(nb, loc, weight, x[2])};
        });
    Value sum =
        tile::ReduceOp::create(b, tile::ReduceKind::Sum, weights.getResult(1),
                               sumLoop.getRegionIterArg(0));
    Value states =
        load(tileType({chunk, padHead(vSize)}, b.getF32Type()), accStates.byRow,
             {w.batch, w.group, point[2], first, zero},
             {ib.sub(splits, first), ib.constant(vSize)});
    Value acc = tile::DotOp::create(b, weights.getResult(0), states,
                                    sumLoop.getRegionIterArg(1),
                                    /*transpose_a=*/false,
                                    /*transpose_b=*/false);
    scf::YieldOp::create(b, ValueRange{sum, acc});
  }
  buildEpilogue(w, rowMax, sumLoop.getResult(0), sumLoop.getResult(1));
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

/// The weights exp(lse_k - lse) of two states and their common lse. Two empty
/// states have weights 0 and lse -inf (rule 18).
static SmallVector<Value> mergeStates(OpBuilder &b, Location loc, Value lse1,
                                      Value lse2) {
  Value m = arith::MaximumFOp::create(b, loc, lse1, lse2);
  Value safe = zeroIfNegInf(b, loc, m);
  auto weight = [&](Value lse) {
    return exponential(b, loc, arith::SubFOp::create(b, loc, lse, safe));
  };
  Value e1 = weight(lse1), e2 = weight(lse2);
  Value sum = arith::AddFOp::create(b, loc, e1, e2);
  Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, m,
                                      negInf(b, loc));
  Value divisor =
      arith::SelectOp::create(b, loc, empty, constantF32(b, loc, 1.0), sum);
  Value log =
      arith::AddFOp::create(b, loc, m, math::LogOp::create(b, loc, sum));
  return {arith::DivFOp::create(b, loc, e1, divisor),
          arith::DivFOp::create(b, loc, e2, divisor),
          arith::SelectOp::create(b, loc, empty, negInf(b, loc), log)};
}

/// Tiles a merge: a grid over (batch, head, row tile) of elementwise maps.
static LogicalResult tileMerge(MergeOp op, int64_t tileM) {
  if (!op.getResults().empty())
    return op.emitOpError("is on tensors; bufferize it first");
  ImplicitLocOpBuilder b(op.getLoc(), op);
  IndexBuilder ib{b};
  Value o1 = op.getO1(), out = op.getInits()[0];
  int64_t size = cast<MemRefType>(o1.getType()).getDimSize(3);
  if (ShapedType::isDynamic(size))
    return op.emitOpError("the head size of o1 must be static (rule 3)");
  Value length = ib.dim(o1, 2), zero = ib.constant(0);
  SmallVector<OpFoldResult> grid = {
      getAsOpFoldResult(ib.dim(o1, 0)), getAsOpFoldResult(ib.dim(o1, 1)),
      getAsOpFoldResult(ib.ceilDiv(length, tileM))};
  auto forall = scf::ForallOp::create(b, grid, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  SmallVector<Value> point(forall.getInductionVars());
  Value row = ib.mul(point[2], tileM);
  SmallVector<Value> rowAt = {point[0], point[1], row};
  SmallVector<Value> blockAt = {point[0], point[1], row, zero};
  SmallVector<Value> rowValid = {ib.sub(length, row)};
  SmallVector<Value> blockValid = {rowValid[0], ib.constant(size)};

  auto load = [&](Value memref) -> Value {
    bool block = cast<MemRefType>(memref.getType()).getRank() == 4;
    SmallVector<int64_t> shape = {tileM};
    if (block)
      shape.push_back(std::max<int64_t>(size, 1));
    auto type = TileType::get(b.getContext(), shape, elementOf(memref));
    Value loaded = tile::LoadOp::create(
        b, type, memref, block ? blockAt : rowAt, block ? blockValid : rowValid,
        /*packing=*/Value(), /*page_table=*/Value(), ValueRange{});
    if (type.getElementType().isF32())
      return loaded;
    return tile::ConvertOp::create(b, type.withElementType(b.getF32Type()),
                                   loaded);
  };
  Value l1 = load(op.getLse1()), l2 = load(op.getLse2());
  SmallVector<Type> statTypes(3, l1.getType());
  auto stats = tile::MapOp::create(
      b, statTypes, ValueRange{l1, l2}, ValueRange{row},
      [](OpBuilder &nb, Location loc, ValueRange x, ValueRange) {
        return mergeStates(nb, loc, x[0], x[1]);
      });
  Value t1 = load(op.getO1()), t2 = load(op.getO2());
  Value result = tile::MapOp::create(
                     b, TypeRange{t1.getType()},
                     ValueRange{t1, t2, stats.getResult(0), stats.getResult(1)},
                     ValueRange{row, zero},
                     [](OpBuilder &nb, Location loc, ValueRange x,
                        ValueRange) -> SmallVector<Value> {
                       Value first = arith::MulFOp::create(nb, loc, x[0], x[2]);
                       Value second =
                           arith::MulFOp::create(nb, loc, x[1], x[3]);
                       return {arith::AddFOp::create(nb, loc, first, second)};
                     })
                     .getResult(0);
  if (Type element = elementOf(out); !element.isF32())
    result = tile::ConvertOp::create(
        b, cast<TileType>(result.getType()).withElementType(element), result);
  tile::StoreOp::create(b, result, out, blockAt, blockValid);
  if (op.getInits().size() > 1)
    tile::StoreOp::create(b, stats.getResult(2), op.getInits()[1], rowAt,
                          rowValid);
  op.erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct TileAttention : attn::impl::TileAttentionBase<TileAttention> {
  using Base::Base;

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<tile::TileDialect, arith::ArithDialect, math::MathDialect,
                    memref::MemRefDialect, scf::SCFDialect>();
  }

  void runOnOperation() override {
    if (failed(checkOptions(*this, getOperation(),
                            {{"tile-m", tileM, 1, kLargestTile},
                             {"tile-n", tileN, 1, kLargestTile},
                             {"head-multiple", headMultiple, 1, kLargestTile},
                             {"row-multiple", rowMultiple, 1, kLargestTile}})))
      return signalPassFailure();
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<AttentionOp, MergeOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      LogicalResult result =
          isa<MergeOp>(op) ? tileMerge(cast<MergeOp>(op), tileM)
                           : AttentionTiler(cast<AttentionOp>(op), tileM, tileN,
                                            headMultiple, rowMultiple, divide)
                                 .run();
      if (failed(result))
        return signalPassFailure();
    }
  }
};
} // namespace
