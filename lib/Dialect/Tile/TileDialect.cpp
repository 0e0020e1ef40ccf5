//===- TileDialect.cpp - The tile dialect ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, its types and enums.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn::tile;

#include "attn/Dialect/Tile/TileDialect.cpp.inc"
#include "attn/Dialect/Tile/TileEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Tile/TileTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Tile/TileAttrs.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attn/Dialect/Tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "attn/Dialect/Tile/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Tile/TileOps.cpp.inc"
      >();
}

/// Before a target gives it another signature, a kernel takes what
/// KernelSignature says.
static LogicalResult verifyKernel(func::FuncOp kernel) {
  ArrayRef<Type> types = kernel.getArgumentTypes();
  if (KernelTypes::fits(types) &&
      llvm::all_of(types.take_back(KernelTypes::size(0)),
                   [](Type type) { return type.isIndex(); }))
    return success();
  return kernel.emitOpError(
      "is a kernel (tile.kernel), but its last six arguments are not the point "
      "and the extents of the grid, of type index");
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  StringRef name = attribute.getName();
  auto reject = [&](StringRef attributeName) {
    return op->emitOpError()
           << "has the attribute '" << name << "' as " << attribute.getValue()
           << ", which is no #tile." << attributeName;
  };
  if (auto function = dyn_cast<func::FuncOp>(op))
    if (name == "tile.kernel")
      return verifyKernel(function);
  if (name == LaunchInfoAttr::attributeName) {
    auto info = dyn_cast<LaunchInfoAttr>(attribute.getValue());
    return info ? info.verifyKernel(op) : reject(LaunchInfoAttr::getMnemonic());
  }
  if (name == ArtifactAttr::attributeName) {
    if (!isa<ModuleOp>(op))
      return op->emitOpError() << "has the attribute '" << name
                               << "', which is for a builtin.module";
    return isa<ArtifactAttr>(attribute.getValue())
               ? success()
               : reject(ArtifactAttr::getMnemonic());
  }
  if (name == "tile.workers") {
    auto workers = dyn_cast<IntegerAttr>(attribute.getValue());
    if (!workers || !workers.getType().isSignlessInteger(64) ||
        workers.getInt() < 1 || workers.getInt() > kMostWorkers)
      return op->emitOpError()
             << "has the attribute 'tile.workers' as " << attribute.getValue()
             << ", which is no i64 in 1 .. " << kMostWorkers;
  }
  if (name == TargetAttr::attributeName) {
    if (!isa<TargetAttr>(attribute.getValue()))
      return reject(TargetAttr::getMnemonic());
    if (!isa<ModuleOp>(op))
      return op->emitOpError() << "has the attribute '" << name
                               << "', which only a module may have";
  }
  return verifyKnownName(
      [&] { return op->emitOpError(); }, name,
      {"tile.kernel", "tile.workers", LaunchInfoAttr::attributeName,
       ArtifactAttr::attributeName, TargetAttr::attributeName, "tile.choices",
       "tile.scheduled"});
}

LogicalResult TileDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                    unsigned,
                                                    NamedAttribute attribute) {
  return verifyKnownName([&] { return op->emitOpError(); }, attribute.getName(),
                         {"tile.size", "tile.table"});
}

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType) || parser.parseGreater())
    return {};
  return parser.getChecked<TileType>(parser.getContext(), shape, elementType);
}

void TileType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t size : getShape())
    printer << size << 'x';
  printer << getElementType() << '>';
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, Type elementType) {
  if (shape.empty() || shape.size() > 2)
    return emitError() << "a tile has rank 1 or 2, not " << shape.size();
  if (llvm::any_of(shape, [](int64_t size) { return size <= 0; }))
    return emitError() << "tile sizes must be positive";
  if (!elementType.isIntOrIndexOrFloat())
    return emitError() << "a tile holds scalars, not " << elementType;
  return success();
}
