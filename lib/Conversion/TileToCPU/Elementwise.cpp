//===- Elementwise.cpp - Maps and reductions ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise ops over one domain share a loop nest.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include <limits>

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// Emits one elementwise op for one vector; `values` holds vectors of tiles
/// already computed in this element.
FailureOr<SmallVector<Value>>
KernelLowering::emitElement(Operation *op, DenseMap<Value, Value> &values,
                            Value row, Value col) {
  auto valueOf = [&](Value tile) -> FailureOr<Value> {
    if (Value value = values.lookup(tile))
      return value;
    FailureOr<Value> loaded = elementOf(tile, row, col);
    if (succeeded(loaded))
      values[tile] = *loaded;
    return loaded;
  };
  if (auto convert = dyn_cast<ConvertOp>(op)) {
    FailureOr<Value> in = valueOf(convert.getInput());
    if (failed(in))
      return failure();
    Type narrow = convert.getType().getElementType();
    if (narrow.isF32() || readsFixedWeights(convert) ||
        unrounded.contains(convert))
      return SmallVector<Value>{*in};
    auto narrowType =
        VectorType::get({static_cast<int64_t>(regs.lanes)}, narrow);
    Value rounded = arith::TruncFOp::create(b, narrowType, *in);
    return SmallVector<Value>{
        arith::ExtFOp::create(b, vectorType(regs.lanes), rounded)};
  }
  auto map = cast<MapOp>(op);
  SmallVector<Value> elements;
  for (Value input : map.getInputs()) {
    FailureOr<Value> value = valueOf(input);
    if (failed(value))
      return failure();
    elements.push_back(*value);
  }
  if (std::optional<bool> areThere = areKeysThere(map)) {
    Value masked = arith::ConstantOp::create(
        b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
    return SmallVector<Value>{*areThere ? elements.front()
                                        : splatVector(masked)};
  }
  Value globalRow = add(map.getOffsets()[0], row);
  if (strip.start)
    globalRow = add(globalRow, strip.start);
  Value globalCol =
      map.getDomainRank() == 2 ? add(map.getOffsets()[1], col) : Value();
  bool rowsVary = lanes == LaneDim::Rows || map.getDomainRank() == 1;
  return RegionVectorizer(b, regs.lanes, ranges)
      .run(map, elements, globalRow, globalCol, /*laneDim=*/rowsVary ? 0 : 1);
}

/// Row statistics: a loop over vectors of rows.
LogicalResult KernelLowering::lowerRowMap(MapOp map) {
  int64_t rows = rowsOf(map.getDomain().first);
  SmallVector<Value> outputs;
  for (Value result : map.getResults())
    outputs.push_back(outputBuffer(result, map));
  auto emitRows = [&](Value row) -> LogicalResult {
    DenseMap<Value, Value> values;
    auto results = emitElement(map, values, row, Value());
    if (failed(results))
      return failure();
    for (auto [result, output] : llvm::zip(*results, outputs))
      storeVector(result, output, row, Value());
    return success();
  };
  if (failed(tryForRange(index(0), index(rows), regs.lanes, emitRows)))
    return failure();
  for (auto [result, output] : llvm::zip(map.getResults(), outputs))
    places[result].buffer = output;
  return success();
}

LogicalResult KernelLowering::lowerAnyAbove(AnyAboveOp op) {
  if (MapOp weights = findTriedWeights(op))
    return tryWeights(op, weights);
  FailureOr<Value> any = compareScores(op);
  if (failed(any))
    return failure();
  op.getResult().replaceAllUsesWith(*any);
  return success();
}

/// Rows from which columns lie on the lanes: one comparison a row.
FailureOr<Value> KernelLowering::compareScores(AnyAboveOp op) {
  FailureOr<Value> input = lanesBuffer(op.getInput());
  FailureOr<Value> limits = lanesBuffer(op.getLimit());
  if (failed(input) || failed(limits))
    return failure();
  auto type = cast<TileType>(op.getInput().getType());
  int64_t cols = wholeVectors(type.getCols());
  int64_t unit = regs.lanes, together = cols % (4 * unit) ? 1 : 4;
  auto noneType = VectorType::get({unit}, b.getI1Type());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(noneType));
  auto rows = scf::ForOp::create(b, index(0), index(rowsOf(type.getRows())),
                                 index(1), none);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rows.getBody());
    Value row = rows.getInductionVar();
    Value limit = splatVector(memref::LoadOp::create(b, *limits, row));
    // From the limit on, so that a NaN is not above it.
    auto columns = scf::ForOp::create(b, index(0), index(cols),
                                      index(together * unit), limit);
    b.setInsertionPointToStart(columns.getBody());
    Value top = columns.getRegionIterArg(0);
    for (int64_t k = 0; k < together; ++k)
      top = combine(ReduceKind::Max,
                    loadVector(*input, row,
                               add(columns.getInductionVar(), index(k * unit))),
                    top);
    scf::YieldOp::create(b, top);
    b.setInsertionPointAfter(columns);
    Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                        columns.getResult(0), limit);
    Value so = arith::OrIOp::create(b, rows.getRegionIterArg(0), above);
    scf::YieldOp::create(b, so);
  }
  return vector::ReductionOp::create(b, vector::CombiningKind::OR,
                                     rows.getResult(0))
      .getResult();
}

bool cpu::isElementwise(Operation *op) {
  if (auto map = dyn_cast<MapOp>(op))
    return map.getDomainRank() == 2;
  if (auto convert = dyn_cast<ConvertOp>(op))
    return convert.getType().getRank() == 2;
  return isa<ReduceOp>(op);
}

std::pair<int64_t, int64_t> cpu::domainOf(Operation *op) {
  if (auto map = dyn_cast<MapOp>(op))
    return map.getDomain();
  auto type = cast<TileType>(op->getOperand(0).getType());
  return {type.getRows(), type.getCols()};
}

/// True if `op` can be computed element by element together with the group:
/// the same domain, and no operand that is complete only after the group.
bool KernelLowering::joinsGroup(Operation *op) {
  if (!isElementwise(op))
    return false;
  if (group.ops.empty())
    return true;
  if (domainOf(op) != std::pair<int64_t, int64_t>(group.rows, group.cols))
    return false;
  return llvm::none_of(op->getOperands(), [&](Value operand) {
    Operation *def = operand.getDefiningOp();
    return def && group.ops.contains(def) && isa<ReduceOp>(def);
  });
}

/// True if `op` computes row statistics that the group does not make: they may
/// be computed before it, so that what needs them can still join.
bool KernelLowering::precedesGroup(Operation *op) {
  auto map = dyn_cast<MapOp>(op);
  return map && map.getDomainRank() == 1 &&
         llvm::none_of(map.getOperands(), [&](Value operand) {
           return group.ops.contains(operand.getDefiningOp());
         });
}

/// The buffer of an operand of the group that dies with it at `op`, and is not
/// in `taken`: each element is read before it is written. Null without one.
Value KernelLowering::dyingBuffer(Operation *op,
                                  llvm::SmallDenseSet<Value> &taken) {
  for (Operation *member : group.ops) {
    for (Value operand : member->getOperands()) {
      auto it = places.find(operand);
      auto type = dyn_cast<TileType>(operand.getType());
      if (!type || type.getRank() != 2 || it == places.end() ||
          it->second.kind != Place::Lanes || taken.contains(operand))
        continue;
      Operation *def = operand.getDefiningOp();
      if (def && def->getBlock() == op->getBlock() &&
          isDeadAfter(operand, op)) {
        taken.insert(operand);
        return it->second.buffer;
      }
    }
  }
  return Value();
}

/// What the open group writes.
GroupOutputs KernelLowering::outputsOfGroup() {
  GroupOutputs outputs;
  llvm::SmallDenseSet<Value> taken;
  for (Operation *op : group.ops) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      outputs.reduces.push_back(reduce);
      if (readsFixedWeights(reduce))
        outputs.fixedSums.push_back(reduce);
      continue;
    }
    for (Value result : op->getResults()) {
      if (isPairOperand(result)) {
        auto type = cast<TileType>(result.getType());
        outputs.pairs.emplace_back(
            result, allocate({type.getCols() / 2, 2 * type.getRows()},
                             b.getBF16Type()));
        continue;
      }
      if (isFactor(result)) {
        outputs.factors.emplace_back(
            result, isPending(result)
                        ? pendingFactor()
                        : newFactor(cast<TileType>(result.getType())));
        continue;
      }
      bool escapes = llvm::any_of(result.getUsers(), [&](Operation *user) {
        return !group.ops.contains(user);
      });
      if (!escapes)
        continue;
      Value buffer;
      if (!wanted.contains(result))
        buffer = dyingBuffer(op, taken);
      if (!buffer)
        buffer = outputBuffer(result, op);
      outputs.stored.emplace_back(result, buffer);
    }
  }
  for (ReduceOp reduce : outputs.reduces)
    outputs.reduced.push_back(outputBuffer(reduce.getResult(), reduce));
  return outputs;
}

/// The factor of a product, as it takes it, of which this is a sum; or null.
static Value factorOf(ReduceOp reduce) {
  auto convert = reduce.getInput().getDefiningOp<ConvertOp>();
  return convert && widensFactor(convert) ? convert.getInput() : Value();
}

/// One vector of the group; `carried` are the reductions, `values` the elements
/// of tiles that are in registers.
LogicalResult KernelLowering::emitGroupColumn(const GroupOutputs &outputs,
                                              Value row, Value col,
                                              SmallVectorImpl<Value> &carried,
                                              SmallVectorImpl<Value> &paired,
                                              DenseMap<Value, Value> values) {
  for (Operation *op : group.ops) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      // A maximum with -inf is what it was.
      bool areThere =
          areKeysThere(reduce.getInput().getDefiningOp()).value_or(true);
      if (readsFixedWeights(reduce) || factorOf(reduce) ||
          (!areThere && reduce.getKind() == ReduceKind::Max))
        continue;
      FailureOr<Value> input = values.lookup(reduce.getInput());
      if (!*input)
        input = elementOf(reduce.getInput(), row, col);
      if (failed(input))
        return failure();
      Value &sum = carried[llvm::find(outputs.reduces, reduce) -
                           outputs.reduces.begin()];
      sum = combine(reduce.getKind(), *input, sum);
      continue;
    }
    auto results = emitElement(op, values, row, col);
    if (failed(results))
      return failure();
    for (auto [tile, value] : llvm::zip(op->getResults(), *results))
      values[tile] = value;
  }
  for (auto [result, buffer] : outputs.stored)
    storeVector(values[result], buffer, row, col);
  for (auto [result, buffer] : llvm::concat<const std::pair<Value, Value>>(
           outputs.pairs, outputs.factors))
    paired.push_back(values[result]);
  return success();
}

Value KernelLowering::combine(ReduceKind kind, Value element, Value sum) {
  if (kind == ReduceKind::Sum)
    return arith::AddFOp::create(b, sum, element);
  // One compare and select: a NaN element leaves the maximum alone.
  Value greater =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, element, sum);
  return arith::SelectOp::create(b, greater, element, sum);
}

/// Whether a row has as many results as a vector has lanes.
static bool isPartial(ReduceOp reduce) {
  return reduce.getType().getRank() == 2;
}

/// What the lanes of a reduction begin with.
FailureOr<Value> KernelLowering::reductionInit(ReduceOp reduce, Value row) {
  if (lanes == LaneDim::Rows)
    return elementOf(reduce.getInit(), row, Value());
  if (isPartial(reduce))
    return elementOf(reduce.getInit(), row, index(0));
  if (reduce.getKind() == ReduceKind::Sum)
    return splatVector(zeroF32());
  return elementOf(reduce.getInit(), row, index(0));
}

/// What lies on lanes of a reduction with columns on them, combined by halves;
/// the initial value of a sum is added.
Value KernelLowering::reduceLanes(ReduceOp reduce, Value reduced, Value row) {
  for (int64_t half = regs.lanes / 2; half; half /= 2) {
    auto part = [&](int64_t from) -> Value {
      return vector::ExtractStridedSliceOp::create(b, reduced, from, half, 1);
    };
    reduced = combine(reduce.getKind(), part(half), part(0));
  }
  reduced = vector::ExtractOp::create(b, reduced, 0);
  if (reduce.getKind() != ReduceKind::Sum)
    return reduced;
  const Place &init = places[reduce.getInit()];
  Value first = init.kind == Place::Splat
                    ? init.scalar
                    : memref::LoadOp::create(b, init.buffer, row).getResult();
  return arith::AddFOp::create(b, first, reduced);
}

/// Stores two vectors of a factor side by side. Weights have their bits only
/// here: they join their sums.
void KernelLowering::storeFactor(const GroupOutputs &outputs,
                                 std::pair<Value, Value> output, Value first,
                                 Value second, Value row, Value col,
                                 SmallVectorImpl<Value> &carried) {
  bool isFixed = fixedFactors.contains(output.first);
  Value joined = isFixed ? weightsOfExponents(joinExponents(first, second))
                         : sideBySide(first, second);
  vector::StoreOp::create(b, joined, output.second, ValueRange{row, col});
  for (auto [k, reduce] : llvm::enumerate(outputs.reduces))
    if (factorOf(reduce) == output.first)
      carried[k] = addJoined(carried[k], joined, /*times=*/1);
  if (!isFixed)
    return;
  Value weights = output.first.getDefiningOp<ConvertOp>().getInput();
  for (auto [k, reduce] : llvm::enumerate(outputs.reduces))
    if (ReduceOp(reduce).getInput() == weights && reduce != pending.sums)
      carried[k] = addJoined(carried[k], joined, /*times=*/-1);
  for (auto [k, reduce] : llvm::enumerate(outputs.fixedSums))
    if (ReduceOp(reduce).getInput() == weights) {
      Value &poisoned = carried[outputs.reduces.size() + k];
      poisoned = poison(poison(poisoned, first), second);
    }
}

/// So many columns of the group, or vectors of them, side by side.
LogicalResult
KernelLowering::emitGroupColumns(const GroupOutputs &outputs, Value row,
                                 Value first, unsigned together, int64_t unit,
                                 SmallVectorImpl<Value> &carried) {
  SmallVector<SmallVector<Value>> paired(together);
  for (unsigned c = 0; c < together; ++c)
    if (failed(emitGroupColumn(outputs, row, add(first, index(c * unit)),
                               carried, paired[c])))
      return failure();
  for (auto [k, output] : llvm::enumerate(outputs.pairs)) {
    Value pair = arith::DivUIOp::create(b, first, index(2));
    Value start = arith::MulIOp::create(b, row, index(2));
    vector::StoreOp::create(b, interleave(paired[0][k], paired[1][k]),
                            output.second, ValueRange{pair, start});
  }
  for (auto [k, output] : llvm::enumerate(outputs.factors))
    storeFactor(outputs, output, paired[0][k], paired[1][k], row, first,
                carried);
  return success();
}

/// The group at a vector of rows, or at a row with columns on the lanes: a loop
/// over columns, with row reductions carried in registers. Yields these.
FailureOr<SmallVector<Value>>
KernelLowering::emitGroupRow(const GroupOutputs &outputs, Value row) {
  SmallVector<Value> inits;
  for (ReduceOp reduce : outputs.reduces) {
    FailureOr<Value> init = reductionInit(reduce, row);
    if (failed(init))
      return failure();
    inits.push_back(*init);
  }
  inits.append(outputs.fixedSums.size(), splatVector(zeroF32()));
  // Two columns at a time where they become pairs, or two vectors of them that
  // a tile register has side by side. What takes an instruction a vector would
  // wait for those of the loop.
  bool isJoined = !outputs.pairs.empty() || !outputs.factors.empty();
  int64_t unit = lanes == LaneDim::Rows ? 1 : regs.lanes;
  bool isShort = lanes == LaneDim::Columns && group.ops.size() == 1 &&
                 group.cols % (4 * unit) == 0;
  unsigned together = isJoined ? 2 : isShort ? 4 : 1;
  // Few columns are a row without a loop.
  constexpr unsigned fewPairs = 2;
  unsigned pairs = !outputs.factors.empty() &&
                           group.cols == int64_t(unit * together * fewPairs)
                       ? fewPairs
                       : 1;
  auto loop = scf::ForOp::create(b, index(0), index(group.cols),
                                 index(unit * together * pairs), inits);
  OpBuilder::InsertionGuard inner(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> carried(loop.getRegionIterArgs());
  for (unsigned p = 0; p < pairs; ++p)
    if (failed(emitGroupColumns(
            outputs, row,
            add(loop.getInductionVar(), index(p * unit * together)), together,
            unit, carried)))
      return failure();
  if (!carried.empty())
    scf::YieldOp::create(b, carried);
  SmallVector<Value> reduced(loop.getResults());
  b.setInsertionPointAfter(loop);
  for (auto [k, poisoned] : llvm::enumerate(outputs.fixedSums)) {
    Value &sum = reduced[llvm::find(outputs.reduces, poisoned) -
                         outputs.reduces.begin()];
    sum = arith::AddFOp::create(b, sum, reduced[outputs.reduces.size() + k]);
  }
  reduced.truncate(outputs.reduces.size());
  return reduced;
}

/// The group with rows on the lanes.
LogicalResult KernelLowering::emitGroupRows(const GroupOutputs &outputs,
                                            Value row) {
  auto reduced = emitGroupRow(outputs, row);
  if (failed(reduced))
    return failure();
  for (auto [sums, buffer] : llvm::zip(*reduced, outputs.reduced))
    storeVector(sums, buffer, row, Value());
  return success();
}

/// The group row by row, up to `end`, with columns on the lanes, of a vector of
/// rows. The lanes of their reductions are combined together, in far fewer
/// steps than one row after the other takes.
LogicalResult KernelLowering::emitGroupOfRows(const GroupOutputs &outputs,
                                              Value firstRow, Value end) {
  SmallVector<Value> lanesOfRows;
  for (ReduceOp reduce : outputs.reduces)
    lanesOfRows.push_back(
        isPartial(reduce) ? Value()
                          : allocate({regs.lanes, regs.lanes}, b.getF32Type()));
  Value last = min(add(firstRow, index(regs.lanes)), end);
  auto emitRow = [&](Value row) -> LogicalResult {
    auto reduced = emitGroupRow(outputs, row);
    if (failed(reduced))
      return failure();
    Value lane = b.createOrFold<arith::SubIOp>(row, firstRow);
    for (auto [vector, buffer, result] :
         llvm::zip_equal(*reduced, lanesOfRows, outputs.reduced))
      vector::StoreOp::create(b, vector, buffer ? buffer : result,
                              ValueRange{buffer ? lane : row, index(0)});
    return success();
  };
  if (failed(tryForRange(firstRow, last, 1, emitRow)))
    return failure();
  for (auto [k, reduceOp] : llvm::enumerate(outputs.reduces)) {
    ReduceOp reduce = reduceOp;
    if (isPartial(reduce))
      continue;
    SmallVector<Value> rows;
    for (unsigned lane = 0; lane < regs.lanes; ++lane)
      rows.push_back(vector::LoadOp::create(b, vectorType(regs.lanes),
                                            lanesOfRows[k],
                                            ValueRange{index(lane), index(0)}));
    Value reduced = combineLanes(reduce.getKind(), rows);
    if (reduce.getKind() == ReduceKind::Sum) {
      const Place &init = places[reduce.getInit()];
      Value first = init.kind == Place::Splat
                        ? splatVector(init.scalar)
                        : loadVector(init.buffer, firstRow, Value());
      reduced = arith::AddFOp::create(b, first, reduced);
    }
    storeVector(reduced, outputs.reduced[k], firstRow, Value());
  }
  return success();
}

/// The group row by row, up to `end`, with columns on the lanes, of so many
/// rows as have their reductions in one vector. That is put together in
/// registers: as a vector it is read soon, and scalars that are still on their
/// way to memory would hold up the load.
LogicalResult KernelLowering::emitGroupByRow(const GroupOutputs &outputs,
                                             Value firstRow, Value end) {
  SmallVector<Value> inits(outputs.reduces.size(), splatVector(zeroF32()));
  Value last = min(add(firstRow, index(regs.lanes)), end);
  auto loop = scf::ForOp::create(b, firstRow, last, index(1), inits);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(loop.getBody());
    Value row = loop.getInductionVar();
    auto reduced = emitGroupRow(outputs, row);
    if (failed(reduced))
      return failure();
    if (inits.empty())
      return success();
    Value lane = b.createOrFold<arith::SubIOp>(row, firstRow);
    Value isRow = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        laneNumbers(), spreadIndex(lane));
    SmallVector<Value> gathered;
    for (auto [reduce, sums, others] :
         llvm::zip(outputs.reduces, *reduced, loop.getRegionIterArgs()))
      gathered.push_back(arith::SelectOp::create(
          b, isRow, splatVector(reduceLanes(reduce, sums, row)), others));
    scf::YieldOp::create(b, gathered);
  }
  for (auto [sums, buffer] : llvm::zip(loop.getResults(), outputs.reduced))
    storeVector(sums, buffer, firstRow, Value());
  return success();
}

/// Whether all that the open group is for is what `store` stores, in whole
/// vectors of a row.
bool KernelLowering::storesGroup(StoreOp store) {
  TileType type = store.getTile().getType();
  APInt cols;
  bool isWhole = type.getRank() == 2 && type.getCols() % regs.lanes == 0 &&
                 matchPattern(store.getValid()[1], m_ConstantInt(&cols)) &&
                 cols.getSExtValue() >= type.getCols();
  auto isForStore = [&](Operation *op) {
    return !isa<ReduceOp>(op) &&
           llvm::all_of(op->getUsers(), [&](Operation *user) {
             return user == store || group.ops.contains(user);
           });
  };
  return lanes == LaneDim::Columns && !openProduct && isWhole &&
         isContiguous(store.getDest()) &&
         group.ops.contains(store.getTile().getDefiningOp()) &&
         llvm::all_of(group.ops, isForStore);
}

/// The open group goes to memory as it is computed.
LogicalResult KernelLowering::storeGroup(StoreOp store) {
  ++groups;
  TileType type = store.getTile().getType();
  Value rows = clampTo(store.getValid()[0], type.getRows());
  auto storeElements = [&](Value row, Value col) -> LogicalResult {
    DenseMap<Value, Value> values;
    for (Operation *op : group.ops) {
      auto results = emitElement(op, values, row, col);
      if (failed(results))
        return failure();
      for (auto [tile, value] : llvm::zip(op->getResults(), *results))
        values[tile] = value;
    }
    SmallVector<Value> at(store.getIndices());
    at[at.size() - 2] = add(at[at.size() - 2], row);
    at.back() = add(at.back(), col);
    vector::StoreOp::create(b, convertToStore(store, values[store.getTile()]),
                            store.getDest(), at);
    return success();
  };
  LogicalResult stored = tryForRange(index(0), rows, 1, [&](Value row) {
    return tryForRange(index(0), index(type.getCols()), regs.lanes,
                       [&](Value col) { return storeElements(row, col); });
  });
  group = Group();
  return stored;
}

/// Emits the open product and group before `before`: the group in the product's
/// registers, or by vectors of rows, or row by row.
LogicalResult KernelLowering::flush(Operation *before) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(before);
  DotOp product = std::exchange(openProduct, nullptr);
  if (product && (group.ops.empty() || !isEpilogueOf(product))) {
    if (failed(lowerDot(product)))
      return failure();
    product = nullptr;
  }
  if (group.ops.empty())
    return success();
  ++groups;
  GroupOutputs outputs = outputsOfGroup();
  if (product && !areOutputsApart(product, outputs)) {
    if (failed(lowerDot(product)))
      return failure();
    product = nullptr;
  }
  int64_t rows = rowsOf(group.rows);
  Value end = lanes == LaneDim::Rows ? index(rows) : endOfRows(rows);
  auto emitRows = [&](const GroupOutputs &outputs) {
    return tryForRange(index(0), end, regs.lanes, [&](Value row) {
      if (lanes == LaneDim::Rows)
        return emitGroupRows(outputs, row);
      return rows % regs.lanes == 0 ? emitGroupOfRows(outputs, row, end)
                                    : emitGroupByRow(outputs, row, end);
    });
  };
  auto *waiting = llvm::find(outputs.reduces, pending.sums);
  if (pending.areFinite && waiting != outputs.reduces.end()) {
    // Sums of waiting weights have nothing to note here if scores are finite.
    GroupOutputs others = outputs;
    auto position = waiting - outputs.reduces.begin();
    others.reduces.erase(others.reduces.begin() + position);
    others.reduced.erase(others.reduced.begin() + position);
    llvm::erase(others.fixedSums, pending.sums);
    auto branch =
        scf::IfOp::create(b, pending.areFinite, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(branch.thenBlock());
    // Nothing else than the weights that were tried before.
    if (pending.needsWeights && others.reduces.empty() &&
        others.stored.empty() && others.factors.size() == 1) {
      auto needed = scf::IfOp::create(b, pending.needsWeights,
                                      /*withElseRegion=*/false);
      b.setInsertionPointToStart(needed.thenBlock());
    }
    if (failed(emitRows(others)))
      return failure();
    b.setInsertionPointToStart(branch.elseBlock());
    if (failed(emitRows(outputs)))
      return failure();
  } else if (!product && scalesZeros(outputs)) {
    Value isZero = isAtFirstTile(pending.loop);
    auto branch = scf::IfOp::create(b, TypeRange(), isZero,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(branch.elseBlock());
    if (failed(emitRows(outputs)))
      return failure();
  } else if (failed(product ? emitEpilogue(product, outputs)
                            : emitRows(outputs))) {
    return failure();
  }
  for (auto [result, buffer] : outputs.stored)
    places[result].buffer = buffer;
  for (auto [result, buffer] : outputs.pairs) {
    places[result].kind = Place::Pairs;
    places[result].buffer = buffer;
  }
  for (auto [result, buffer] : outputs.factors) {
    places[result].kind = Place::Factor;
    places[result].buffer = buffer;
  }
  for (auto [reduce, buffer] : llvm::zip(outputs.reduces, outputs.reduced))
    places[reduce.getResult()].buffer = buffer;
  group = Group();
  return success();
}
