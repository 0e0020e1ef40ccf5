//===- PendingProducts.cpp - A product for several key tiles --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums that do not fit tile registers pass through memory in each product. So
// weights of a few key tiles wait, and are multiplied by their values at once:
// scores are stored for few keys, sums once for many. Where sums have to be
// scaled, what waits is added first.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

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
        !yielded.hasOneUse() || !dot.getA().hasOneUse())
      continue;
    auto convert = dot.getA().getDefiningOp<ConvertOp>();
    int64_t keys = dot.getA().getType().getCols();
    MapOp scaling = findScalingInBranch(dot.getAcc(), argument);
    if (!convert || convert->getBlock() != loop.getBody() || !scaling ||
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
    return true;
  }
  return false;
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
