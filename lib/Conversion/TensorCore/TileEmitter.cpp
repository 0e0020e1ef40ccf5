//===- TileEmitter.cpp - Tile ops of the warps that compute ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maps, reductions and conversions go to FragmentEmitter; branches either
// select a version of the loop body or join the values of both sides.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

using namespace mlir;

namespace attn::tensorcore {

//===----------------------------------------------------------------------===//
// One key tile
//===----------------------------------------------------------------------===//

void TileEmitter::emitTileOp(Operation *op, Full full, Scope &scope) {
  if (auto map = dyn_cast<tile::MapOp>(op))
    return tiles.emitMap(map, scope);
  if (auto splat = dyn_cast<tile::SplatOp>(op))
    return tiles.emitSplat(splat, scope);
  if (auto convert = dyn_cast<tile::ConvertOp>(op))
    return tiles.emitConvert(convert);
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return emitStore(store, scope);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return emitIf(branch, full, scope);
  if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    bool partial = false;
    for (auto [yielded, deferred] :
         llvm::zip(structure.loop.getBody()->getTerminator()->getOperands(),
                   structure.partialSum))
      partial |= deferred && yielded == reduce.getResult();
    return tiles.emitReduce(reduce, partial);
  }
}

void TileEmitter::emitBranch(Region &region, scf::IfOp op, Full full,
                             Scope &scope) {
  for (Operation &inner : region.front().without_terminator()) {
    scope.emitScalar(&inner);
    emitTileOp(&inner, full, scope);
  }
  for (auto [result, yielded] : llvm::zip_equal(
           op.getResults(), region.front().getTerminator()->getOperands()))
    if (tiles.knows(yielded)) {
      Fragment fragment = tiles.get(yielded);
      tiles.bind(result, fragment);
    } else {
      scope.bind(result, scope.get(yielded));
    }
}

void TileEmitter::emitIf(scf::IfOp op, Full full, Scope &scope) {
  bool asksFull =
      structure.rangeAt && op.getCondition() == structure.rangeAt.getFull();
  if (asksFull && full != Full::ask)
    return emitBranch(full == Full::yes ? op.getThenRegion()
                                        : op.getElseRegion(),
                      op, full, scope);
  Value condition = scope.get(op.getCondition());
  Types types;
  for (Type type : op.getResultTypes())
    llvm::append_range(
        types, emit.repeated(emit.getF32Type(),
                             tiles.spreadSize(cast<tile::TileType>(type))));
  Block *then = emit.createBlock();
  Block *otherwise = emit.createBlock();
  Block *join = emit.createBlock(types);
  emit.branchIf(condition, then, {}, otherwise, {});
  bool partial = false;
  for (auto [block, region] : {std::pair(then, &op.getThenRegion()),
                               std::pair(otherwise, &op.getElseRegion())}) {
    emit.enter(block);
    Scope inner(emit, &scope);
    emitBranch(*region, op, full, inner);
    Values values;
    for (Value result : op.getResults()) {
      partial |= tiles.get(result).partial;
      llvm::append_range(values,
                         tiles.spread(tiles.get(result),
                                      cast<tile::TileType>(result.getType())));
    }
    emit.branch(join, values);
  }
  emit.enter(join);
  ValueRange values = join->getArguments();
  for (Value result : op.getResults()) {
    auto type = cast<tile::TileType>(result.getType());
    size_t size = tiles.spreadSize(type);
    tiles.bind(result, tiles.gather(values.take_front(size), type, partial));
    values = values.drop_front(size);
  }
}

void TileEmitter::emitStatistics(Full full, Scope &scope) {
  for (Operation &op : structure.loop.getBody()->without_terminator())
    if (!structure.conversions.contains(&op) &&
        !structure.accumulatorMaps.contains(&op) &&
        !structure.afterProducts.contains(&op))
      emitTileOp(&op, full, scope);
}

void TileEmitter::emitAfterProducts(Full full, Scope &scope) {
  for (Operation &op : structure.loop.getBody()->without_terminator())
    if (structure.afterProducts.contains(&op))
      emitTileOp(&op, full, scope);
}

Values TileEmitter::emitConversions(Scope &scope) {
  for (Operation &op : structure.loop.getBody()->without_terminator())
    if (structure.conversions.contains(&op))
      emitTileOp(&op, Full::ask, scope);
  return tiles.get(structure.valueDot.getA()).values;
}

void TileEmitter::emitAccumulatorMaps(Scope &scope) {
  for (Operation &op : structure.loop.getBody()->without_terminator())
    if (structure.accumulatorMaps.contains(&op))
      emitTileOp(&op, Full::ask, scope);
}

Values TileEmitter::emitPreparation(Scope &scope) {
  Values probabilities = emitConversions(scope);
  emitAccumulatorMaps(scope);
  return probabilities;
}

//===----------------------------------------------------------------------===//
// The loop over key tiles
//===----------------------------------------------------------------------===//

Types TileEmitter::carriedTypes() {
  size_t count = 0;
  for (unsigned number = 0; number < structure.partialSum.size(); ++number)
    count += tiles.spreadSize(carriedType(number));
  return emit.repeated(emit.getF32Type(), count);
}

Values TileEmitter::carriedValues() {
  Values values;
  auto yielded = structure.loop.getBody()->getTerminator()->getOperands();
  for (unsigned number = 0; number < structure.partialSum.size(); ++number) {
    Value source = number == structure.accumulator ? structure.valueDot.getAcc()
                                                   : yielded[number];
    llvm::append_range(values,
                       tiles.spread(tiles.get(source), carriedType(number)));
  }
  return values;
}

void TileEmitter::bindCarried(ValueRange values) {
  for (auto [number, argument] :
       llvm::enumerate(structure.loop.getRegionIterArgs())) {
    tile::TileType type = carriedType(number);
    size_t size = tiles.spreadSize(type);
    tiles.bind(argument, tiles.gather(values.take_front(size), type,
                                      structure.partialSum[number]));
    values = values.drop_front(size);
  }
}

bool TileEmitter::hasVersions() {
  if (!structure.rangeAt)
    return false;
  Value full = structure.rangeAt.getFull();
  return llvm::any_of(structure.loop.getBody()->getOps<scf::IfOp>(),
                      [&](scf::IfOp op) { return op.getCondition() == full; });
}

void TileEmitter::emitVersions(Value full,
                               llvm::function_ref<void(Full)> body) {
  if (!hasVersions())
    return body(Full::ask);
  Block *clean = emit.createBlock();
  Block *masked = emit.createBlock();
  emit.branchIf(full, clean, {}, masked, {});
  emit.enter(clean);
  body(Full::yes);
  emit.enter(masked);
  body(Full::no);
}

//===----------------------------------------------------------------------===//
// Around the loop
//===----------------------------------------------------------------------===//

Values TileEmitter::initialValues() {
  Values inits;
  for (auto [number, init] : llvm::enumerate(structure.loop.getInits()))
    llvm::append_range(inits,
                       tiles.spread(tiles.get(init), carriedType(number)));
  bindCarried(inits);
  return inits;
}

void TileEmitter::bindResults(ValueRange values) {
  bindCarried(values);
  for (auto [argument, result] : llvm::zip_equal(
           structure.loop.getRegionIterArgs(), structure.loop.getResults())) {
    Fragment complete = tiles.complete(tiles.get(argument));
    tiles.bind(result, complete);
  }
}

void TileEmitter::emitPrologue(Scope &scope) {
  for (Operation &op : structure.kernel.getOps()) {
    if (&op == structure.loop)
      break;
    emitTileOp(&op, Full::ask, scope);
  }
}

void TileEmitter::emitEpilogue(Scope &scope) {
  Operation *op = structure.loop;
  while ((op = op->getNextNode()))
    emitTileOp(op, Full::ask, scope);
}

void TileEmitter::emitStore(tile::StoreOp op, Scope &scope) {
  if (op.getTile().getType().getRank() == 1)
    return storeRows(op, scope);
  storeElements(op, scope);
}

void TileEmitter::storeRows(tile::StoreOp op, Scope &scope) {
  const LanePosition &lane = tiles.getLane();
  View view = *getView(op.getDest());
  Values values = tiles.spread(tiles.get(op.getTile()), op.getTile().getType());
  Values indices = scope.getPositions(op.getIndices());
  Value valid = scope.getPosition(op.getValid()[0]);
  Value firstOfQuad = emit.equal(lane.firstColumn, 0);
  Value start = indices.back();
  for (size_t row = 0; row < lane.numRows(); ++row) {
    Value local = emit.add(lane.firstRow, lane.rowOffset(row));
    indices.back() = emit.add(start, local);
    Value offset = emitOffset(emit, view, indices,
                              [&](Value value) { return scope.get(value); });
    emit.storeGlobalIf(emit.both(firstOfQuad, emit.less(local, valid)),
                       scope.get(view.base), offset, values[row],
                       op.getTile().getType().getElementType());
  }
}

void TileEmitter::storeElements(tile::StoreOp op, Scope &scope) {
  const LanePosition &lane = tiles.getLane();
  View view = *getView(op.getDest());
  const Fragment &fragment = tiles.get(op.getTile());
  tile::TileType type = op.getTile().getType();
  Values indices = scope.getPositions(op.getIndices());
  Value validRows = scope.getPosition(op.getValid()[0]);
  Value validColumns = scope.getPosition(op.getValid()[1]);
  Value startRow = indices[indices.size() - 2];
  Value startColumn = indices.back();
  // A register holds one f32 or a pair of 16-bit columns, which is stored at
  // once where rows and valid columns allow it.
  bool pairs = fragment.kind == Fragment::packed;
  std::optional<int64_t> columns = getConstantIntValue(op.getValid()[1]);
  bool split =
      pairs && (getUnit(view) < pairBytes || !columns || *columns % 2 != 0);
  Values values = pairs ? fragment.values : tiles.spread(fragment, type);
  for (size_t row = 0; row < lane.numRows(); ++row) {
    Value local = emit.add(lane.firstRow, lane.rowOffset(row));
    Value rowIsValid = emit.less(local, validRows);
    indices[indices.size() - 2] = emit.add(startRow, local);
    indices.back() = emit.add(startColumn, lane.firstColumn);
    Value offset = emitOffset(emit, view, indices,
                              [&](Value value) { return scope.get(value); });
    for (auto [number, value] : llvm::enumerate(values)) {
      size_t element = pairs ? 2 * number : number;
      if (lane.rowOf(element) != row)
        continue;
      auto store = [&](int64_t column, Value stored) {
        Value inside =
            emit.less(emit.add(lane.firstColumn, column), validColumns);
        emit.storeGlobalIf(emit.both(rowIsValid, inside), scope.get(view.base),
                           emit.add(offset, column), stored,
                           type.getElementType());
      };
      int64_t column = lane.columnOf(element);
      if (!split) {
        store(column, value);
        continue;
      }
      store(column, emit.toI16(value));
      store(column + 1, emit.toI16(emit.shiftRight(value, 16)));
    }
  }
}

} // namespace attn::tensorcore
