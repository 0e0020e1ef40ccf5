//===- TileLaunch.cpp - How a lowered kernel is launched ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the attributes of TileLaunch.td: each alone, and those of a
// kernel against a launch of it.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"

using namespace mlir;
using namespace attn::tile;

using EmitError = function_ref<InFlightDiagnostic()>;

LogicalResult OperandAttr::verify(EmitError emitError, int64_t index,
                                  int64_t multiple) {
  if (index < 0)
    return emitError() << "an operand has a number from 0 on, not " << index;
  if (multiple < 1)
    return emitError() << "multiple must be positive, not " << multiple;
  return success();
}

LogicalResult ExtentAttr::verify(EmitError emitError, int64_t dim, Type type) {
  if (dim < 0 || dim >= 3)
    return emitError() << "a grid has dimensions 0 to 2, not " << dim;
  if (!type.isInteger(32) && !type.isInteger(64))
    return emitError() << "an extent is passed as i32 or i64, not " << type;
  return success();
}

/// Limits of cuTensorMapEncodeTiled (CUDA driver API, tensor maps).
LogicalResult TensorMapAttr::verify(EmitError emitError, int64_t operand,
                                    Type element, AffineMap sizes,
                                    AffineMap strides, DenseI64ArrayAttr box,
                                    int64_t swizzle) {
  constexpr unsigned mostDims = 5;
  constexpr int64_t mostExtent = 256;
  if (operand < 0)
    return emitError() << "an operand has a number from 0 on, not " << operand;
  if (!element.isF16() && !element.isBF16())
    return emitError() << "a tensor map is of f16 or bf16, not " << element;
  unsigned rank = sizes.getNumResults();
  if (rank < 1 || rank > mostDims)
    return emitError() << "a tensor map has 1 to " << mostDims
                       << " dimensions, not " << rank;
  if (strides.getNumResults() + 1 != rank || box.size() != rank)
    return emitError() << "a tensor map of " << rank << " sizes has "
                       << rank - 1 << " strides and a box of " << rank
                       << ", not " << strides.getNumResults() << " and "
                       << box.size();
  for (AffineMap map : {sizes, strides})
    if (map.getNumDims() != 0)
      return emitError()
             << "sizes and strides are functions of operands, which "
                "are symbols; there are no dimensions";
  bool isKnown = true;
  for (AffineMap map : {sizes, strides})
    map.walkExprs([&](AffineExpr expr) {
      isKnown &= expr.getKind() != AffineExprKind::Mod &&
                 expr.getKind() != AffineExprKind::CeilDiv;
    });
  if (!isKnown)
    return emitError() << "sizes and strides add, multiply and divide "
                          "(floordiv), nothing else";
  for (int64_t extent : box.asArrayRef())
    if (extent < 1 || extent > mostExtent)
      return emitError() << "a box has extents from 1 to " << mostExtent
                         << ", not " << extent;
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitError() << "rows are swizzled in 32, 64 or 128 bytes, or not at "
                          "all (0), not in "
                       << swizzle;
  return success();
}

LogicalResult LaunchInfoAttr::verify(EmitError emitError, ArrayAttr parameters,
                                     GridOrder, int64_t threads, int64_t shared,
                                     int64_t stack) {
  for (Attribute parameter : parameters)
    if (!isa<OperandAttr, ExtentAttr, CounterAttr, TensorMapAttr>(parameter))
      return emitError() << "a parameter is #tile.operand, #tile.extent, "
                            "#tile.counter or #tile.tensor_map, not "
                         << parameter;
  if (threads < 0 || threads > 1024)
    return emitError() << "a block has 1 to 1024 threads, a call on a CPU 0, "
                          "not "
                       << threads;
  for (auto [name, bytes] :
       {std::pair("shared", shared), std::pair("stack", stack)})
    if (bytes < 0)
      return emitError() << name << " is a number of bytes, not " << bytes;
  return success();
}

LaunchInfoAttr LaunchInfoAttr::of(Operation *kernel) {
  return kernel->getAttrOfType<LaunchInfoAttr>(attributeName);
}

/// Operand `index` of a launch as what a parameter makes of it.
static LogicalResult verifyOperand(LaunchOp launch, int64_t index,
                                   bool needsMemory) {
  int64_t count = launch.getArgs().size();
  if (index >= count)
    return launch.emitOpError("has ")
           << count << " arguments; " << launch.getKernelAttr()
           << " is passed argument #" << index;
  Type type = launch.getArgs()[index].getType();
  if (needsMemory && !isa<MemRefType>(type))
    return launch.emitOpError("argument #")
           << index << " is " << type << "; " << launch.getKernelAttr()
           << " needs a tensor map of it";
  return success();
}

/// The symbols of `map` are operands, of which it may use integers.
static LogicalResult verifyNumbers(LaunchOp launch, AffineMap map) {
  if (map.getNumSymbols() > launch.getArgs().size())
    return launch.emitOpError("has ")
           << launch.getArgs().size() << " arguments; a tensor map of "
           << launch.getKernelAttr() << " is a function of "
           << map.getNumSymbols();
  for (auto [index, argument] : llvm::enumerate(launch.getArgs()))
    if (!argument.getType().isIntOrIndex() && map.isFunctionOfSymbol(index))
      return launch.emitOpError("argument #")
             << index << " is " << argument.getType() << "; a tensor map of "
             << launch.getKernelAttr() << " has a size or stride of it";
  return success();
}

LogicalResult LaunchInfoAttr::verifyLaunch(LaunchOp launch) const {
  for (Attribute parameter : getParameters()) {
    if (auto operand = dyn_cast<OperandAttr>(parameter)) {
      if (failed(verifyOperand(launch, operand.getIndex(), false)))
        return failure();
    } else if (auto map = dyn_cast<TensorMapAttr>(parameter)) {
      if (failed(verifyOperand(launch, map.getOperand(), true)) ||
          failed(verifyNumbers(launch, map.getSizes())) ||
          failed(verifyNumbers(launch, map.getStrides())))
        return failure();
    }
  }
  return success();
}
