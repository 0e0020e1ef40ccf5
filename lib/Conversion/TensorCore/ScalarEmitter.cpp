//===- ScalarEmitter.cpp - Scalar code of a tile kernel -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic is cloned, with narrower types where they suffice; exp2, log2,
// reciprocals and roots become the special function unit's. Reads are in
// bounds already (attn-make-total).
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
  // Remainders of floats would be a call.
  return isa_and_nonnull<arith::ArithDialect>(op->getDialect()) &&
         !isa<arith::RemFOp>(op) &&
         llvm::all_of(op->getOperandTypes(), isScalarType);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// The type that `source` becomes.
static Type narrow(Emitter &emit, Value source) {
  if (!source.getType().isIndex())
    return source.getType();
  return emit.ranges.fitsInt32(source) ? emit.getI32Type() : emit.getI64Type();
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

static Value constantIndex(Emitter &emit, int64_t value) {
  return llvm::isInt<32>(value) ? emit.i32(value) : emit.i64(value);
}

Value emitIndex(Emitter &emit, OpFoldResult value, Lookup lookup) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return constantIndex(emit, *known);
  return lookup(cast<Value>(value));
}

Value emitClamped(Emitter &emit, Value source, Value value) {
  if (emit.ranges.isWithin(source, -kIndexLimit, kIndexLimit))
    return emit.toI32(value);
  Value below = emit.smaller(value, emit.constantLike(value, kIndexLimit));
  return emit.toI32(emit.larger(below, emit.constantLike(value, -kIndexLimit)));
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

/// Whether `op` on indices gives with 32 bits what it gives with 64, if they
/// and its results fit.
static bool agreesIn32Bits(Emitter &emit, Operation *op) {
  auto isWithin = [&](unsigned operand, int64_t high) {
    return emit.ranges.isWithin(op->getOperand(operand), 0, high);
  };
  if (isa<arith::ShLIOp, arith::ShRSIOp>(op))
    return isWithin(1, 31);
  if (isa<arith::ShRUIOp>(op))
    return isWithin(0, INT32_MAX) && isWithin(1, 31);
  if (isa<arith::DivUIOp, arith::RemUIOp>(op))
    return isWithin(0, INT32_MAX) && isWithin(1, INT32_MAX);
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp,
             arith::RemSIOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp,
             arith::MaxUIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
             arith::SelectOp, arith::CmpIOp, math::AbsIOp>(op);
}

/// Moves what a number of 32 bits is compared with into 32 bits, if it is a
/// constant or an argument of the kernel: that is done once.
static void narrowComparison(Emitter &emit, arith::CmpIOp op,
                             MutableArrayRef<Value> operands) {
  if (!op.getLhs().getType().isIndex() ||
      op.getPredicate() >= arith::CmpIPredicate::ult)
    return;
  for (auto [number, other] : {std::pair(0, 1), std::pair(1, 0)}) {
    Value wide = op->getOperand(number);
    Operation *origin = wide.getDefiningOp();
    if ((origin && !origin->hasTrait<OpTrait::ConstantLike>()) ||
        !operands[number].getType().isInteger(64) ||
        !emit.ranges.isWithin(op->getOperand(other), INT32_MIN + 1,
                              INT32_MAX - 1))
      continue;
    Value below = emit.smaller(operands[number], emit.i64(INT32_MAX));
    operands[number] = emit.toI32(emit.larger(below, emit.i64(INT32_MIN)));
  }
}

/// Gives the operands of `op` that are indices one width, and returns whether
/// it is 64 bits.
static bool matchWidths(Emitter &emit, Operation *op,
                        MutableArrayRef<Value> operands) {
  auto isWide = [&](Value source, Type type) {
    return source.getType().isIndex() && type.isInteger(64);
  };
  bool wide = !agreesIn32Bits(emit, op);
  for (auto [source, value] : llvm::zip_equal(op->getOperands(), operands))
    wide |= isWide(source, value.getType());
  for (Value result : op->getResults())
    wide |= isWide(result, narrow(emit, result));
  if (wide)
    for (auto [source, value] : llvm::zip_equal(op->getOperands(), operands))
      if (source.getType().isIndex())
        value = emit.toI64(value);
  return wide;
}

/// Casts between an index, which is a signed number of 64 bits even where it is
/// held in 32, and other integers.
static Value emitIndexCast(Emitter &emit, Operation *op, Value operand) {
  bool isSigned =
      isa<arith::IndexCastOp>(op) || op->getOperand(0).getType().isIndex();
  return resize(emit, operand, narrow(emit, op->getResult(0)), isSigned);
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
    if (indices.empty())
      return {
          emit.loadGlobal(lookup(view.base), emit.i64(0), narrow(emit, load))};
    // The address of a row of the table is one for many elements.
    Value last = indices.back();
    indices.back() = emit.i32(0);
    Type type = narrow(emit, load);
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
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op))
    return {emitIndexCast(emit, op, operands[0])};
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
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    narrowComparison(emit, compare, operands);
  bool wide = matchWidths(emit, op, operands);
  OperationState state(emit.getLoc(), op->getName());
  state.addOperands(operands);
  for (Type type : op->getResultTypes())
    state.addTypes(!type.isIndex() ? type
                   : wide          ? emit.getI64Type()
                                   : emit.getI32Type());
  state.attributes = op->getAttrs();
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *clone = emit.create(state);
  SmallVector<Value> results;
  if (succeeded(emit.tryFold(clone, results)) && !results.empty())
    clone->erase();
  else
    llvm::append_range(results, clone->getResults());
  for (auto [source, value] : llvm::zip_equal(op->getResults(), results))
    if (source.getType().isIndex())
      value = resize(emit, value, narrow(emit, source), /*isSigned=*/true);
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

Values Scope::getClamped(ValueRange sources) {
  return llvm::map_to_vector(sources,
                             [&](Value value) { return getClamped(value); });
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
  return emit.larger(emit.sub(scope.getClamped(ranges.getEnd(number)),
                              scope.getClamped(ranges.getBegin(number))),
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
    Value tile = emit.add(scope.getClamped(ranges.getBegin(number)),
                          emit.sub(position, starts[number]));
    Value fullBegin = scope.getClamped(ranges.getFullBegin(number));
    Value fullEnd = scope.getClamped(ranges.getFullEnd(number));
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
