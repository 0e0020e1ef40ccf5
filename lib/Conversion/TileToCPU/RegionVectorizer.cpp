//===- RegionVectorizer.cpp - Map regions on vectors of rows --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Uniform values stay scalar; values that depend on the row or on an element
// become vectors. Branches become selects, reads become gathers, and indices
// use 32-bit lanes where range analysis allows it.
//
//===----------------------------------------------------------------------===//

#include "RegionVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// RegionVectorizer
//===----------------------------------------------------------------------===//

Type RegionVectorizer::laneType(Value value) {
  Type type = value.getType();
  if (type.isIndex() || type.isInteger(64))
    return ranges.fitsInt32(value) ? b.getI32Type() : b.getI64Type();
  return type;
}

VectorType RegionVectorizer::vectorOf(Type element) {
  return VectorType::get({static_cast<int64_t>(lanes)}, element);
}

/// Widens or narrows integer lanes; the caller knows that no value is lost.
Value RegionVectorizer::resize(Value vector, Type element) {
  Type from = cast<VectorType>(vector.getType()).getElementType();
  if (from == element)
    return vector;
  Location loc = vector.getLoc();
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(b, loc, vectorOf(element), vector);
  return arith::TruncIOp::create(b, loc, vectorOf(element), vector);
}

Value RegionVectorizer::asVector(Value value, Type element) {
  if (auto it = varying.find(value); it != varying.end())
    return isa<IntegerType>(element) ? resize(it->second, element) : it->second;
  Location loc = value.getLoc();
  Value scalar = uniform.lookup(value);
  if (!scalar)
    scalar = value;
  if (scalar.getType().isIndex())
    scalar = arith::IndexCastOp::create(b, loc, element, scalar);
  else if (scalar.getType() != element) {
    bool narrow = scalar.getType().getIntOrFloatBitWidth() >
                  element.getIntOrFloatBitWidth();
    scalar = narrow
                 ? arith::TruncIOp::create(b, loc, element, scalar).getResult()
                 : arith::ExtSIOp::create(b, loc, element, scalar).getResult();
  }
  return vector::BroadcastOp::create(b, loc, vectorOf(element), scalar);
}

FailureOr<SmallVector<Value>> RegionVectorizer::run(tile::MapOp map,
                                                    ValueRange elements,
                                                    Value row, Value col,
                                                    unsigned laneDim) {
  varying.clear();
  uniform.clear();
  Location loc = map.getLoc();
  for (auto [argument, element] : llvm::zip(map.getElementArgs(), elements))
    varying[argument] = element;
  ValueRange indices = map.getIndexArgs();
  Value starts[] = {row, col};
  // Index of lane k: that of the first one and k.
  SmallVector<int32_t> steps(lanes);
  for (unsigned k = 0; k < lanes; ++k)
    steps[k] = k;
  Value lane = arith::ConstantOp::create(b, loc, b.getI32VectorAttr(steps));
  Value first =
      arith::IndexCastOp::create(b, loc, b.getI32Type(), starts[laneDim]);
  Value base =
      vector::BroadcastOp::create(b, loc, vectorOf(b.getI32Type()), first);
  varying[indices[laneDim]] = arith::AddIOp::create(b, loc, base, lane);
  if (indices.size() > 1)
    uniform[indices[1 - laneDim]] = starts[1 - laneDim];
  Block &block = map.getBody().front();
  if (failed(visitBlock(block)))
    return failure();
  return llvm::map_to_vector(
      block.getTerminator()->getOperands(),
      [&](Value value) { return asVector(value, laneType(value)); });
}

LogicalResult RegionVectorizer::visitBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(visit(&op)))
      return failure();
  return success();
}

LogicalResult RegionVectorizer::visit(Operation *op) {
  if (isa<scf::IfOp>(op))
    return visitIf(op);
  bool anyVarying = llvm::any_of(op->getOperands(),
                                 [&](Value value) { return isVarying(value); });
  if (!anyVarying) {
    IRMapping mapping;
    for (Value operand : op->getOperands())
      if (Value scalar = uniform.lookup(operand))
        mapping.map(operand, scalar);
    Operation *clone = b.clone(*op, mapping);
    for (auto [from, to] : llvm::zip(op->getResults(), clone->getResults()))
      uniform[from] = to;
    return success();
  }
  if (isa<memref::LoadOp>(op))
    return visitLoad(op);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::ExtUIOp, arith::TruncIOp>(op))
    return visitIntCast(op);
  if (op->hasTrait<OpTrait::Vectorizable>() && op->getNumResults() == 1)
    return visitElementwise(op);
  return op->emitOpError("cannot be vectorised in a map region (rule 8)");
}

/// Both branches run, on clamped indices, and a select picks the result.
LogicalResult RegionVectorizer::visitIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  if (failed(visitBlock(*branch.thenBlock())) ||
      (branch.elseBlock() && failed(visitBlock(*branch.elseBlock()))))
    return failure();
  for (auto [k, result] : llvm::enumerate(branch.getResults())) {
    Value then = branch.thenYield().getOperand(k);
    Value other = branch.elseYield().getOperand(k);
    Type element = laneType(result);
    Value condition = isVarying(branch.getCondition())
                          ? varying[branch.getCondition()]
                          : uniform.lookup(branch.getCondition());
    if (!condition)
      condition = branch.getCondition();
    varying[result] = arith::SelectOp::create(b, op->getLoc(), condition,
                                              asVector(then, element),
                                              asVector(other, element));
  }
  return success();
}

/// Reads at indices that differ by lane: a gather for element types that have
/// one, else one read a lane.
LogicalResult RegionVectorizer::visitLoad(Operation *op) {
  auto load = cast<memref::LoadOp>(op);
  Location loc = op->getLoc();
  MemRefType type = load.getMemRefType();
  Type element = type.getElementType();
  if (element.isIntOrFloat() && element.getIntOrFloatBitWidth() >= 32) {
    auto metadata =
        memref::ExtractStridedMetadataOp::create(b, loc, load.getMemRef());
    Type i64 = b.getI64Type();
    Value uniformOffset = arith::ConstantIndexOp::create(b, loc, 0);
    Value offsets;
    for (auto [k, index] : llvm::enumerate(load.getIndices())) {
      Value stride = metadata.getStrides()[k];
      if (!isVarying(index)) {
        Value scalar = uniform.lookup(index);
        Value term =
            arith::MulIOp::create(b, loc, scalar ? scalar : index, stride);
        uniformOffset = arith::AddIOp::create(b, loc, uniformOffset, term);
        continue;
      }
      Value wide = arith::IndexCastOp::create(b, loc, i64, stride);
      Value steps = vector::BroadcastOp::create(b, loc, vectorOf(i64), wide);
      Value term = arith::MulIOp::create(b, loc, asVector(index, i64), steps);
      offsets = offsets ? arith::AddIOp::create(b, loc, offsets, term) : term;
    }
    auto flat = MemRefType::get({ShapedType::kDynamic}, element);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    // The size is never looked at; the indices are in bounds of the original.
    Value base = memref::ReinterpretCastOp::create(
        b, loc, flat, metadata.getBaseBuffer(), OpFoldResult(b.getIndexAttr(0)),
        ArrayRef<OpFoldResult>{one}, ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    Value start =
        arith::AddIOp::create(b, loc, metadata.getOffset(), uniformOffset);
    Value all = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(vectorOf(b.getI1Type()), true));
    Value none = arith::ConstantOp::create(b, loc, vectorOf(element),
                                           b.getZeroAttr(vectorOf(element)));
    varying[load.getResult()] = vector::GatherOp::create(
        b, loc, vectorOf(element), base, ValueRange{start}, offsets, all, none);
    return success();
  }
  SmallVector<Value> values;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    SmallVector<Value> indices;
    for (Value index : load.getIndices()) {
      if (!isVarying(index)) {
        Value scalar = uniform.lookup(index);
        indices.push_back(scalar ? scalar : index);
        continue;
      }
      Value extracted = vector::ExtractOp::create(b, loc, varying[index], lane);
      indices.push_back(
          arith::IndexCastOp::create(b, loc, b.getIndexType(), extracted));
    }
    Value value = memref::LoadOp::create(b, loc, load.getMemRef(), indices);
    // Lanes are integers.
    if (element.isIndex())
      value = arith::IndexCastOp::create(b, loc, laneType(load), value);
    values.push_back(value);
  }
  varying[load.getResult()] =
      vector::FromElementsOp::create(b, loc, vectorOf(laneType(load)), values);
  return success();
}

LogicalResult RegionVectorizer::visitIntCast(Operation *op) {
  Value in = op->getOperand(0), out = op->getResult(0);
  Location loc = op->getLoc();
  Type to = laneType(out);
  Value vector = varying[in];
  Type from = cast<VectorType>(vector.getType()).getElementType();
  bool isUnsigned = isa<arith::ExtUIOp, arith::IndexCastUIOp>(op);
  if (from == to) {
    varying[out] = vector;
  } else if (from.getIntOrFloatBitWidth() > to.getIntOrFloatBitWidth()) {
    varying[out] = arith::TruncIOp::create(b, loc, vectorOf(to), vector);
  } else if (isUnsigned && !in.getType().isIndex()) {
    varying[out] = arith::ExtUIOp::create(b, loc, vectorOf(to), vector);
  } else {
    varying[out] = arith::ExtSIOp::create(b, loc, vectorOf(to), vector);
  }
  return success();
}

LogicalResult RegionVectorizer::visitElementwise(Operation *op) {
  Value result = op->getResult(0);
  // Integers of 64 bits and indices: the narrowest width that holds all
  // operands and the result.
  auto isWide = [](Value value) {
    return value.getType().isIndex() || value.getType().isInteger(64);
  };
  bool needs64 = isWide(result) && !ranges.fitsInt32(result);
  for (Value operand : op->getOperands())
    needs64 |= isWide(operand) && !ranges.fitsInt32(operand);
  // Taken as unsigned, a negative number depends on the width.
  if (isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp, arith::ShRUIOp,
          arith::UIToFPOp>(op))
    for (Value operand : op->getOperands())
      needs64 |= isWide(operand) && !ranges.isWithin(operand, 0, INT32_MAX);
  // An amount of 32 to 63 is defined for the 64 bits that were written.
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op))
    needs64 |= isWide(result) && !ranges.isWithin(op->getOperand(1), 0, 31);
  // Bits of a sign that is extended count.
  if (isa<math::CtPopOp>(op))
    needs64 |= isWide(result);
  Type wide = needs64 ? b.getI64Type() : b.getI32Type();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(
        asVector(operand, isWide(operand) ? wide : operand.getType()));
  Type element = isWide(result) ? wide : result.getType();
  Operation *clone = op->clone();
  clone->setOperands(operands);
  clone->getResult(0).setType(vectorOf(element));
  b.insert(clone);
  Value vector = clone->getResult(0);
  varying[result] = isWide(result) ? resize(vector, laneType(result)) : vector;
  return success();
}
