//===- PendingProducts.cpp - A product for several key tiles --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums pass through memory in each product. So weights of a few key tiles
// wait, and are multiplied by their values at once:
// scores are stored for few keys, sums once for many. Where sums have to be
// scaled, what waits is added first.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/Dialect/AMX/AMXDialect.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// Finds the product whose sums a loop over key tiles carries, scaled in a
/// branch at most, if a tile has few of the keys that are worth a pass over the
/// sums.
bool KernelLowering::findPendingProduct(scf::ForOp loop) {
  constexpr int64_t enoughKeys = 256;
  Operation *yield = loop.getBody()->getTerminator();
  for (auto [argument, yielded] :
       llvm::zip(loop.getRegionIterArgs(), yield->getOperands())) {
    auto dot = yielded.getDefiningOp<DotOp>();
    if (!dot || dot->getBlock() != loop.getBody() || dot.getTransposeB() ||
        !yielded.hasOneUse())
      continue;
    auto convert = dot.getA().getDefiningOp<ConvertOp>();
    int64_t keys = dot.getA().getType().getCols();
    MapOp scaling = findScalingInBranch(dot.getAcc(), argument);
    if (!convert || convert->getBlock() != loop.getBody() || !scaling ||
        !isFactor(dot.getA()) ||
        llvm::count_if(convert->getUsers(), llvm::IsaPred<DotOp>) != 1 ||
        keys % kRegisterDepth || 2 * keys > enoughKeys ||
        !packedAhead.contains(dot.getB().getDefiningOp()))
      continue;
    pending.dot = dot;
    pending.loop = loop;
    pending.scaling = scaling;
    pending.branch = cast<scf::IfOp>(scaling->getParentOp());
    pending.tiles = enoughKeys / keys;
    pending.factors =
        allocate({rowsOf(dot.getA().getType().getRows()), pending.tiles * keys},
                 b.getBF16Type());
    pending.finishBefore = scaling;
    findPendingSums(loop, convert);
    return true;
  }
  return false;
}

/// Finds the sums by lanes of the waiting weights, if they are scaled in the
/// same branch: they come of the weights, too, when these are multiplied.
void KernelLowering::findPendingSums(scf::ForOp loop, ConvertOp weights) {
  if (!fixedFactors.contains(weights.getResult()))
    return;
  Operation *yield = loop.getBody()->getTerminator();
  for (auto [argument, yielded] :
       llvm::zip(loop.getRegionIterArgs(), yield->getOperands())) {
    auto reduce = yielded.getDefiningOp<ReduceOp>();
    if (!reduce || reduce->getBlock() != loop.getBody() ||
        reduce.getInput() != weights.getInput() || !yielded.hasOneUse() ||
        reduce.getType().getRank() != 2 ||
        reduce.getType().getCols() != kRegisterRows)
      continue;
    MapOp scaling = findScalingInBranch(reduce.getInit(), argument);
    if (!scaling || scaling->getParentOp() != pending.branch)
      continue;
    pending.sums = reduce;
    pending.sumsBuffer = places[argument].buffer;
    if (scaling->isBeforeInBlock(pending.finishBefore))
      pending.finishBefore = scaling;
    b.setInsertionPoint(loop);
    pending.areFinite =
        areScoresFinite(weights.getInput().getDefiningOp<MapOp>());
    return;
  }
}

/// The key tile of this iteration, counted from the first of its block.
Value KernelLowering::numberOfTile() {
  const PackedAhead &ahead =
      packedAhead.find(pending.dot.getB().getDefiningOp())->second;
  Value from =
      arith::SubIOp::create(b, pending.loop.getInductionVar(), ahead.first);
  return arith::DivUIOp::create(b, from, ahead.step);
}

/// Where the weights of this iteration wait.
Value KernelLowering::pendingFactor() {
  int64_t keys = pending.dot.getA().getType().getCols();
  auto type = cast<MemRefType>(pending.factors.getType());
  Value slot = arith::SubIOp::create(b, numberOfTile(), pending.first);
  Value start = arith::MulIOp::create(b, slot, index(keys));
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return memref::SubViewOp::create(
      b, pending.factors, {zero, start},
      {b.getIndexAttr(type.getDimSize(0)), b.getIndexAttr(keys)}, {one, one});
}

/// Adds the products of so many elements of waiting weights.
void KernelLowering::emitPendingProduct(Value depth) {
  auto load = pending.dot.getB().getDefiningOp<LoadOp>();
  TileType type = pending.dot.getResult().getType();
  RegisterProduct product;
  product.left = pending.factors;
  product.right = packedBlocks.lookup(load);
  product.sums = pending.buffer;
  product.depth = depth;
  product.rowsOfTile = load.getType().getRows();
  product.colsOfTile = llvm::divideCeil(type.getCols(), kRegisterRows);
  product.firstTile = pending.first;
  product.colTiles = index(product.colsOfTile);
  product.hasPairsOnly = product.colsOfTile % 2 == 0;
  product.startsAtZero = false;
  emitRegisterProduct(product, rowsOf(type.getRows()));
  if (pending.sums)
    emitPendingSums(depth);
}

/// Adds those weights to their sums: lane k has those of the k-th pair in each
/// register. Weights are negative.
void KernelLowering::emitPendingSums(Value depth) {
  const auto [factorType, sumType] = getRegisterTypes();
  if (!onesOfPairs) {
    onesOfPairs = allocate({kRegisterRows, kRegisterDepth}, b.getBF16Type());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfterValue(onesOfPairs);
    for (int64_t k = 0; k < kRegisterRows; ++k) {
      SmallVector<APFloat> row(kRegisterDepth, APFloat(APFloat::BFloat(), 0));
      row[2 * k] = row[2 * k + 1] = APFloat(APFloat::BFloat(), "-1");
      Value ones = arith::ConstantOp::create(
          b, DenseElementsAttr::get(pairVector(), row));
      vector::StoreOp::create(b, ones, onesOfPairs,
                              ValueRange{index(k), index(0)});
    }
  }
  Value ones = amx::TileLoadOp::create(b, factorType, onesOfPairs,
                                       ValueRange{index(0), index(0)});
  int64_t rows = cast<MemRefType>(pending.factors.getType()).getDimSize(0);
  SmallVector<Value> sums;
  for (int64_t row = 0; row < rows; row += kRegisterRows)
    sums.push_back(amx::TileLoadOp::create(b, sumType, pending.sumsBuffer,
                                           ValueRange{index(row), index(0)}));
  auto loop =
      scf::ForOp::create(b, index(0), depth, index(kRegisterDepth), sums);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> weights, added;
    for (int64_t row = 0; row < rows; row += kRegisterRows)
      weights.push_back(amx::TileLoadOp::create(
          b, factorType, pending.factors,
          ValueRange{index(row), loop.getInductionVar()}));
    for (auto [factor, sum] : llvm::zip(weights, loop.getRegionIterArgs()))
      added.push_back(amx::TileMulFOp::create(b, sumType, factor, ones, sum));
    scf::YieldOp::create(b, added);
  }
  for (auto [k, sum] : llvm::enumerate(loop.getResults()))
    amx::TileStoreOp::create(b, pending.sumsBuffer,
                             ValueRange{index(k * kRegisterRows), index(0)},
                             sum);
}

/// Before sums are scaled, what waits for them is added. In the branch that
/// scales, nothing waits afterwards but this iteration's weights.
void KernelLowering::finishPendingInBranch() {
  Value number = numberOfTile();
  Value waiting = arith::SubIOp::create(b, number, pending.first);
  int64_t keys = pending.dot.getA().getType().getCols();
  Value isAny =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, waiting, index(0));
  auto branch = scf::IfOp::create(b, isAny, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emitPendingProduct(arith::MulIOp::create(b, waiting, index(keys)));
  }
  pending.first = number;
}

/// Whether the group scales sums where they are, in the branch that does, and
/// these are 0 before the first key tile: then there is nothing to scale.
bool KernelLowering::scalesZeros(const GroupOutputs &outputs) {
  auto map = dyn_cast<MapOp>(group.ops.front());
  if (!pending.dot || group.ops.size() != 1 || !map ||
      map->getBlock() != pending.branch.thenBlock() ||
      outputs.stored.size() != 1)
    return false;
  Value buffer = outputs.stored.front().second;
  bool isScaling =
      llvm::any_of(pending.branch.getResults(), [&](OpResult result) {
        Value argument =
            pending.branch.elseYield().getOperand(result.getResultNumber());
        return findScalingInBranch(result, argument) == map &&
               places[argument].buffer == buffer;
      });
  Value start = isScaling ? startsOfStrips.lookup(buffer) : Value();
  return start && matchPattern(start, m_PosZeroFloat());
}

/// The weights of this iteration wait, too, or nothing does any more.
LogicalResult KernelLowering::lowerPendingProduct(DotOp dot) {
  int64_t keys = dot.getA().getType().getCols();
  const Place right = places[dot.getB()];
  Value number = numberOfTile();
  Value before = arith::SubIOp::create(b, number, pending.first);
  Value isFull = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, before,
                                       index(pending.tiles - 1));
  Value next = arith::AddIOp::create(b, pending.loop.getInductionVar(),
                                     pending.loop.getStep());
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, next,
                                       pending.loop.getUpperBound());
  Value isDue = arith::OrIOp::create(b, isFull, isLast);
  auto branch = scf::IfOp::create(b, b.getIndexType(), isDue,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value whole = arith::MulIOp::create(b, before, index(keys));
    emitPendingProduct(add(whole, roundedUp(right.validRows)));
    scf::YieldOp::create(b, add(number, index(1)));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, pending.first);
  }
  pending.first = branch.getResult(0);
  places[dot.getResult()].buffer = pending.buffer;
  return success();
}
