//===- ScalarEmitter.cpp - Scalar code of a tile kernel -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic is cloned; exp2, log2, reciprocals and roots become the special
// function unit's. Reads are in bounds already (attn-make-total).
//
//===----------------------------------------------------------------------===//

#include "ScalarEmitter.h"

#include "../MatrixKernels.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace attn::tensorcore {

static bool isScalarType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() <= 64;
  // f64 is what captures hold and casts read.
  return type.isIndex() ||
         isa<Float64Type, Float32Type, Float16Type, BFloat16Type>(type);
}

static bool isMathOp(Operation *op) {
  // tile-expand-math leaves these.
  return isa<math::Exp2Op, math::Log2Op, math::SqrtOp, math::RsqrtOp,
             math::AbsFOp, math::AbsIOp, math::FmaOp, math::FloorOp,
             math::CeilOp, math::RoundEvenOp, math::TruncOp, math::CtPopOp>(op);
}

bool isScalarOp(Operation *op) {
  if (!llvm::all_of(op->getResultTypes(), isScalarType))
    return false;
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return getView(load.getMemref()).has_value();
  if (auto dim = dyn_cast<memref::DimOp>(op))
    return getView(dim.getSource()) && dim.getConstantIndex();
  if (isMathOp(op))
    return true;
  // Remainders of floats would be a call, and tile-narrow-indices leaves no
  // unsigned casts of indices.
  return isa_and_nonnull<arith::ArithDialect>(op->getDialect()) &&
         !isa<arith::RemFOp, arith::IndexCastUIOp>(op) &&
         llvm::all_of(op->getOperandTypes(), isScalarType);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// An index as arithmetic has it, other values as they are.
static Type toArithmetic(Emitter &emit, Type type) {
  return type.isIndex() ? emit.getI64Type() : type;
}

static Value constantIndex(Emitter &emit, int64_t value) {
  return llvm::isInt<32>(value) ? emit.i32(value) : emit.i64(value);
}

Value emitIndex(Emitter &emit, OpFoldResult value, Lookup lookup) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return constantIndex(emit, *known);
  return lookup(cast<Value>(value));
}

Value emitOffset(Emitter &emit, const View &view, ValueRange indices,
                 Lookup lookup) {
  Value offset = emit.i64(0);
  for (auto [index, stride] : llvm::zip_equal(indices, view.strides)) {
    Value step = emit.toI64(emitIndex(emit, stride, lookup));
    offset = emit.add(offset, emit.mul(emit.toI64(index), step));
  }
  return offset;
}

/// Casts between an index, which is a signed number of 64 bits even where it is
/// kept in 32, and other integers.
static Value emitIndexCast(Emitter &emit, arith::IndexCastOp op,
                           Value operand) {
  unsigned from = operand.getType().getIntOrFloatBitWidth();
  // An index of few bits is kept as an i32 until it is used.
  unsigned to = op.getType().isIndex() ? std::max(from, 32u)
                                       : op.getType().getIntOrFloatBitWidth();
  Type type = emit.getIntegerType(to);
  if (from == to)
    return operand;
  if (from > to)
    return emit.createOrFold<arith::TruncIOp>(type, operand);
  return emit.createOrFold<arith::ExtSIOp>(type, operand);
}

Values emitScalarOp(Emitter &emit, Operation *op, Lookup lookup) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (constant.getType().isIndex())
      return {
          constantIndex(emit, cast<IntegerAttr>(constant.getValue()).getInt())};
    return {emit.clone(*op)->getResult(0)};
  }
  if (auto load = dyn_cast<memref::LoadOp>(op)) {
    View view = *getView(load.getMemref());
    Values indices;
    for (Value index : load.getIndices())
      indices.push_back(lookup(index));
    Type type = toArithmetic(emit, load.getType());
    if (indices.empty())
      return {emit.loadGlobal(lookup(view.base), emit.i64(0), type)};
    // The address of a row of the table is one for many elements.
    Value last = indices.back();
    indices.back() = emit.i32(0);
    Value row = emit.elementAddress(
        lookup(view.base), emitOffset(emit, view, indices, lookup), type);
    Value step = emit.toI64(emitIndex(emit, view.strides.back(), lookup));
    return {emit.loadGlobal(row, emit.mul(emit.toI64(last), step), type)};
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    View view = *getView(dim.getSource());
    return {emitIndex(emit, view.sizes[*dim.getConstantIndex()], lookup)};
  }

  Values operands;
  for (Value operand : op->getOperands())
    operands.push_back(lookup(operand));
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    return {emitIndexCast(emit, cast, operands[0])};
  if (auto select = dyn_cast<arith::SelectOp>(op);
      select && select.getType().isF32() &&
      select.getCondition().getDefiningOp<arith::AndIOp>())
    return {emit.selectUnsplit(operands[0], operands[1], operands[2])};
  if (isa<math::Exp2Op>(op))
    return {emit.exp2(operands[0])};
  if (isa<math::Log2Op>(op))
    return {emit.log2(operands[0])};
  if (isa<math::RsqrtOp>(op))
    return {emit.rsqrt(operands[0])};
  if (isa<math::SqrtOp>(op))
    return {emit.sqrt(operands[0])};
  if (isa<arith::DivFOp>(op)) {
    // The numerators of 1 / l and of tanh: one instruction is enough.
    if (matchPattern(op->getOperand(0), m_Constant()))
      return {emit.fmul(operands[0], emit.reciprocal(operands[1]))};
    if (FloatAttr divisor;
        matchPattern(op->getOperand(1), m_Constant(&divisor)))
      return {
          emit.fmul(operands[0], emit.f32(1.0 / divisor.getValueAsDouble()))};
    return {emit.fdiv(operands[0], operands[1])};
  }
  for (auto [source, value] : llvm::zip_equal(op->getOperands(), operands))
    if (source.getType().isIndex())
      value = emit.toI64(value);
  OperationState state(emit.getLoc(), op->getName());
  state.addOperands(operands);
  for (Type type : op->getResultTypes())
    state.addTypes(toArithmetic(emit, type));
  state.attributes = op->getAttrs();
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *clone = emit.create(state);
  SmallVector<Value> results;
  if (succeeded(emit.tryFold(clone, results)) && !results.empty())
    clone->erase();
  else
    llvm::append_range(results, clone->getResults());
  return Values(results);
}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

Value Scope::find(Value source) {
  for (Scope *scope = this; scope; scope = scope->parent)
    if (Value value = scope->values.lookup(source))
      return value;
  return Value();
}

Value Scope::get(Value source) {
  if (Value value = find(source))
    return value;
  emitScalar(source.getDefiningOp());
  return find(source);
}

Values Scope::get(ValueRange sources) {
  return llvm::map_to_vector(sources, [&](Value value) { return get(value); });
}

Value Scope::getPosition(Value source) {
  assert(isNarrowIndex(source) && "Structure refuses wide positions");
  return emit.toI32(get(source));
}

Values Scope::getPositions(ValueRange sources) {
  return llvm::map_to_vector(sources,
                             [&](Value value) { return getPosition(value); });
}

void Scope::emitScalar(Operation *op) {
  Values results;
  if (auto count = dyn_cast<tile::RangeCountOp>(op))
    results = {emitRangeCount(
        emit, count.getRanges().getDefiningOp<tile::RangesOp>(), *this)};
  else if (isScalarOp(op))
    results = emitScalarOp(emit, op, [&](Value value) { return get(value); });
  for (auto [source, emitted] : llvm::zip(op->getResults(), results))
    bind(source, emitted);
}

Value emitRowCounts(Emitter &emit, tile::LoadOp load, Value row, Scope &scope) {
  Scope inner(emit, &scope);
  Block &block = load.getWhere().front();
  inner.bind(block.getArgument(0), row);
  for (Operation &op : block.without_terminator())
    inner.emitScalar(&op);
  return inner.get(block.getTerminator()->getOperand(0));
}

//===----------------------------------------------------------------------===//
// Key-tile ranges
//===----------------------------------------------------------------------===//

static Value emitExtent(Emitter &emit, tile::RangesOp ranges, unsigned number,
                        Scope &scope) {
  return emit.larger(emit.sub(scope.getPosition(ranges.getEnd(number)),
                              scope.getPosition(ranges.getBegin(number))),
                     emit.i32(0));
}

Value emitRangeCount(Emitter &emit, tile::RangesOp ranges, Scope &scope) {
  Value count = emit.i32(0);
  for (unsigned number = 0; number < ranges.getNumRanges(); ++number)
    count = emit.add(count, emitExtent(emit, ranges, number, scope));
  return count;
}

KeyTile emitRangeAt(Emitter &emit, tile::RangesOp ranges, Value position,
                    Scope &scope) {
  // From the last range to the first: the first one that reaches it wins.
  KeyTile result;
  Value before = emit.i32(0);
  SmallVector<Value> starts;
  for (unsigned number = 0; number < ranges.getNumRanges(); ++number) {
    starts.push_back(before);
    before = emit.add(before, emitExtent(emit, ranges, number, scope));
  }
  for (unsigned number = ranges.getNumRanges(); number-- > 0;) {
    Value tile = emit.add(scope.getPosition(ranges.getBegin(number)),
                          emit.sub(position, starts[number]));
    Value fullBegin = scope.getPosition(ranges.getFullBegin(number));
    Value fullEnd = scope.getPosition(ranges.getFullEnd(number));
    Value full = emit.both(emit.createOrFold<arith::CmpIOp>(
                               arith::CmpIPredicate::sge, tile, fullBegin),
                           emit.less(tile, fullEnd));
    if (!result.tile) {
      result = {tile, full, emit.i1(true)};
      continue;
    }
    Value here = emit.less(position, starts[number + 1]);
    result.tile = emit.select(here, tile, result.tile);
    result.full = emit.select(here, full, result.full);
  }
  return result;
}

void emitPredicate(tile::RangesOp ranges, KeyTile &tile, Emitter &emit,
                   Scope &scope) {
  if (ranges.getWhere().empty())
    return;
  Scope inner(emit, &scope);
  Block &block = ranges.getWhere().front();
  inner.bind(block.getArgument(0), tile.tile);
  for (Operation &op : block.without_terminator())
    inner.emitScalar(&op);
  auto yield = cast<tile::YieldOp>(block.getTerminator());
  tile.visit = inner.get(yield.getValues()[0]);
  tile.full = inner.get(yield.getValues()[1]);
}

} // namespace attn::tensorcore
