//===- PadTiles.cpp - tile-pad-tiles --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles grow to multiples of the fragments of matrix units. What a load adds is
// zero and adds nothing to a product, what is stored stays what it was.
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"
#include "TileKernels.h"
#include "attn/Conversion/AssignLayouts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace attn {
#define GEN_PASS_DEF_PADTILES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

/// The shape of a tile afterwards.
static SmallVector<int64_t> pad(TileType type, const Padding &padding) {
  SmallVector<int64_t> shape{padding.padRows(type.getRows())};
  if (type.getRank() == 2)
    shape.push_back(padding.padCols(type.getCols()));
  return shape;
}

static bool grows(TileType type, const Padding &padding) {
  return !llvm::equal(pad(type, padding), type.getShape());
}

/// Whether the elements that padding adds to the tile are zero.
static bool isZeroFilled(Value tile) {
  while (auto convert = tile.getDefiningOp<ConvertOp>())
    tile = convert.getInput();
  return tile.getDefiningOp<LoadOp>();
}

/// Whether no op can tell a padded tile from the tile.
static bool canPad(func::FuncOp kernel, const Padding &padding) {
  auto isCut = [](int64_t size, int64_t of) { return size % of != 0; };
  return !kernel
              .walk([&](Operation *op) {
                bool fits = true;
                if (auto reduce = dyn_cast<ReduceOp>(op)) {
                  fits = !isCut(reduce.getInput().getType().getCols(),
                                padding.cols);
                } else if (auto dot = dyn_cast<DotOp>(op)) {
                  TileType a = dot.getA().getType();
                  bool isPadded = dot.getTransposeA()
                                      ? isCut(a.getRows(), padding.rows)
                                      : isCut(a.getCols(), padding.cols);
                  fits = !isPadded ||
                         (isZeroFilled(dot.getA()) && isZeroFilled(dot.getB()));
                } else if (auto map = dyn_cast<MapOp>(op)) {
                  // A region may read a table at its row and column.
                  bool reads = map.getBody()
                                   .walk([](memref::LoadOp) {
                                     return WalkResult::interrupt();
                                   })
                                   .wasInterrupted();
                  fits = !reads ||
                         !grows(cast<TileType>(map.getResult(0).getType()),
                                padding);
                }
                return fits ? WalkResult::advance() : WalkResult::interrupt();
              })
              .wasInterrupted();
}

/// No more elements are valid than the tile had.
static void clampValid(Operation *op, MutableOperandRange valid,
                       TileType type) {
  OpBuilder b(op);
  for (auto [k, size] : llvm::enumerate(type.getShape())) {
    OpOperand &bound = valid[k];
    std::optional<int64_t> constant = getConstantIntValue(bound.get());
    if (constant && *constant <= size)
      continue;
    Value most = arith::ConstantIndexOp::create(b, op->getLoc(), size);
    bound.set(arith::MinSIOp::create(b, op->getLoc(), bound.get(), most));
  }
}

namespace {
struct PadTiles final : attn::impl::PadTilesBase<PadTiles> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    TargetAttr target = getMatrixTarget(kernel);
    if (!target)
      return;
    Padding padding = Padding::of(target);
    if (!canPad(kernel, padding))
      return;
    kernel.walk([&](LoadOp load) {
      if (grows(load.getType(), padding))
        clampValid(load, load.getValidMutable(), load.getType());
    });
    kernel.walk([&](StoreOp store) {
      if (grows(store.getTile().getType(), padding))
        clampValid(store, store.getValidMutable(), store.getTile().getType());
    });
    forEachTile(kernel, [&](Value tile) {
      auto type = cast<TileType>(tile.getType());
      if (!grows(type, padding))
        return;
      tile.setType(TileType::get(type.getContext(), pad(type, padding),
                                 type.getElementType()));
      ++numPadded;
    });
  }
};
} // namespace
