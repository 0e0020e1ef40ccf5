//===- AttnTiling.cpp - TilingInterface of the attn ops -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both ops are tiled over batch, query head and query row. The regions of a
// tile keep their meaning: their indices are shifted by the tile's offsets.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace attn;

/// The dimensions of the iteration domain.
enum TiledDim : unsigned { kBatch, kHead, kRow, kNumTiledDims };

/// Logical order of rank 4 (o) and 3 (lse).
static constexpr AttentionOp::DimMap kLogicalDims{0, 1, 2, 3};
static constexpr AttentionOp::DimMap kLseDims{0, 1, 2, -1};
static constexpr AttentionOp::DimMap kPerBatchDims{0, -1, -1, -1};
static constexpr AttentionOp::DimMap kPerHeadDims{-1, 0, -1, -1};

static SmallVector<OpFoldResult> getMixedSizes(OpBuilder &builder, Location loc,
                                               Value value) {
  if (isa<MemRefType>(value.getType()))
    return memref::getMixedSizes(builder, loc, value);
  return tensor::getMixedSizes(builder, loc, value);
}

namespace {
/// A box of the iteration domain.
struct Tile {
  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

static SmallVector<Range> getDomain(OpBuilder &builder, Location loc,
                                    Value value, AttentionOp::DimMap dims) {
  SmallVector<OpFoldResult> sizes = getMixedSizes(builder, loc, value);
  SmallVector<Range> domain;
  for (int dim : {dims.b, dims.h, dims.s})
    domain.push_back(
        {builder.getIndexAttr(0), sizes[dim], builder.getIndexAttr(1)});
  return domain;
}

/// The part of `value` that belongs to a tile; dimensions that `dims` does not
/// name are taken as a whole.
static Tile getSlice(OpBuilder &builder, Location loc, Value value,
                     AttentionOp::DimMap dims, const Tile &tile) {
  Tile slice;
  slice.sizes = getMixedSizes(builder, loc, value);
  slice.offsets.assign(slice.sizes.size(), builder.getIndexAttr(0));
  const int positions[] = {dims.b, dims.h, dims.s};
  for (auto [tiled, dim] : llvm::enumerate(positions)) {
    if (dim < 0)
      continue;
    slice.offsets[dim] = tile.offsets[tiled];
    slice.sizes[dim] = tile.sizes[tiled];
  }
  return slice;
}

static Value createSlice(OpBuilder &builder, Location loc, Value value,
                         AttentionOp::DimMap dims, const Tile &tile) {
  Tile slice = getSlice(builder, loc, value, dims, tile);
  SmallVector<OpFoldResult> strides(slice.sizes.size(),
                                    builder.getIndexAttr(1));
  if (isa<MemRefType>(value.getType()))
    return memref::SubViewOp::create(builder, loc, value, slice.offsets,
                                     slice.sizes, strides);
  return tensor::ExtractSliceOp::create(builder, loc, value, slice.offsets,
                                        slice.sizes, strides);
}

/// Gives `tiled`, a copy of the op, the types of its new destinations.
static TilingResult finishTiling(DestinationStyleOpInterface tiled,
                                 ArrayRef<Operation *> slices) {
  for (auto [result, init] :
       llvm::zip(tiled->getResults(), tiled.getDpsInits()))
    result.setType(init.getType());
  return {{tiled},
          SmallVector<Value>(tiled->getResults()),
          SmallVector<Operation *>(slices)};
}

/// Sugar names rows of the whole problem, and packed sequences have no batch
/// dimension to cut: such ops have no iteration domain.
static bool canTile(AttentionOp op) { return !op.hasSugar() && !op.isRagged(); }
static bool canTile(MergeOp op) { return true; }

static AttentionOp::DimMap getMergeDims(Value value) {
  return cast<ShapedType>(value.getType()).getRank() == 4 ? kLogicalDims
                                                          : kLseDims;
}

static AttentionOp::DimMap getResultDims(AttentionOp op, unsigned result) {
  return result == 0 ? AttentionOp::getDimMap(op.getOutputLayout()) : kLseDims;
}
static AttentionOp::DimMap getResultDims(MergeOp op, unsigned result) {
  return getMergeDims(op.getInits()[result]);
}

/// The tile of a result that a tile of the domain computes.
template <typename OpTy>
static LogicalResult getResultTile(OpTy op, OpBuilder &builder, unsigned result,
                                   const Tile &tile,
                                   SmallVector<OpFoldResult> &resultOffsets,
                                   SmallVector<OpFoldResult> &resultSizes) {
  Tile position = getSlice(builder, op.getLoc(), op.getInits()[result],
                           getResultDims(op, result), tile);
  resultOffsets = std::move(position.offsets);
  resultSizes = std::move(position.sizes);
  return success();
}

/// The tile of the domain that computes a tile of a result, which must be whole
/// in the dimensions that are not tiled.
template <typename OpTy>
static LogicalResult getDomainTile(OpTy op, unsigned result,
                                   ArrayRef<OpFoldResult> offsets,
                                   ArrayRef<OpFoldResult> sizes,
                                   SmallVectorImpl<OpFoldResult> &tileOffsets,
                                   SmallVectorImpl<OpFoldResult> &tileSizes) {
  if (!canTile(op))
    return failure();
  AttentionOp::DimMap dims = getResultDims(op, result);
  if (dims.d >= 0) {
    auto type = cast<ShapedType>(op.getInits()[result].getType());
    int64_t headSize = type.getDimSize(dims.d);
    if (!isConstantIntValue(offsets[dims.d], 0) ||
        !isConstantIntValue(sizes[dims.d], headSize))
      return failure();
  }
  for (int dim : {dims.b, dims.h, dims.s}) {
    tileOffsets.push_back(offsets[dim]);
    tileSizes.push_back(sizes[dim]);
  }
  return success();
}

/// The one result that a consumer asked for.
template <typename OpTy>
static FailureOr<TilingResult>
tileForResult(OpTy op, OpBuilder &builder, unsigned resultNumber,
              ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> tileOffsets, tileSizes;
  if (failed(op.getIterationDomainTileFromResultTile(
          builder, resultNumber, offsets, sizes, tileOffsets, tileSizes)))
    return failure();
  FailureOr<TilingResult> tiled =
      op.getTiledImplementation(builder, tileOffsets, tileSizes);
  if (succeeded(tiled))
    tiled->tiledValues = {tiled->tiledValues[resultNumber]};
  return tiled;
}

//===----------------------------------------------------------------------===//
// attn.attention
//===----------------------------------------------------------------------===//

/// True if `value` is known to be a multiple of `factor`: a constant, or the
/// index of a loop over tiles.
static bool isMultipleOf(OpFoldResult value, int64_t factor) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant % factor == 0;
  auto arg = dyn_cast<BlockArgument>(cast<Value>(value));
  if (!arg)
    return false;
  auto loop = dyn_cast<LoopLikeOpInterface>(arg.getOwner()->getParentOp());
  if (!loop)
    return false;
  std::optional<SmallVector<Value>> indices = loop.getLoopInductionVars();
  std::optional<SmallVector<OpFoldResult>> begins = loop.getLoopLowerBounds();
  std::optional<SmallVector<OpFoldResult>> steps = loop.getLoopSteps();
  if (!indices || !begins || !steps)
    return false;
  for (auto [index, begin, step] : llvm::zip_equal(*indices, *begins, *steps))
    if (index == arg)
      return getConstantIntValue(begin).value_or(1) % factor == 0 &&
             getConstantIntValue(step).value_or(1) % factor == 0;
  return false;
}

/// Replaces the query heads of `tile` by the key heads that they read, if these
/// again are shared evenly (rule 2).
static LogicalResult mapToKeyHeads(OpBuilder &builder, AttentionOp op,
                                   Tile &tile) {
  OpFoldResult &offset = tile.offsets[kHead], &size = tile.sizes[kHead];
  Location loc = op.getLoc();
  int queryDim = AttentionOp::getDimMap(op.getQueryLayout()).h;
  int keyDim = AttentionOp::getDimMap(op.getKeyLayout()).h;
  OpFoldResult numKeyHeads = getMixedSizes(builder, loc, op.getKey())[keyDim];
  FailureOr<bool> whole = ValueBoundsConstraintSet::areEqual(
      size, ValueBoundsConstraintSet::Variable(op.getQuery(), queryDim));
  if (isConstantIntValue(offset, 0) && succeeded(whole) && *whole) {
    size = numKeyHeads;
    return success();
  }

  int64_t queryHeads = op.getNumQueryHeads(), keyHeads = op.getNumKeyHeads();
  bool isStatic =
      ShapedType::isStatic(queryHeads) && ShapedType::isStatic(keyHeads);
  if (isStatic && queryHeads == keyHeads)
    return success();
  std::optional<int64_t> count = getConstantIntValue(size);
  if (!count)
    return failure();
  auto divideOffset = [&](OpFoldResult divisor) {
    if (isConstantIntValue(offset, 0))
      return;
    offset = builder.createOrFold<arith::DivUIOp>(
        loc, getValueOrCreateConstantIndexOp(builder, loc, offset),
        getValueOrCreateConstantIndexOp(builder, loc, divisor));
  };
  if (!isStatic) {
    // Any head has a key head, but several may have an uneven share of them.
    if (*count != 1)
      return failure();
    OpFoldResult numQueryHeads =
        getMixedSizes(builder, loc, op.getQuery())[queryDim];
    divideOffset(builder.createOrFold<arith::DivUIOp>(
        loc, getValueOrCreateConstantIndexOp(builder, loc, numQueryHeads),
        getValueOrCreateConstantIndexOp(builder, loc, numKeyHeads)));
    size = builder.getIndexAttr(1);
    return success();
  }
  int64_t group = queryHeads / keyHeads;
  bool inOneGroup = group % *count == 0 && isMultipleOf(offset, *count);
  bool wholeGroups = *count % group == 0 && isMultipleOf(offset, group);
  if (*count != 1 && !inOneGroup && !wholeGroups)
    return failure();
  divideOffset(builder.getIndexAttr(group));
  size = builder.getIndexAttr(std::max<int64_t>(*count / group, 1));
  return success();
}

/// Shifts the indices of the regions by the tile's offsets and keeps the number
/// of queries that they may ask for.
static void shiftRegions(AttentionOp tiled, const Tile &tile,
                         OpFoldResult queryLength) {
  ImplicitLocOpBuilder before(tiled.getLoc(), tiled);
  for (auto [region, numLeading] :
       {std::pair(&tiled.getScore(), AttentionOp::kNumScoreArgs),
        std::pair(&tiled.getMask(), AttentionOp::kNumMaskArgs)}) {
    if (region->empty())
      continue;
    auto inside =
        ImplicitLocOpBuilder::atBlockBegin(tiled.getLoc(), &region->front());
    for (unsigned dim = 0; dim < kNumTiledDims; ++dim) {
      if (isConstantIntValue(tile.offsets[dim], 0))
        continue;
      // b, h and i are followed by j.
      BlockArgument index = region->getArgument(numLeading - 4 + dim);
      Value offset = getValueOrCreateConstantIndexOp(before, tiled.getLoc(),
                                                     tile.offsets[dim]);
      Value shifted = arith::AddIOp::create(inside, index, offset);
      index.replaceAllUsesExcept(shifted, shifted.getDefiningOp());
    }
  }
  tiled->walk([&](QLenOp op) {
    op.replaceAllUsesWith(
        getValueOrCreateConstantIndexOp(before, tiled.getLoc(), queryLength));
    op.erase();
  });
}

SmallVector<utils::IteratorType> AttentionOp::getLoopIteratorTypes() {
  return SmallVector<utils::IteratorType>(canTile(*this) ? kNumTiledDims : 0,
                                          utils::IteratorType::parallel);
}

SmallVector<Range> AttentionOp::getIterationDomain(OpBuilder &builder) {
  if (!canTile(*this))
    return {};
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(*this);
  return getDomain(builder, getLoc(), getQuery(), getDimMap(getQueryLayout()));
}

FailureOr<TilingResult>
AttentionOp::getTiledImplementation(OpBuilder &builder,
                                    ArrayRef<OpFoldResult> offsets,
                                    ArrayRef<OpFoldResult> sizes) {
  if (!canTile(*this))
    return failure();
  Location loc = getLoc();
  Tile tile{SmallVector<OpFoldResult>(offsets),
            SmallVector<OpFoldResult>(sizes)};
  Tile keyTile = tile;
  if (failed(mapToKeyHeads(builder, *this, keyTile)))
    return failure();

  auto tiled = cast<AttentionOp>(builder.clone(*getOperation()));
  builder.setInsertionPoint(tiled);
  SmallVector<Operation *> slices;
  auto slice = [&](MutableOperandRange operand, DimMap dims, const Tile &part) {
    for (OpOperand &use : operand) {
      if (!isa<ShapedType>(use.get().getType()))
        continue;
      use.set(createSlice(builder, loc, use.get(), dims, part));
      slices.push_back(use.get().getDefiningOp());
    }
  };
  auto sliceOne = [&](OpOperand &operand, DimMap dims, const Tile &part) {
    slice(MutableOperandRange(operand), dims, part);
  };
  // All rows of the keys are needed; the pages of a pool belong to no batch.
  auto keyDims = [&](Layout layout) {
    DimMap dims = getDimMap(layout);
    dims.s = -1;
    if (isPaged())
      dims.b = -1;
    return dims;
  };
  sliceOne(tiled.getQueryMutable(), getDimMap(getQueryLayout()), tile);
  sliceOne(tiled.getKeyMutable(), keyDims(getKeyLayout()), keyTile);
  sliceOne(tiled.getValueMutable(), keyDims(getValueLayout()), keyTile);
  slice(tiled.getQOffsetMutable(), kPerBatchDims, tile);
  slice(tiled.getKvLenMutable(), kPerBatchDims, tile);
  slice(tiled.getPageTableMutable(), kPerBatchDims, tile);
  slice(tiled.getSinkMutable(), kPerHeadDims, tile);
  for (auto [index, init] : llvm::enumerate(tiled.getInitsMutable()))
    sliceOne(init, getResultDims(*this, index), tile);

  OpFoldResult queryLength =
      getMixedSizes(builder, loc, getQuery())[getDimMap(getQueryLayout()).s];
  shiftRegions(tiled, tile, queryLength);
  builder.setInsertionPointAfter(tiled);
  return finishTiling(cast<DestinationStyleOpInterface>(*tiled), slices);
}

LogicalResult AttentionOp::getResultTilePosition(
    OpBuilder &builder, unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  return getResultTile(
      *this, builder, resultNumber,
      {SmallVector<OpFoldResult>(offsets), SmallVector<OpFoldResult>(sizes)},
      resultOffsets, resultSizes);
}

LogicalResult AttentionOp::getIterationDomainTileFromResultTile(
    OpBuilder &builder, unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVectorImpl<OpFoldResult> &tileOffsets,
    SmallVectorImpl<OpFoldResult> &tileSizes) {
  return getDomainTile(*this, resultNumber, offsets, sizes, tileOffsets,
                       tileSizes);
}

FailureOr<TilingResult>
AttentionOp::generateResultTileValue(OpBuilder &builder, unsigned resultNumber,
                                     ArrayRef<OpFoldResult> offsets,
                                     ArrayRef<OpFoldResult> sizes) {
  return tileForResult(*this, builder, resultNumber, offsets, sizes);
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> MergeOp::getLoopIteratorTypes() {
  return SmallVector<utils::IteratorType>(kNumTiledDims,
                                          utils::IteratorType::parallel);
}

SmallVector<Range> MergeOp::getIterationDomain(OpBuilder &builder) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(*this);
  return getDomain(builder, getLoc(), getO1(), kLogicalDims);
}

FailureOr<TilingResult>
MergeOp::getTiledImplementation(OpBuilder &builder,
                                ArrayRef<OpFoldResult> offsets,
                                ArrayRef<OpFoldResult> sizes) {
  Tile tile{SmallVector<OpFoldResult>(offsets),
            SmallVector<OpFoldResult>(sizes)};
  auto tiled = cast<MergeOp>(builder.clone(*getOperation()));
  builder.setInsertionPoint(tiled);
  SmallVector<Operation *> slices;
  for (OpOperand &operand : tiled->getOpOperands()) {
    operand.set(createSlice(builder, getLoc(), operand.get(),
                            getMergeDims(operand.get()), tile));
    slices.push_back(operand.get().getDefiningOp());
  }
  builder.setInsertionPointAfter(tiled);
  return finishTiling(cast<DestinationStyleOpInterface>(*tiled), slices);
}

LogicalResult MergeOp::getResultTilePosition(
    OpBuilder &builder, unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  return getResultTile(
      *this, builder, resultNumber,
      {SmallVector<OpFoldResult>(offsets), SmallVector<OpFoldResult>(sizes)},
      resultOffsets, resultSizes);
}

LogicalResult MergeOp::getIterationDomainTileFromResultTile(
    OpBuilder &builder, unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVectorImpl<OpFoldResult> &tileOffsets,
    SmallVectorImpl<OpFoldResult> &tileSizes) {
  return getDomainTile(*this, resultNumber, offsets, sizes, tileOffsets,
                       tileSizes);
}

FailureOr<TilingResult>
MergeOp::generateResultTileValue(OpBuilder &builder, unsigned resultNumber,
                                 ArrayRef<OpFoldResult> offsets,
                                 ArrayRef<OpFoldResult> sizes) {
  return tileForResult(*this, builder, resultNumber, offsets, sizes);
}
