//===- MaskEmission.cpp - Ranges and predicates as IR ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels compute to know their tiles, the condition that leaves out the
// values of keys that no row attends, and the grids that fill the summaries of
// captured tables.
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/MaskEmission.h"
#include "attn/Analysis/MaskBounds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::mask;

namespace {
/// Copies values of the mask region to where b, h and maybe i or j are known.
/// They may be computed there: the region is total (attn-make-total).
class RegionCloner {
public:
  RegionCloner(AttentionOp op, const MaskSymbols &symbols)
      : region(op.getMask()), symbols(symbols) {
    Block::BlockArgListType arguments = region.getArguments();
    mapping.map(arguments[0], symbols.batch);
    mapping.map(arguments[1], symbols.head);
    for (auto [argument, capture] :
         llvm::zip(arguments.drop_front(4), symbols.captures))
      mapping.map(argument, capture);
  }

  void setRow(Value row) { mapping.map(region.getArgument(2), row); }
  void setKey(Value key) { mapping.map(region.getArgument(3), key); }

  Value clone(OpBuilder &builder, Value value) {
    Operation *definition = value.getDefiningOp();
    if (mapping.contains(value) || !definition ||
        !region.isAncestor(definition->getParentRegion()))
      return mapping.lookupOrDefault(value);
    if (Value size = sizeOf(definition)) {
      mapping.map(value, size);
      return size;
    }
    llvm::SetVector<Value> operands(definition->operand_begin(),
                                    definition->operand_end());
    getUsedValuesDefinedAbove(definition->getRegions(), operands);
    for (Value operand : operands)
      clone(builder, operand);
    Operation *copy = builder.clone(*definition, mapping);
    copy->walk([&](Operation *nested) {
      if (Value size = sizeOf(nested)) {
        nested->replaceAllUsesWith(ValueRange{size});
        nested->erase();
      }
    });
    return mapping.lookup(value);
  }

private:
  Value sizeOf(Operation *op) {
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case([&](QLenOp) { return symbols.queryLength; })
        .Case([&](KVLenOp) { return symbols.keyLength; })
        .Case([&](QOffsetOp) { return symbols.queryOffset; })
        .Default([](Operation *) { return Value(); });
  }

  Region &region;
  const MaskSymbols &symbols;
  IRMapping mapping;
};

Value toIndex(OpBuilder &builder, Location loc, Value value) {
  Type type = builder.getIndexType();
  if (value.getType() == type)
    return value;
  if (value.getType().isInteger(1))
    return builder.createOrFold<arith::IndexCastUIOp>(loc, type, value);
  return builder.createOrFold<arith::IndexCastOp>(loc, type, value);
}

class IRBackend {
public:
  using Number = Value;
  using Bool = Value;

  IRBackend(const MaskTiles &tiles, AttentionOp op, OpBuilder &builder,
            Location loc, const MaskSymbols &symbols)
      : tiles(tiles), op(op), outer(builder), inner(builder), loc(loc),
        symbols(symbols) {}

  /// From here on results go where inner tile `tile` is known; what does not
  /// depend on it stays before `anchor`.
  void enter(Operation *anchor, Block *body, Value tile) {
    outer.setInsertionPoint(anchor);
    inner.setInsertionPointToEnd(body);
    innerTile = tile;
  }

  Value affine(const Row &row) {
    // The part that all inner tiles share is computed once.
    Row shared = row, own(row.size(), 0);
    for (unsigned id = 1; id < row.size(); ++id)
      if (tiles.symbols->getVariable(id).perInner)
        std::swap(shared[id], own[id]);
    Value result = sum(outer, shared);
    if (!tiles.symbols->isPerInner(row))
      return result;
    return inner.createOrFold<arith::AddIOp>(loc, result, sum(inner, own));
  }
  Value ceilDiv(const Row &row, int64_t k) {
    return inner.createOrFold<arith::CeilDivSIOp>(loc, affine(row),
                                                  index(inner, k));
  }
  Value floorDiv(const Row &row, int64_t k) {
    return inner.createOrFold<arith::FloorDivSIOp>(loc, affine(row),
                                                   index(inner, k));
  }
  Value min(Value x, Value y) {
    return inner.createOrFold<arith::MinSIOp>(loc, x, y);
  }
  Value max(Value x, Value y) {
    return inner.createOrFold<arith::MaxSIOp>(loc, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return inner.createOrFold<arith::SelectOp>(loc, condition, x, y);
  }
  Value boolean(bool value) {
    return arith::ConstantIntOp::create(inner, loc, value, 1);
  }
  Value less(Value x, Value y) {
    return inner.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x,
                                             y);
  }
  Value isNonNegative(const Row &row) {
    OpBuilder &builder = tiles.symbols->isPerInner(row) ? inner : outer;
    // x - y - 1 >= 0 is x - y > 0, which a machine compares without a sum.
    bool isStrict = !row.empty() && row[0] == -1;
    Row terms = row;
    if (isStrict)
      terms[0] = 0;
    Value value = affine(terms);
    return builder.createOrFold<arith::CmpIOp>(
        loc, isStrict ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge,
        value, index(builder, 0));
  }
  Value both(Value x, Value y) {
    return inner.createOrFold<arith::AndIOp>(loc, x, y);
  }
  Value either(Value x, Value y) {
    return inner.createOrFold<arith::OrIOp>(loc, x, y);
  }

  OpBuilder &getInner() { return inner; }

  /// Whether the function beside a hole lets an inner tile be visited.
  Value testTile(HoleOp hole);

  /// True where a number that was used is too large to compute with (see
  /// kWideLimit): one of those that all inner tiles share, one of an inner
  /// tile, or null if there are none.
  Value getTooLarge() {
    for (unsigned id : tiles.limited)
      (void)valueOf(id);
    if (tiles.needsOrdinaryLengths && !areLengthsNoted)
      for (Value length : {symbols.queryLength, symbols.keyLength})
        noteTooLarge(outer, tooLarge,
                     outer.createOrFold<arith::CmpIOp>(
                         loc, arith::CmpIPredicate::sgt, length,
                         index(outer, kOrdinaryLength)));
    areLengthsNoted = true;
    return tooLarge;
  }
  Value getTooLargeInTile() { return tooLargeInTile; }

private:
  Value getQueryTile() {
    return tiles.enumeratesKeys() ? symbols.outerTile : innerTile;
  }
  Value getKeyTile() {
    return tiles.enumeratesKeys() ? innerTile : symbols.outerTile;
  }

  /// Keeps `value` within the limit and notes where it is not.
  Value limit(OpBuilder &builder, const Variable &symbol, Value value) {
    if (!symbol.wide)
      return value;
    Value limited = builder.createOrFold<arith::MaxSIOp>(
        loc,
        builder.createOrFold<arith::MinSIOp>(loc, value,
                                             index(builder, kWideLimit)),
        index(builder, -kWideLimit));
    Value isOther = builder.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::ne, limited, value);
    noteTooLarge(builder, symbol.perInner ? tooLargeInTile : tooLarge, isOther);
    return limited;
  }

  void noteTooLarge(OpBuilder &builder, Value &any, Value isToo) {
    any = any ? builder.createOrFold<arith::OrIOp>(loc, any, isToo) : isToo;
  }

  Value index(OpBuilder &builder, int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  Value sum(OpBuilder &builder, const Row &row) {
    Value result;
    for (unsigned id = 1; id < row.size(); ++id) {
      if (row[id] == 0)
        continue;
      Value term = builder.createOrFold<arith::MulIOp>(loc, valueOf(id),
                                                       index(builder, row[id]));
      result = result ? builder.createOrFold<arith::AddIOp>(loc, result, term)
                      : term;
    }
    int64_t constant = row.empty() ? 0 : row[0];
    if (!result)
      return index(builder, constant);
    return builder.createOrFold<arith::AddIOp>(loc, result,
                                               index(builder, constant));
  }

  Value valueOf(unsigned id) {
    auto [it, isNew] = values.try_emplace(id);
    if (!isNew)
      return it->second;
    const Variable &symbol = tiles.symbols->getVariable(id);
    Value value =
        limit(symbol.perInner ? inner : outer, symbol, compute(symbol));
    values[id] = value;
    return value;
  }

  Value compute(const Variable &symbol) {
    OpBuilder &builder = symbol.perInner ? inner : outer;
    switch (symbol.kind) {
    case VarKind::QueryTile:
      return getQueryTile();
    case VarKind::KeyTile:
      return getKeyTile();
    case VarKind::Batch:
      return symbols.batch;
    case VarKind::Head:
      return symbols.head;
    case VarKind::QueryLength:
      return symbols.queryLength;
    case VarKind::KeyLength:
      return symbols.keyLength;
    case VarKind::QueryOffset:
      return symbols.queryOffset;
    case VarKind::Scalar:
      return toIndex(builder,
                     RegionCloner(op, symbols).clone(builder, symbol.value));
    case VarKind::Minimum:
    case VarKind::Maximum:
      return extremeOf(builder, symbol);
    case VarKind::Element: {
      RegionCloner cloner(op, symbols);
      cloner.setKey(innerTile);
      return toIndex(builder, cloner.clone(builder, symbol.value));
    }
    case VarKind::Floor:
      return builder.createOrFold<arith::FloorDivSIOp>(
          loc, affine(symbol.dividend), index(builder, symbol.divisor));
    case VarKind::One:
    case VarKind::Bound:
      break;
    }
    llvm_unreachable("not a symbol");
  }

  /// The minimum or the maximum of a summary.
  Value extremeOf(OpBuilder &builder, const Variable &symbol) {
    const Summary &summary = tiles.summaries[symbol.summary];
    if (summary.over == Summary::TileBlocks)
      return extremeOfBlocks(builder, summary, symbol.kind);
    Value zero = index(builder, 0);
    Value place[] = {(summary.dependence & OnBatch) ? symbols.batch : zero,
                     (summary.dependence & OnHead) ? symbols.head : zero,
                     symbol.perInner ? innerTile : symbols.outerTile,
                     index(builder, symbol.kind == VarKind::Maximum)};
    return toIndex(builder,
                   memref::LoadOp::create(
                       builder, loc, symbols.summaries[symbol.summary], place));
  }

  /// Query or key number `offset` of the tile, or the last one that there is.
  Value element(OpBuilder &builder, Value tile, int64_t size, int64_t offset,
                Value length) {
    Value first =
        builder.createOrFold<arith::MulIOp>(loc, tile, index(builder, size));
    Value place =
        builder.createOrFold<arith::AddIOp>(loc, first, index(builder, offset));
    if (offset == 0)
      return place;
    Value last =
        builder.createOrFold<arith::SubIOp>(loc, length, index(builder, 1));
    return builder.createOrFold<arith::MinSIOp>(loc, place, last);
  }
  Value row(OpBuilder &builder, int64_t offset) {
    return element(builder, getQueryTile(), tiles.tileM, offset,
                   symbols.queryLength);
  }
  Value key(OpBuilder &builder, int64_t offset) {
    return element(builder, getKeyTile(), tiles.tileN, offset,
                   symbols.keyLength);
  }

  /// Computes the value for one element of each block of the tile.
  Value extremeOfBlocks(OpBuilder &builder, const Summary &summary,
                        VarKind kind) {
    Value result;
    for (int64_t row = 0; row < tiles.tileM; row += summary.blocks.rows) {
      for (int64_t key = 0; key < tiles.tileN; key += summary.blocks.keys) {
        RegionCloner cloner(op, symbols);
        cloner.setRow(this->row(builder, row));
        cloner.setKey(this->key(builder, key));
        Value value = toIndex(builder, cloner.clone(builder, summary.value));
        if (result)
          value =
              kind == VarKind::Minimum
                  ? builder.createOrFold<arith::MinSIOp>(loc, result, value)
                  : builder.createOrFold<arith::MaxSIOp>(loc, result, value);
        result = value;
      }
    }
    return result;
  }

  Value toIndex(OpBuilder &builder, Value value) {
    return ::toIndex(builder, loc, value);
  }

  const MaskTiles &tiles;
  AttentionOp op;
  OpBuilder outer, inner;
  Location loc;
  const MaskSymbols &symbols;
  Value innerTile;
  Value tooLarge, tooLargeInTile;
  bool areLengthsNoted = false;
  DenseMap<unsigned, Value> values;
};
} // namespace

/// Whether what computes `value` asks for argument `number` of the region.
static bool dependsOn(Value value, Region &region, unsigned number) {
  SmallVector<Value> work{value};
  DenseSet<Value> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    if (next == region.getArgument(number))
      return true;
    Operation *definition = next.getDefiningOp();
    if (!definition || !region.isAncestor(definition->getParentRegion()))
      continue;
    llvm::append_range(work, definition->getOperands());
    llvm::SetVector<Value> outside;
    getUsedValuesDefinedAbove(definition->getRegions(), outside);
    llvm::append_range(work, outside);
  }
  return false;
}

/// Whether `value` is argument `number` of the region, cast or not.
static bool isArgument(Value value, Region &region, unsigned number) {
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  return value == region.getArgument(number);
}

Value IRBackend::testTile(HoleOp hole) {
  constexpr unsigned rowNumber = 2, keyNumber = 3;
  Region &region = op.getMask();
  SmallVector<Value> operands;
  SmallVector<std::string> names;
  for (auto [operand, parameter] : llvm::zip(
           hole.getOperands(), hole.getParameters().getAsRange<StringAttr>())) {
    bool onRow = dependsOn(operand, region, rowNumber);
    bool onKey = dependsOn(operand, region, keyNumber);
    if (!onRow && !onKey) {
      operands.push_back(RegionCloner(op, symbols).clone(inner, operand));
      names.push_back(parameter.str());
      continue;
    }
    // Of what is computed from both, or from one, its extremes are not known.
    if (!isArgument(operand, region, onRow ? rowNumber : keyNumber))
      continue;
    for (bool last : {false, true}) {
      RegionCloner cloner(op, symbols);
      if (onRow)
        cloner.setRow(row(inner, last ? tiles.tileM - 1 : 0));
      else
        cloner.setKey(key(inner, last ? tiles.tileN - 1 : 0));
      operands.push_back(cloner.clone(inner, operand));
      names.push_back((last ? "last_" : "first_") + parameter.str());
    }
  }
  SmallVector<StringRef> parameters(names.begin(), names.end());
  return HoleOp::create(inner, hole.getLoc(), hole.getResult().getType(),
                        hole.getTileTestAttr(), operands,
                        inner.getStrArrayAttr(parameters),
                        /*tile_test=*/StringAttr());
}

Value attn::buildTileRanges(const MaskAnalysis &analysis, OpBuilder &builder,
                            Location loc, const MaskSymbols &symbols) {
  const MaskTiles &tiles = analysis.getTiles();
  IRBackend backend(tiles, analysis.getOp(), builder, loc, symbols);
  MaskBounds<IRBackend> emitter(tiles, backend);
  SmallVector<Value> bounds = emitter.bounds();
  if (Value tooLarge = backend.getTooLarge()) {
    // The first range has all tiles, none of them full.
    Value zero = emitter.number({}), every = emitter.innerTiles();
    for (auto [place, bound] : llvm::enumerate(bounds))
      bound = backend.select(tooLarge, place == 1 ? every : zero, bound);
  }
  auto ranges = tile::RangesOp::create(builder, loc, bounds);
  if (!analysis.needsPredicate())
    return ranges;

  Block *body = builder.createBlock(&ranges.getWhere(), {},
                                    {builder.getIndexType()}, {loc});
  builder.setInsertionPointAfter(ranges);
  backend.enter(ranges, body, body->getArgument(0));
  Value visit = tiles.visitPredicate ? emitter.any(tiles.attended)
                                     : backend.boolean(true);
  Value full = backend.boolean(false);
  if (tiles.fullPredicate) {
    OpBuilder &inner = backend.getInner();
    Value excluded = emitter.any(tiles.excluded);
    Value below = backend.isNonNegative(tiles.belowKeyLength);
    Value none =
        inner.createOrFold<arith::XOrIOp>(loc, excluded, backend.boolean(true));
    full = backend.both(below, none);
  }
  for (Value tooLarge : {backend.getTooLarge(), backend.getTooLargeInTile()})
    if (tooLarge) {
      visit = backend.either(visit, tooLarge);
      full = backend.select(tooLarge, backend.boolean(false), full);
    }
  for (HoleOp hole : tiles.tileTests)
    visit = backend.both(visit, backend.testTile(hole));
  tile::YieldOp::create(backend.getInner(), loc, ValueRange{visit, full});
  return ranges;
}

Value attn::buildKeyEnd(const MaskAnalysis &analysis, OpBuilder &builder,
                        Location loc, const MaskSymbols &symbols) {
  const MaskTiles &keys = analysis.getAttendedKeysOfTile();
  // Tables by key would have to be summarised key by key.
  auto isOpen = [](const Piece &piece) { return piece.ends.empty(); };
  if (!keys.summaries.empty() || keys.attended.empty() ||
      llvm::any_of(keys.attended, isOpen))
    return Value();
  IRBackend backend(keys, analysis.getOp(), builder, loc, symbols);
  MaskBounds<IRBackend> emitter(keys, backend);
  Value keyLength = emitter.innerTiles(), last;
  for (const Piece &piece : keys.attended) {
    Value end = emitter.endOf(piece, keyLength);
    last = last ? backend.max(last, end) : end;
  }
  if (Value tooLarge = backend.getTooLarge())
    last = backend.select(tooLarge, keyLength, last);
  return last;
}

void attn::buildValueFilter(const MaskAnalysis &analysis,
                            const MaskSymbols &symbols, Operation *loop,
                            Value firstKey, Value full, tile::LoadOp load) {
  const MaskTiles &keys = analysis.getAttendedKeys();
  Location loc = load.getLoc();
  OpBuilder before(loop), builder(load);
  IRBackend backend(keys, analysis.getOp(), before, loc, symbols);
  MaskBounds<IRBackend> emitter(keys, backend);
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, x, y);
  };
  auto both = [&](Value x, Value y) {
    return builder.createOrFold<arith::AndIOp>(loc, x, y);
  };
  auto isNot = [&](Value x) {
    return builder.createOrFold<arith::XOrIOp>(
        loc, x, arith::ConstantIntOp::create(builder, loc, 1, 1));
  };

  Value keyLength = emitter.innerTiles();
  Value mixed;
  if (keys.attended.size() == 1 && keys.attended.front().closed) {
    // One interval: its end is where the valid rows end, and only the tile in
    // which it begins is mixed.
    const Piece &piece = keys.attended.front();
    if (!piece.ends.empty()) {
      Value end = emitter.endOf(piece, keyLength);
      if (Value tooLarge = backend.getTooLarge())
        end = builder.createOrFold<arith::SelectOp>(loc, tooLarge, keyLength,
                                                    end);
      load.getValidMutable()[0].set(
          builder.createOrFold<arith::SubIOp>(loc, end, firstKey));
    }
    if (piece.begins.empty())
      return;
    mixed = both(isNot(full), compare(arith::CmpIPredicate::slt, firstKey,
                                      emitter.beginOf(piece)));
  } else {
    // Most tiles are full or lie between the ends of one interval.
    Value uniform = full;
    Value size =
        arith::ConstantIndexOp::create(builder, loc, analysis.getTiles().tileN);
    Value past = builder.createOrFold<arith::MinSIOp>(
        loc, builder.createOrFold<arith::AddIOp>(loc, firstKey, size),
        keyLength);
    for (const Piece &piece : keys.attended) {
      if (!piece.closed)
        continue;
      Value begin = emitter.beginOf(piece);
      Value end = emitter.endOf(piece, keyLength);
      Value isWithin =
          both(emitter.all(piece.guards),
               both(compare(arith::CmpIPredicate::sle, begin, firstKey),
                    compare(arith::CmpIPredicate::sle, past, end)));
      uniform = builder.createOrFold<arith::OrIOp>(loc, uniform, isWithin);
    }
    mixed = isNot(uniform);
  }
  load.getMixedMutable().assign(mixed);

  Block *body = builder.createBlock(&load.getWhere(), {},
                                    {builder.getIndexType()}, {loc});
  Value key =
      arith::AddIOp::create(builder, loc, firstKey, body->getArgument(0));
  backend.enter(loop, body, key);
  Value counts = emitter.any(keys.attended);
  for (Value tooLarge : {backend.getTooLarge(), backend.getTooLargeInTile()})
    if (tooLarge)
      counts = backend.either(counts, tooLarge);
  tile::YieldOp::create(backend.getInner(), loc, counts);
}

//===----------------------------------------------------------------------===//
// Summaries
//===----------------------------------------------------------------------===//

/// Summaries are stored in 32 bits where the values are.
static IntegerType storageType(Type type) {
  bool isWide = type.isIndex() || type.getIntOrFloatBitWidth() > 32;
  return IntegerType::get(type.getContext(), isWide ? 64 : 32);
}

static Value toStorage(OpBuilder &builder, Location loc, Value value) {
  Type type = storageType(value.getType());
  if (value.getType() == type)
    return value;
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(builder, loc, type, value);
  if (value.getType().isInteger(1))
    return arith::ExtUIOp::create(builder, loc, type, value);
  return arith::ExtSIOp::create(builder, loc, type, value);
}

/// The sum that is summarised, at row or key `index`, cut off to 32 bits.
static Value buildSum(OpBuilder &builder, Location loc, const MaskTiles &tiles,
                      const Row &sum, RegionCloner &cloner, Value index) {
  auto constant = [&](int64_t value) {
    return builder.createOrFold<arith::ConstantIndexOp>(loc, value);
  };
  Value result;
  for (unsigned id = 1; id < sum.size(); ++id) {
    if (sum[id] == 0)
      continue;
    Value table = tiles.symbols->getVariable(id).value;
    Value term = builder.createOrFold<arith::MulIOp>(
        loc,
        table ? toIndex(builder, loc, cloner.clone(builder, table)) : index,
        constant(sum[id]));
    result =
        result ? builder.createOrFold<arith::AddIOp>(loc, result, term) : term;
  }
  using Limits = std::numeric_limits<int32_t>;
  result =
      arith::MinSIOp::create(builder, loc, result, constant(Limits::max()));
  result =
      arith::MaxSIOp::create(builder, loc, result, constant(Limits::min()));
  return arith::IndexCastOp::create(builder, loc, builder.getI32Type(), result);
}

SmallVector<Value> attn::buildMaskSummaries(const MaskAnalysis &analysis,
                                            OpBuilder &builder, Location loc,
                                            const MaskGrid &grid) {
  const MaskTiles &tiles = analysis.getTiles();
  SmallVector<Value> result;
  Value one;
  for (const Summary &summary : tiles.summaries) {
    if (summary.over == Summary::TileBlocks) {
      result.push_back(Value());
      continue;
    }
    bool overKeys = summary.over == Summary::Keys;
    if (!one)
      one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value extents[] = {(summary.dependence & OnBatch) ? grid.numBatches : one,
                       (summary.dependence & OnHead) ? grid.numHeads : one,
                       overKeys ? grid.keyTiles : grid.queryTiles};
    IntegerType type = summary.sum.empty()
                           ? storageType(summary.value.getType())
                           : builder.getI32Type();
    SmallVector<int64_t> shape(3, ShapedType::kDynamic);
    shape.push_back(2);
    Value memory = memref::AllocOp::create(
        builder, loc, MemRefType::get(shape, type), ValueRange(extents));
    result.push_back(memory);

    auto body = [&](OpBuilder &nested, Location loc, ValueRange point) {
      MaskSymbols symbols = grid.symbolsOf(
          nested, (summary.dependence & OnBatch) ? point[0] : Value(),
          point[1]);
      Value size = arith::ConstantIndexOp::create(
          nested, loc, overKeys ? tiles.tileN : tiles.tileM);
      Value first = arith::MulIOp::create(nested, loc, point[2], size);
      Value past = arith::AddIOp::create(nested, loc, first, size);
      past = arith::MinSIOp::create(nested, loc, past,
                                    overKeys ? symbols.keyLength
                                             : symbols.queryLength);
      unsigned width = type.getWidth();
      Value start[] = {
          arith::ConstantOp::create(
              nested, loc,
              IntegerAttr::get(type, APInt::getSignedMaxValue(width))),
          arith::ConstantOp::create(
              nested, loc,
              IntegerAttr::get(type, APInt::getSignedMinValue(width)))};
      Value step = arith::ConstantIndexOp::create(nested, loc, 1);
      auto loop = scf::ForOp::create(
          nested, loc, first, past, step, ValueRange(start),
          [&](OpBuilder &inside, Location loc, Value index, ValueRange sofar) {
            RegionCloner cloner(analysis.getOp(), symbols);
            overKeys ? cloner.setKey(index) : cloner.setRow(index);
            Value element =
                summary.sum.empty()
                    ? toStorage(inside, loc,
                                cloner.clone(inside, summary.value))
                    : buildSum(inside, loc, tiles, summary.sum, cloner, index);
            Value extremes[] = {
                arith::MinSIOp::create(inside, loc, sofar[0], element),
                arith::MaxSIOp::create(inside, loc, sofar[1], element)};
            scf::YieldOp::create(inside, loc, extremes);
          });
      for (auto [place, value] : llvm::enumerate(loop.getResults())) {
        Value last = arith::ConstantIndexOp::create(nested, loc, place);
        memref::StoreOp::create(nested, loc, value, memory,
                                ValueRange{point[0], point[1], point[2], last});
      }
      scf::InParallelOp::create(nested, loc);
    };
    SmallVector<OpFoldResult> bounds(std::begin(extents), std::end(extents));
    scf::ForallOp::create(builder, loc, bounds, ValueRange(), std::nullopt,
                          body);
  }
  return result;
}
