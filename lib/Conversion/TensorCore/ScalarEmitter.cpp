//===- ScalarEmitter.cpp - Scalar code of a tile kernel -------------------===//
//
// Arithmetic is cloned with narrower types; exp2, log2, reciprocals and roots
// become the special function unit's. Reads are clamped already
// (tile-clamp-reads).
//
//===----------------------------------------------------------------------===//

#include "ScalarEmitter.h"

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
             math::CeilOp, math::RoundEvenOp, math::TruncOp>(op);
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
  // Remainders of floats would be a call.
  return isa_and_nonnull<arith::ArithDialect>(op->getDialect()) &&
         !isa<arith::RemFOp>(op) &&
         llvm::all_of(op->getOperandTypes(), isScalarType);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static Type narrow(Emitter &emit, Type type) {
  return type.isIndex() ? emit.getI32Type() : type;
}

/// Converts between integers of different widths.
static Value resize(Emitter &emit, Value value, Type type, bool isSigned) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (from == to)
    return value;
  if (from > to)
    return emit.createOrFold<arith::TruncIOp>(type, value);
  if (isSigned)
    return emit.createOrFold<arith::ExtSIOp>(type, value);
  return emit.createOrFold<arith::ExtUIOp>(type, value);
}

static Value getOrConstant(Emitter &emit, OpFoldResult value, Lookup lookup) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return emit.i32(*known);
  return lookup(cast<Value>(value));
}

Value emitOffset(Emitter &emit, const View &view, ValueRange indices,
                 Lookup lookup) {
  Value offset = emit.i64(0);
  for (auto [index, stride] : llvm::zip_equal(indices, view.strides)) {
    Value step = emit.toI64(getOrConstant(emit, stride, lookup));
    offset = emit.add(offset, emit.mul(emit.toI64(index), step));
  }
  return offset;
}

Values emitScalarOp(Emitter &emit, Operation *op, Lookup lookup) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (constant.getType().isIndex())
      return {emit.i32(cast<IntegerAttr>(constant.getValue()).getInt())};
    return {emit.clone(*op)->getResult(0)};
  }
  if (auto load = dyn_cast<memref::LoadOp>(op)) {
    View view = *getView(load.getMemref());
    Values indices;
    for (Value index : load.getIndices())
      indices.push_back(lookup(index));
    if (indices.empty())
      return {emit.loadGlobal(lookup(view.base), emit.i64(0),
                              narrow(emit, load.getType()))};
    // The address of a row of the table is one for many elements.
    Value last = indices.back();
    indices.back() = emit.i32(0);
    Type type = narrow(emit, load.getType());
    Value row = emit.elementAddress(
        lookup(view.base), emitOffset(emit, view, indices, lookup), type);
    Value step = emit.toI64(getOrConstant(emit, view.strides.back(), lookup));
    return {emit.loadGlobal(row, emit.mul(emit.toI64(last), step), type)};
  }
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    View view = *getView(dim.getSource());
    return {getOrConstant(emit, view.sizes[*dim.getConstantIndex()], lookup)};
  }

  Values operands;
  for (Value operand : op->getOperands())
    operands.push_back(lookup(operand));
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op))
    return {resize(emit, operands[0], narrow(emit, op->getResult(0).getType()),
                   isa<arith::IndexCastOp>(op))};
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
  OperationState state(emit.getLoc(), op->getName());
  state.addOperands(operands);
  for (Type type : op->getResultTypes())
    state.addTypes(narrow(emit, type));
  state.attributes = op->getAttrs();
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *clone = emit.create(state);
  SmallVector<Value> folded;
  if (succeeded(emit.tryFold(clone, folded)) && !folded.empty()) {
    clone->erase();
    return Values(folded);
  }
  return Values(clone->getResults());
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

//===----------------------------------------------------------------------===//
// Key-tile ranges
//===----------------------------------------------------------------------===//

static Value emitExtent(Emitter &emit, tile::RangesOp ranges, unsigned number,
                        Scope &scope) {
  return emit.larger(emit.sub(scope.get(ranges.getEnd(number)),
                              scope.get(ranges.getBegin(number))),
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
    Value tile = emit.add(scope.get(ranges.getBegin(number)),
                          emit.sub(position, starts[number]));
    Value fullBegin = scope.get(ranges.getFullBegin(number));
    Value fullEnd = scope.get(ranges.getFullEnd(number));
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
