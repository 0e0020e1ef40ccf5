//===- AddDispatchParameters.cpp - What a dispatch is a part of -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters for tensors that do not begin where a buffer is bound, and for
// grids that take several dispatches.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_ADDDISPATCHPARAMETERS
#include "attn/Target/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// A parameter before number `position` that a launcher adds of itself and
/// counts in 32 bits.
static BlockArgument addParameter(gpu::GPUFuncOp kernel, unsigned position,
                                  StringRef name, Location loc) {
  Builder b(kernel.getContext());
  NamedAttribute size(tile::kSizeAttrName, b.getIndexAttr(INT32_MAX));
  NamedAttribute own(tile::kDispatchAttrName, b.getUnitAttr());
  Location named = NameLoc::get(b.getStringAttr(name), loc);
  (void)kernel.insertArgument(position, b.getIndexType(),
                              b.getDictionaryAttr({size, own}), named);
  return kernel.getArgument(position);
}

/// Counts the elements of `buffer` from what is bound: where a view begins
/// elsewhere, once for all that is read of it.
static void addBase(BlockArgument buffer, BlockArgument base) {
  for (Operation *view : buffer.getUsers()) {
    auto cast = dyn_cast<memref::ReinterpretCastOp>(view);
    if (cast && !cast.getOffsets().empty()) {
      OpBuilder b(view);
      OpOperand &offset = cast.getOffsetsMutable()[0];
      offset.set(
          arith::AddIOp::create(b, offset.get().getLoc(), offset.get(), base));
      continue;
    }
    for (Operation *access : view->getUsers()) {
      OpOperand *index =
          TypeSwitch<Operation *, OpOperand *>(access)
              .Case<memref::LoadOp, vector::LoadOp, memref::StoreOp>(
                  [](auto op) { return &op.getIndicesMutable()[0]; })
              .Default([](Operation *) { return nullptr; });
      if (!index)
        continue;
      OpBuilder b(access);
      index->set(
          arith::AddIOp::create(b, access->getLoc(), index->get(), base));
    }
  }
}

static void addBases(gpu::GPUFuncOp kernel) {
  for (unsigned k = 0; k < kernel.getFunctionType().getNumInputs(); ++k) {
    BlockArgument buffer = kernel.getArgument(k);
    if (!isa<MemRefType>(buffer.getType()))
      continue;
    auto name = dyn_cast<NameLoc>(buffer.getLoc());
    std::string hint = name ? name.getName().str() : "buffer";
    addBase(buffer, addParameter(kernel, ++k, hint + "_base", kernel.getLoc()));
  }
}

/// A group is numbered within the grid, of which a dispatch may be a part.
static void addGrid(gpu::GPUFuncOp kernel) {
  StringRef names[] = {"first_x", "first_y", "first_z",
                       "grid_x",  "grid_y",  "grid_z"};
  for (auto [k, name] : llvm::enumerate(names))
    addParameter(kernel, k, name, kernel.getLoc());
  SmallVector<gpu::BlockIdOp> ids;
  kernel.walk([&](gpu::BlockIdOp id) { ids.push_back(id); });
  kernel.walk([&](gpu::GridDimOp extent) {
    auto dimension = static_cast<unsigned>(extent.getDimension());
    extent.replaceAllUsesWith(Value(kernel.getArgument(3 + dimension)));
    extent.erase();
  });
  for (gpu::BlockIdOp id : ids) {
    OpBuilder b(id->getContext());
    b.setInsertionPointAfter(id);
    auto dimension = static_cast<unsigned>(id.getDimension());
    // The sum is what has a name for readers.
    Value inGrid = arith::AddIOp::create(b, id.getLoc(), id,
                                         kernel.getArgument(dimension));
    id->setLoc(kernel.getLoc());
    if (Attribute size = id->getAttr(tile::kSizeAttrName))
      inGrid.getDefiningOp()->setAttr(tile::kSizeAttrName, size);
    id.getResult().replaceAllUsesExcept(inGrid, inGrid.getDefiningOp());
  }
}

namespace {
struct AddDispatchParameters final
    : attn::impl::AddDispatchParametersBase<AddDispatchParameters> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      addBases(kernel);
      addGrid(kernel);
    }
  }
};
} // namespace
