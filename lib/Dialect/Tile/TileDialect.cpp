//===- TileDialect.cpp - The tile dialect ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, its types and enums.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/Builders.h"
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

LogicalResult TileDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  if (attribute.getName() == LaunchInfoAttr::attributeName &&
      !isa<LaunchInfoAttr>(attribute.getValue()))
    return op->emitOpError()
           << "has the attribute '" << LaunchInfoAttr::attributeName << "' as "
           << attribute.getValue() << ", which is no #tile.launch_info";
  if (attribute.getName() == "tile.workers") {
    auto workers = dyn_cast<IntegerAttr>(attribute.getValue());
    if (!workers || !workers.getType().isSignlessInteger(64) ||
        workers.getInt() < 1 || workers.getInt() > kMostWorkers)
      return op->emitOpError()
             << "has the attribute 'tile.workers' as " << attribute.getValue()
             << ", which is no i64 in 1 .. " << kMostWorkers;
  }
  return verifyKnownName([&] { return op->emitOpError(); }, attribute.getName(),
                         {"tile.kernel", "tile.workers",
                          LaunchInfoAttr::attributeName, "tile.choices",
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
