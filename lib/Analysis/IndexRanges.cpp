//===- IndexRanges.cpp - Ranges of index arithmetic -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's inference for arith, from what is known here: sizes, key tiles, and
// that nobody looks at a quotient by zero.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;

static ConstantIntRanges fromSigned(int64_t low, int64_t high, unsigned width) {
  return ConstantIntRanges::fromSigned(APInt(width, low, /*isSigned=*/true),
                                       APInt(width, high, /*isSigned=*/true));
}

static ConstantIntRanges indexRange(int64_t low, int64_t high) {
  return fromSigned(low, high, IndexType::kInternalStorageBitWidth);
}

static int64_t lowest(const ConstantIntRanges &range) {
  return range.smin().getSExtValue();
}
static int64_t highest(const ConstantIntRanges &range) {
  return range.smax().getSExtValue();
}

bool IndexRanges::isWithin(Value value, int64_t low, int64_t high) {
  ConstantIntRanges range = rangeOf(value);
  return lowest(range) >= low && highest(range) <= high;
}

ConstantIntRanges IndexRanges::rangeOf(Value value, unsigned depth) {
  // Far more than the depth of a region; only bounds pathological chains.
  constexpr unsigned kMaxDepth = 64;
  unsigned width = ConstantIntRanges::getStorageBitwidth(value.getType());
  if (auto it = known.find(value); it != known.end())
    return it->second;
  ConstantIntRanges all = ConstantIntRanges::maxRange(width);
  if (depth > kMaxDepth || !value.getType().isIntOrIndex())
    return all;
  std::optional<ConstantIntRanges> range;
  if (auto argument = dyn_cast<BlockArgument>(value))
    range = ofArgument(argument, depth);
  else if (isa<tile::RangeAtOp, tile::RangeCountOp>(value.getDefiningOp()))
    range = ofTile(value, depth);
  else if (auto dim = value.getDefiningOp<memref::DimOp>();
           dim && dim.getConstantIndex())
    range = ofDim(dim.getSource(), *dim.getConstantIndex(), depth);
  else
    range = ofArithmetic(value.getDefiningOp(), value, depth);
  return known.insert({value, range.value_or(all)}).first->second;
}

//===----------------------------------------------------------------------===//
// What is known from outside of the arithmetic
//===----------------------------------------------------------------------===//

std::optional<ConstantIntRanges> IndexRanges::ofArgument(BlockArgument value,
                                                         unsigned depth) {
  if (!value.getType().isIndex())
    return std::nullopt;
  Operation *parent = value.getOwner()->getParentOp();
  if (auto function = dyn_cast<func::FuncOp>(parent)) {
    auto size = function.getArgAttrOfType<IntegerAttr>(value.getArgNumber(),
                                                       kSizeAttrName);
    return size ? std::optional(indexRange(0, size.getInt())) : std::nullopt;
  }
  // Rows and keys of elements that exist, the number of a key tile, a row of a
  // tile.
  if (isa<tile::MapOp, tile::RangesOp, tile::LoadOp>(parent))
    return indexRange(0, kIndexLimit);
  if (auto loop = dyn_cast<scf::ForOp>(parent);
      loop && value == loop.getInductionVar()) {
    int64_t low = lowest(rangeOf(loop.getLowerBound(), depth + 1));
    int64_t end = highest(rangeOf(loop.getUpperBound(), depth + 1));
    return indexRange(low, std::max(low, end - (end > low)));
  }
  return std::nullopt;
}

std::optional<ConstantIntRanges> IndexRanges::ofDim(Value memref, int64_t dim,
                                                    unsigned depth) {
  auto type = dyn_cast<MemRefType>(memref.getType());
  if (!type || dim < 0 || dim >= type.getRank())
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return indexRange(type.getDimSize(dim), type.getDimSize(dim));
  // A size that the program computed.
  if (auto alloc = memref.getDefiningOp<memref::AllocOp>())
    return rangeOf(alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)],
                   depth + 1);
  if (auto transpose = memref.getDefiningOp<memref::TransposeOp>())
    return ofDim(transpose.getIn(),
                 transpose.getPermutation().getDimPosition(dim), depth + 1);
  if (auto cast = memref.getDefiningOp<memref::ReinterpretCastOp>()) {
    OpFoldResult size = cast.getMixedSizes()[dim];
    if (auto value = dyn_cast<Value>(size))
      return rangeOf(value, depth + 1);
  }
  return indexRange(0, getLargestSize(type.getRank()));
}

/// Key tiles are those between the bounds of the ranges, and none is past the
/// last key, however far the bounds are.
std::optional<ConstantIntRanges> IndexRanges::ofTile(Value value,
                                                     unsigned depth) {
  if (auto count = value.getDefiningOp<tile::RangeCountOp>())
    return indexRange(0, kIndexLimit);
  auto at = value.getDefiningOp<tile::RangeAtOp>();
  auto ranges = at.getRanges().getDefiningOp<tile::RangesOp>();
  if (!ranges || value != at.getTile())
    return std::nullopt;
  int64_t low = kIndexLimit, high = 0;
  for (unsigned number = 0; number < ranges.getNumRanges(); ++number) {
    low = std::min(low, lowest(rangeOf(ranges.getBegin(number), depth + 1)));
    high = std::max(high, highest(rangeOf(ranges.getEnd(number), depth + 1)));
  }
  low = std::max<int64_t>(low, 0);
  return indexRange(std::min(low, high), std::min(high, kIndexLimit));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// The result's magnitude is at most that of `range`.
static ConstantIntRanges boundedBy(const ConstantIntRanges &range) {
  unsigned width = range.smin().getBitWidth();
  APInt most = llvm::APIntOps::umax(range.smin().abs(), range.smax().abs());
  // The magnitude of the lowest number is none.
  if (most.isNegative())
    return ConstantIntRanges::maxRange(width);
  APInt least = range.smin().isNegative() ? -most : APInt::getZero(width);
  return ConstantIntRanges::fromSigned(least, most);
}

std::optional<ConstantIntRanges>
IndexRanges::ofArithmetic(Operation *op, Value value, unsigned depth) {
  if (isa<math::AbsIOp>(op)) {
    ConstantIntRanges bound = boundedBy(rangeOf(op->getOperand(0), depth + 1));
    if (bound.smin().isMinSignedValue())
      return std::nullopt;
    return ConstantIntRanges::fromSigned(
        APInt::getZero(bound.smax().getBitWidth()), bound.smax());
  }
  auto inferrable = dyn_cast<InferIntRangeInterface>(op);
  if (!inferrable)
    return std::nullopt;
  SmallVector<ConstantIntRanges> operands;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndex())
      return std::nullopt;
    operands.push_back(rangeOf(operand, depth + 1));
  }
  bool isQuotient = isa<arith::DivSIOp, arith::CeilDivSIOp, arith::FloorDivSIOp,
                        arith::RemSIOp>(op);
  // Inference gives up on divisors that may be zero.
  if (isQuotient && operands[1].smin().isZero() && !operands[1].smax().isZero())
    operands[1] = ConstantIntRanges::fromSigned(operands[1].smin() + 1,
                                                operands[1].smax());
  std::optional<ConstantIntRanges> result;
  inferrable.inferResultRanges(
      operands, [&](Value inferred, const ConstantIntRanges &range) {
        if (inferred == value)
          result = range;
      });
  if (result && isQuotient) {
    ConstantIntRanges bound = boundedBy(operands[0]);
    // Of either sign unless the divisor is positive.
    if (!operands[1].smin().isStrictlyPositive() && !isa<arith::RemSIOp>(op))
      bound = ConstantIntRanges::fromSigned(
          bound.smax().isMaxSignedValue() ? bound.smin() : -bound.smax(),
          bound.smax());
    result = result->intersection(bound);
  }
  return result;
}
