//===- IndexRanges.cpp - Ranges of index arithmetic -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's inference for arith, from what is known here: sizes, key tiles, and
// that nobody looks at a quotient by zero.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

static ConstantIntRanges fromSigned(int64_t low, int64_t high, unsigned width) {
  return ConstantIntRanges::fromSigned(APInt(width, low, /*isSigned=*/true),
                                       APInt(width, high, /*isSigned=*/true));
}

static unsigned widthOf(Value value) {
  return ConstantIntRanges::getStorageBitwidth(value.getType());
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
  if (auto it = known.find(value); it != known.end())
    return it->second;
  ConstantIntRanges all = ConstantIntRanges::maxRange(widthOf(value));
  if (depth > kMaxDepth || !value.getType().isIntOrIndex())
    return all;
  std::optional<ConstantIntRanges> range;
  if (auto argument = dyn_cast<BlockArgument>(value))
    range = ofArgument(argument, depth);
  else if (isa<scf::ForOp, scf::IfOp>(value.getDefiningOp()))
    range = ofBranches(cast<OpResult>(value), depth);
  else if (isa<tile::RangeAtOp, tile::RangeCountOp>(value.getDefiningOp()))
    range = ofTile(value, depth);
  else if (auto dim = value.getDefiningOp<memref::DimOp>();
           dim && dim.getConstantIndex())
    range = ofDim(dim.getSource(), *dim.getConstantIndex(), depth);
  else
    range = ofArithmetic(value.getDefiningOp(), value, depth);
  if (Operation *op = value.getDefiningOp())
    if (auto size = op->getAttrOfType<IntegerAttr>(tile::kSizeAttrName))
      range = range.value_or(all).intersection(
          fromSigned(0, size.getInt(), widthOf(value)));
  return known.insert({value, range.value_or(all)}).first->second;
}

//===----------------------------------------------------------------------===//
// What is known from outside of the arithmetic
//===----------------------------------------------------------------------===//

std::optional<ConstantIntRanges> IndexRanges::ofArgument(BlockArgument value,
                                                         unsigned depth) {
  Operation *parent = value.getOwner()->getParentOp();
  if (auto function = dyn_cast<FunctionOpInterface>(parent)) {
    // A GPU kernel's buffers are arguments of its block, too.
    IntegerAttr size;
    if (value.getArgNumber() < function.getNumArguments())
      size = function.getArgAttrOfType<IntegerAttr>(value.getArgNumber(),
                                                    tile::kSizeAttrName);
    return size ? std::optional(fromSigned(0, size.getInt(), widthOf(value)))
                : std::nullopt;
  }
  // Rows and keys of elements that exist, a row of a tile.
  if (isa<tile::MapOp, tile::LoadOp>(parent))
    return indexRange(0, kIndexLimit);
  if (auto ranges = dyn_cast<tile::RangesOp>(parent))
    return ofKeyTile(ranges, depth);
  if (auto loop = dyn_cast<scf::ForOp>(parent);
      loop && value == loop.getInductionVar()) {
    int64_t low = lowest(rangeOf(loop.getLowerBound(), depth + 1));
    int64_t end = highest(rangeOf(loop.getUpperBound(), depth + 1));
    return fromSigned(low, std::max(low, end - (end > low)), widthOf(value));
  }
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    return ofCarried(loop, value.getArgNumber() - 1, depth);
  return std::nullopt;
}

/// What a loop carries fits 32 bits if it does so at first, and after an
/// iteration that begins so.
std::optional<ConstantIntRanges>
IndexRanges::ofCarried(scf::ForOp loop, unsigned number, unsigned depth) {
  Value argument = loop.getRegionIterArg(number);
  unsigned width = widthOf(argument);
  if (width <= 32)
    return std::nullopt;
  ConstantIntRanges small = fromSigned(INT32_MIN, INT32_MAX, width);
  ConstantIntRanges first = rangeOf(loop.getInitArgs()[number], depth + 1);
  // What follows from the assumption is forgotten with the copy.
  constexpr unsigned kDepthOfLoop = 8;
  IndexRanges assuming = *this;
  assuming.known.insert({argument, small});
  ConstantIntRanges next =
      assuming.rangeOf(loop.getYieldedValues()[number], depth + kDepthOfLoop);
  ConstantIntRanges all = first.rangeUnion(next);
  if (lowest(all) < INT32_MIN || highest(all) > INT32_MAX)
    return std::nullopt;
  return all;
}

/// Of a branch what either side yields, of a loop what it carries.
std::optional<ConstantIntRanges> IndexRanges::ofBranches(OpResult value,
                                                         unsigned depth) {
  unsigned number = value.getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(value.getOwner()))
    return rangeOf(loop.getRegionIterArg(number), depth + 1);
  auto branch = cast<scf::IfOp>(value.getOwner());
  return rangeOf(branch.thenYield().getOperand(number), depth + 1)
      .rangeUnion(rangeOf(branch.elseYield().getOperand(number), depth + 1));
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
/// last key, however far the bounds are. One that is asked for may be the end.
ConstantIntRanges IndexRanges::ofKeyTile(tile::RangesOp ranges,
                                         unsigned depth) {
  int64_t low = kIndexLimit, high = 0;
  for (unsigned number = 0; number < ranges.getNumRanges(); ++number) {
    low = std::min(low, lowest(rangeOf(ranges.getBegin(number), depth + 1)));
    high = std::max(high, highest(rangeOf(ranges.getEnd(number), depth + 1)));
  }
  low = std::max<int64_t>(low, 0);
  return indexRange(std::min(low, high), std::min(high, kIndexLimit));
}

/// Whether a loop over the tiles that there are asks for the one of its
/// iteration.
static bool isOfLoop(tile::RangeAtOp at) {
  auto position = dyn_cast<BlockArgument>(at.getPosition());
  auto loop = position
                  ? dyn_cast<scf::ForOp>(position.getOwner()->getParentOp())
                  : scf::ForOp();
  if (!loop || position != loop.getInductionVar())
    return false;
  auto count = loop.getUpperBound().getDefiningOp<tile::RangeCountOp>();
  return count && count.getRanges() == at.getRanges();
}

std::optional<ConstantIntRanges> IndexRanges::ofTile(Value value,
                                                     unsigned depth) {
  if (auto count = value.getDefiningOp<tile::RangeCountOp>())
    return indexRange(0, kIndexLimit);
  auto at = value.getDefiningOp<tile::RangeAtOp>();
  auto ranges = at.getRanges().getDefiningOp<tile::RangesOp>();
  if (!ranges || value != at.getTile())
    return std::nullopt;
  ConstantIntRanges tile = ofKeyTile(ranges, depth);
  if (!isOfLoop(at))
    return tile;
  return indexRange(lowest(tile), std::max(lowest(tile), highest(tile) - 1));
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
          bound.smax().isMaxSignedValue()
              ? APInt::getSignedMinValue(bound.smax().getBitWidth())
              : -bound.smax(),
          bound.smax());
    result = result->intersection(bound);
  }
  return result;
}
