//===- Fragment.cpp - Tiles in the registers of a warp --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maps are cloned element by element; what a region computes from the row, the
// column or neither alone is emitted once for a row, a column or the tile.
//
//===----------------------------------------------------------------------===//

#include "Fragment.h"

using namespace mlir;

namespace attn::tensorcore {

Values FragmentEmitter::spread(const Fragment &fragment, tile::TileType type) {
  Values values;
  for (size_t index = 0; index < spreadSize(type); ++index)
    values.push_back(type.getRank() == 1 && fragment.kind == Fragment::rows
                         ? fragment.values[index]
                         : element(fragment, index));
  return values;
}

Fragment FragmentEmitter::gather(ValueRange values, tile::TileType type,
                                 bool partial) {
  return {type.getRank() == 1 ? Fragment::rows : Fragment::matrix,
          Values(values), type.getElementType(), partial};
}

void FragmentEmitter::emitSplat(tile::SplatOp op, Scope &scope) {
  bind(op.getResult(),
       {Fragment::uniform, {scope.get(op.getValue())}, Type(), false});
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

namespace {
/// What a value of a map region varies with.
enum Variation : unsigned { once = 0, byRow = 1, byColumn = 2, byElement = 4 };

/// Emits the region of a map for one element after the other.
class MapRegion {
public:
  MapRegion(Emitter &emit, tile::MapOp op, FragmentEmitter &tiles, Scope &scope)
      : emit(emit), op(op), tiles(tiles), scope(scope) {
    for (auto [input, element] :
         llvm::zip_equal(op.getInputs(), op.getElementArgs()))
      variation[element] = tiles.get(input).kind == Fragment::uniform ? once
                           : tiles.get(input).kind == Fragment::rows
                               ? byRow
                               : byElement;
    ValueRange indices = op.getIndexArgs();
    variation[indices[0]] = byRow;
    firstRow = emit.add(scope.getPosition(op.getOffsets()[0]),
                        tiles.getLane().firstRow);
    if (indices.size() > 1) {
      variation[indices[1]] = byColumn;
      Value start = scope.getPosition(op.getOffsets()[1]);
      firstColumn = emit.add(start, tiles.getLane().firstColumn);
      if (tiles.getLane().groups > 1)
        comparedColumn = emit.add(start, tiles.getLane().comparedColumn);
    }
    for (Operation &inner : op.getBody().front()) {
      unsigned bits = once;
      for (Value operand : inner.getOperands())
        bits |= variation.lookup(operand);
      for (Value result : inner.getResults())
        variation[result] = bits;
    }
  }

  /// The results at element `index`.
  Values emitElement(size_t index) {
    element = index;
    perElement.clear();
    auto yield = cast<tile::YieldOp>(op.getBody().front().getTerminator());
    return llvm::map_to_vector(yield.getValues(),
                               [&](Value value) { return get(value); });
  }

private:
  llvm::DenseMap<Value, Value> &cacheOf(Value value) {
    switch (variation.lookup(value)) {
    case once:
      return perTile;
    case byRow:
      return perRow[tiles.getLane().rowOf(element)];
    case byColumn:
      return perColumn[{value.getType().isInteger(1) ? groupOf() : 0,
                        tiles.getLane().columnOf(element)}];
    default:
      return perElement;
    }
  }

  Value get(Value value) {
    if (value.getParentRegion() != &op.getBody())
      return scope.get(value);
    if (Value hoisted = scope.find(value))
      return hoisted;
    if (Value known = cacheOf(value).lookup(value))
      return known;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Value emitted = getArgument(argument.getArgNumber());
      cacheOf(value)[value] = emitted;
      return emitted;
    }
    Operation *inner = value.getDefiningOp();
    // Operands first: emission of nested values may grow the caches.
    Values results;
    if (auto compare = dyn_cast<arith::CmpIOp>(inner);
        compare && isBoundOfColumn(compare)) {
      results = {compareColumn(compare)};
    } else {
      for (Value operand : inner->getOperands())
        (void)get(operand);
      results = emitScalarOp(emit, inner,
                             [&](Value operand) { return get(operand); });
    }
    for (auto [source, emitted] : llvm::zip_equal(inner->getResults(), results))
      cacheOf(source)[source] = emitted;
    return cacheOf(value).lookup(value);
  }

  /// Whether `compare` relates the column to what is the same for all columns.
  bool isBoundOfColumn(arith::CmpIOp compare) {
    return op.getIndexArgs().size() > 1 &&
           compare.getPredicate() < arith::CmpIPredicate::ult && // signed
           isColumn(compare.getLhs()) &&
           !(variation.lookup(compare.getRhs()) & (byColumn | byElement)) &&
           // No difference to a column wraps.
           emit.ranges.isWithin(compare.getRhs(), -kIndexLimit, INT32_MAX);
  }
  bool isColumn(Value value) {
    auto cast = value.getDefiningOp<arith::IndexCastOp>();
    return cast && cast.getType().isInteger(32) &&
           cast.getIn() == op.getIndexArgs()[1];
  }
  /// first + column < bound is column < bound - first: columns are constants
  /// then, which take no registers.
  Value compareColumn(arith::CmpIOp compare) {
    Value given = get(compare.getRhs());
    Value &bound = fromFirstColumn[{given, groupOf()}];
    if (!bound)
      bound = emit.sub(given, groupOf() ? comparedColumn : firstColumn);
    return emit.createOrFold<arith::CmpIOp>(
        compare.getPredicate(), emit.i32(tiles.getLane().columnOf(element)),
        bound);
  }

  Value getArgument(unsigned number) {
    size_t inputs = op.getInputs().size();
    if (number < inputs)
      return tiles.element(tiles.get(op.getInputs()[number]), element);
    const LanePosition &lane = tiles.getLane();
    if (number == inputs)
      return emit.add(firstRow, lane.rowOffset(lane.rowOf(element)));
    return emit.add(firstColumn, lane.columnOf(element));
  }

  Emitter &emit;
  tile::MapOp op;
  FragmentEmitter &tiles;
  Scope &scope;
  size_t groupOf() const { return tiles.getLane().groupOf(element); }

  Value firstRow, firstColumn, comparedColumn;
  size_t element = 0;
  llvm::DenseMap<Value, unsigned> variation;
  llvm::DenseMap<Value, Value> perTile, perElement;
  llvm::DenseMap<int64_t, llvm::DenseMap<Value, Value>> perRow;
  // Of a group of rows, for predicates and the bounds of columns that they ask.
  llvm::DenseMap<std::pair<size_t, int64_t>, llvm::DenseMap<Value, Value>>
      perColumn;
  llvm::DenseMap<std::pair<Value, size_t>, Value> fromFirstColumn;
};
} // namespace

void FragmentEmitter::emitMap(tile::MapOp op, Scope &scope) {
  MapRegion region(emit, op, *this, scope);
  bool isMatrix = op.getDomainRank() == 2;
  bool partial = llvm::any_of(op.getInputs(),
                              [&](Value input) { return get(input).partial; });
  size_t count =
      isMatrix ? lane.groups * op.getDomain().second / 2 : lane.numRows();
  SmallVector<Values> results(op.getNumResults());
  for (size_t index = 0; index < count; ++index)
    for (auto [result, value] : llvm::zip_equal(
             results,
             region.emitElement(isMatrix ? index : lane.elementOfRow(index))))
      result.push_back(value);
  for (auto [source, values] : llvm::zip_equal(op.getResults(), results))
    bind(source, {isMatrix ? Fragment::matrix : Fragment::rows, values,
                  emit.getF32Type(), partial});
}

Fragment FragmentEmitter::select(Value condition, const Fragment &a,
                                 const Fragment &b, tile::TileType type) {
  Values values;
  for (auto [x, y] : llvm::zip_equal(spread(a, type), spread(b, type)))
    values.push_back(emit.select(condition, x, y));
  return gather(values, type, a.partial || b.partial);
}

//===----------------------------------------------------------------------===//
// Reductions and conversions
//===----------------------------------------------------------------------===//

Value FragmentEmitter::reduceLanes(Value value, tile::ReduceKind kind) {
  for (int64_t mask : {1, 2}) {
    Value other = emit.shuffleXor(value, mask);
    value = kind == tile::ReduceKind::Max ? emit.fmax(value, other)
                                          : emit.fadd(value, other);
  }
  return value;
}

void FragmentEmitter::emitReduce(tile::ReduceOp op, bool partial) {
  bool isMax = op.getKind() == tile::ReduceKind::Max;
  const Fragment &input = get(op.getInput());
  Values init = spread(get(op.getInit()), op.getInit().getType());
  size_t count = spreadSize(op.getInput().getType());
  auto combine = [&](Value a, Value b) {
    return isMax ? emit.fmax(a, b) : emit.fadd(a, b);
  };
  Values results;
  for (size_t row = 0; row < lane.numRows(); ++row) {
    Value total;
    for (size_t index = 0; index < count; ++index) {
      if (lane.rowOf(index) != row)
        continue;
      Value part = element(input, index);
      total = total ? combine(total, part) : part;
    }
    // The maximum does not mind meeting its start in every lane.
    if (isMax || partial)
      total = combine(total, init[row]);
    if (!partial)
      total = reduceLanes(total, op.getKind());
    if (!isMax && !partial)
      total = combine(total, init[row]);
    results.push_back(total);
  }
  bind(op.getResult(), {Fragment::rows, results, emit.getF32Type(), partial});
}

Fragment FragmentEmitter::complete(Fragment fragment) {
  if (!fragment.partial)
    return fragment;
  for (Value &value : fragment.values)
    value = reduceLanes(value, tile::ReduceKind::Sum);
  fragment.partial = false;
  return fragment;
}

void FragmentEmitter::emitConvert(tile::ConvertOp op) {
  tile::TileType type = op.getResult().getType();
  Values values = spread(get(op.getInput()), op.getInput().getType());
  Values registers;
  for (size_t index = 0; index < values.size(); index += 2)
    registers.push_back(
        emit.pack(values[index], values[index + 1], type.getElementType()));
  bind(op.getResult(),
       {Fragment::packed, registers, type.getElementType(), false});
}

} // namespace attn::tensorcore
