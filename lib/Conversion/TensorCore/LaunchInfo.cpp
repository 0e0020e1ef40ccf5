//===- LaunchInfo.cpp - How a tensor-core kernel is launched --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Indices of the source become i64, extents are i32. Sizes are affine
// expressions of the launch's operands.
//
//===----------------------------------------------------------------------===//

#include "LaunchInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineMap.h"

using namespace mlir;

namespace attn::tensorcore {

LaunchInfo::LaunchInfo(KernelStructure &structure)
    : b(structure.kernel.getContext()),
      numArguments(tile::KernelArguments(structure.kernel).operands.size()) {
  for (unsigned number = 0; number < numArguments; ++number)
    parameters.push_back(b.getAttr<tile::OperandAttr>(number, /*multiple=*/1));
  for (unsigned dim = 0; dim < tile::kGridRank; ++dim)
    parameters.push_back(b.getAttr<tile::ExtentAttr>(dim, b.getI32Type()));
}

void LaunchInfo::requireMultiple(Value operand, int64_t multiple) {
  Attribute &parameter =
      parameters[cast<BlockArgument>(operand).getArgNumber()];
  auto known = cast<tile::OperandAttr>(parameter);
  parameter = b.getAttr<tile::OperandAttr>(
      known.getIndex(), std::max(multiple, known.getMultiple()));
}

void LaunchInfo::requireUnit(const View &view, int64_t bytes) {
  if (bytes == elementBytes)
    return;
  requireMultiple(view.base, bytes);
  for (OpFoldResult stride : ArrayRef(view.strides).drop_back())
    if (!getConstantIntValue(stride))
      requireMultiple(cast<Value>(stride), bytes / elementBytes);
}

void LaunchInfo::requireStore(tile::StoreOp store) {
  tile::TileType type = store.getTile().getType();
  if (type.getRank() != 2 || !isSixteenBit(type.getElementType()))
    return;
  View view = *getView(store.getDest());
  requireUnit(view, std::min(getUnit(view), pairBytes));
}

AffineExpr LaunchInfo::expression(OpFoldResult value) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return b.getAffineConstantExpr(*known);
  // Sizes are cast to 32 bits and back (tile-narrow-indices).
  Value operand = cast<Value>(value);
  while (auto cast = operand.getDefiningOp<arith::IndexCastOp>())
    operand = cast.getIn();
  return b.getAffineSymbolExpr(cast<BlockArgument>(operand).getArgNumber());
}

AffineMap LaunchInfo::map(ArrayRef<AffineExpr> expressions) {
  return AffineMap::get(0, numArguments, expressions, b.getContext());
}

void LaunchInfo::addTensorMap(const View &view, int64_t rows) {
  // Innermost dimension first, as the driver wants it; strides in bytes without
  // the innermost.
  Type element = cast<MemRefType>(view.base.getType()).getElementType();
  SmallVector<AffineExpr> sizes, strides;
  for (OpFoldResult size : llvm::reverse(view.sizes))
    sizes.push_back(expression(size));
  for (OpFoldResult stride : llvm::drop_begin(llvm::reverse(view.strides)))
    strides.push_back(expression(stride) * 2);
  SmallVector<int64_t> box(view.sizes.size(), 1);
  box[0] = swizzleColumns;
  box[1] = rows;
  parameters.push_back(b.getAttr<tile::TensorMapAttr>(
      cast<BlockArgument>(view.base).getArgNumber(), element, map(sizes),
      map(strides), b.getDenseI64ArrayAttr(box), swizzleBytes));
}

void LaunchInfo::addCounter() {
  parameters.push_back(b.getAttr<tile::CounterAttr>());
}

tile::LaunchInfoAttr LaunchInfo::get(int64_t threads, int64_t sharedBytes,
                                     tile::GridOrder grid) {
  return b.getAttr<tile::LaunchInfoAttr>(b.getArrayAttr(parameters), grid,
                                         threads, sharedBytes, /*stack=*/0,
                                         /*cluster=*/DenseI64ArrayAttr());
}

} // namespace attn::tensorcore
