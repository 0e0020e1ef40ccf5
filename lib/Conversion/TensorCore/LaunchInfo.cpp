//===- LaunchInfo.cpp - How a tensor-core kernel is launched --------------===//
//
// Indices of the source become i64, extents are i32. Sizes are affine
// expressions of the launch's operands.
//
//===----------------------------------------------------------------------===//

#include "LaunchInfo.h"

#include "mlir/IR/AffineMap.h"

using namespace mlir;

namespace attn::tensorcore {

LaunchInfo::LaunchInfo(KernelStructure &structure)
    : b(structure.kernel.getContext()),
      numArguments(structure.kernel.getNumArguments() - 6) {
  for (unsigned number = 0; number < numArguments; ++number)
    add("operand", b.getNamedAttr("index", b.getI64IntegerAttr(number)));
  for (unsigned dim = 0; dim < 3; ++dim)
    add("extent", b.getNamedAttr("dim", b.getI64IntegerAttr(dim)));
}

void LaunchInfo::add(StringRef kind, ArrayRef<NamedAttribute> fields) {
  NamedAttrList list(fields);
  list.append("kind", b.getStringAttr(kind));
  parameters.push_back(list.getDictionary(b.getContext()));
}

void LaunchInfo::requireMultiple(Value operand, int64_t multiple) {
  constexpr StringLiteral name = "multiple";
  Attribute &parameter =
      parameters[cast<BlockArgument>(operand).getArgNumber()];
  NamedAttrList fields(cast<DictionaryAttr>(parameter));
  if (auto known = dyn_cast_or_null<IntegerAttr>(fields.get(name)))
    multiple = std::max(multiple, known.getInt());
  fields.set(name, b.getI64IntegerAttr(multiple));
  parameter = fields.getDictionary(b.getContext());
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
  return b.getAffineSymbolExpr(
      cast<BlockArgument>(cast<Value>(value)).getArgNumber());
}

Attribute LaunchInfo::map(ArrayRef<AffineExpr> expressions) {
  return AffineMapAttr::get(
      AffineMap::get(0, numArguments, expressions, b.getContext()));
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
  add("tensormap",
      {b.getNamedAttr(
           "buffer",
           b.getI64IntegerAttr(cast<BlockArgument>(view.base).getArgNumber())),
       b.getNamedAttr("dtype", TypeAttr::get(element)),
       b.getNamedAttr("sizes", map(sizes)),
       b.getNamedAttr("strides", map(strides)),
       b.getNamedAttr("box", b.getDenseI64ArrayAttr(box)),
       b.getNamedAttr("swizzle", b.getI64IntegerAttr(swizzleBytes))});
}

void LaunchInfo::addCounter() { add("counter", {}); }

DictionaryAttr LaunchInfo::get(int64_t threads, int64_t sharedBytes,
                               bool persistent, ArrayRef<std::string> choices) {
  SmallVector<StringRef> texts(choices.begin(), choices.end());
  return b.getDictionaryAttr(
      {b.getNamedAttr("parameters", b.getArrayAttr(parameters)),
       b.getNamedAttr("threads", b.getI64IntegerAttr(threads)),
       b.getNamedAttr("shared_bytes", b.getI64IntegerAttr(sharedBytes)),
       b.getNamedAttr("persistent", b.getBoolAttr(persistent)),
       b.getNamedAttr("why", b.getStrArrayAttr(texts))});
}

} // namespace attn::tensorcore
