//===- TileDialect.cpp - The tile dialect ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, its types and enums.
//
//===----------------------------------------------------------------------===//

#include "TileLayout.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/AttributeNames.h"
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
    if (name == tile::kKernelAttrName)
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
  if (name == tile::kWorkersAttrName) {
    auto workers = dyn_cast<IntegerAttr>(attribute.getValue());
    if (!workers || !workers.getType().isSignlessInteger(64) ||
        workers.getInt() < 1 || workers.getInt() > kMostWorkers)
      return op->emitOpError()
             << "has the attribute 'tile.workers' as " << attribute.getValue()
             << ", which is no i64 in 1 .. " << kMostWorkers;
  }
  if (name == tile::kSizeAttrName) {
    auto size = dyn_cast<IntegerAttr>(attribute.getValue());
    Type type = op->getNumResults() == 1 ? op->getResult(0).getType() : Type();
    unsigned bits = !type || !type.isIntOrIndex() ? 0
                    : type.isIndex() ? 64
                                     : type.getIntOrFloatBitWidth();
    if (!size || !size.getType().isIndex() || size.getInt() < 0 || bits < 2 ||
        bits > 64 || !llvm::isUIntN(bits - 1, size.getInt()))
      return op->emitOpError()
             << "has the attribute 'tile.size' as " << attribute.getValue()
             << "; it is the largest number, from 0 on, that the result can be";
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
      {tile::kAnyRoundingAttrName, tile::kExactAttrName, tile::kKernelAttrName,
       tile::kWorkersAttrName, LaunchInfoAttr::attributeName,
       ArtifactAttr::attributeName, TargetAttr::attributeName,
       tile::kChoicesAttrName, tile::kInMemoryAttrName, tile::kNarrowAttrName,
       tile::kOffsetAttrName, tile::kRestoredAttrName, tile::kScheduledAttrName,
       tile::kSizeAttrName, tile::kUnorderedAttrName,
       tile::kWithoutLayoutsAttrName});
}

LogicalResult TileDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                    unsigned,
                                                    NamedAttribute attribute) {
  if (attribute.getName() == tile::kElementAttrName &&
      !isa<TypeAttr>(attribute.getValue()))
    return op->emitOpError() << "has an argument attribute 'tile.element' as "
                             << attribute.getValue() << ", which is no type";
  return verifyKnownName([&] { return op->emitOpError(); }, attribute.getName(),
                         {tile::kDispatchAttrName, tile::kElementAttrName,
                          tile::kExchangedAttrName, tile::kSizeAttrName,
                          tile::kTableAttrName});
}

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  Attribute layout;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType) ||
      (succeeded(parser.parseOptionalComma()) &&
       parser.parseAttribute(layout)) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<TileType>(parser.getContext(), shape, elementType,
                                     layout);
}

void TileType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t size : getShape())
    printer << size << 'x';
  printer << getElementType();
  if (getLayout())
    printer << ", " << getLayout();
  printer << '>';
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, Type elementType,
                               Attribute layout) {
  if (shape.empty() || shape.size() > 2)
    return emitError() << "a tile has rank 1 or 2, not " << shape.size();
  if (llvm::any_of(shape, [](int64_t size) { return size <= 0; }))
    return emitError() << "tile sizes must be positive";
  if (!elementType.isIntOrIndexOrFloat())
    return emitError() << "a tile holds scalars, not " << elementType;
  return layout ? verifyLayout(emitError, shape, layout) : success();
}

/// `[[0, 1], [2, 0]]`.
static ParseResult parseBases(AsmParser &parser,
                              SmallVectorImpl<int64_t> &numbers) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return failure(
        parser.parseLSquare() || parser.parseInteger(numbers.emplace_back()) ||
        parser.parseComma() || parser.parseInteger(numbers.emplace_back()) ||
        parser.parseRSquare());
  });
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> registers, lanes, subgroups;
  auto parsePart = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return failure();
    SmallVector<int64_t> *numbers = name == "register"   ? &registers
                                    : name == "lane"     ? &lanes
                                    : name == "subgroup" ? &subgroups
                                                         : nullptr;
    if (!numbers)
      return parser.emitError(loc)
             << "a layout has register, lane and subgroup, not " << name;
    if (!numbers->empty())
      return parser.emitError(loc) << "says " << name << " twice";
    return parseBases(parser, *numbers);
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parsePart))
    return {};
  return parser.getChecked<LayoutAttr>(parser.getContext(), registers, lanes,
                                       subgroups);
}

void LayoutAttr::print(AsmPrinter &printer) const {
  printer << '<';
  llvm::ListSeparator separator;
  for (auto [name, numbers] :
       {std::pair("register", getRegisters()), std::pair("lane", getLanes()),
        std::pair("subgroup", getSubgroups())}) {
    if (numbers.empty())
      continue;
    printer << StringRef(separator) << name << " = [";
    llvm::ListSeparator comma;
    for (size_t k = 0; k < numbers.size(); k += 2)
      printer << StringRef(comma) << '[' << numbers[k] << ", " << numbers[k + 1]
              << ']';
    printer << ']';
  }
  printer << '>';
}
