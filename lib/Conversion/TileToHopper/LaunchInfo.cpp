//===- LaunchInfo.cpp - How a Hopper kernel is launched -------------------===//
//
// Parameters in order: the source kernel's (index as i64), the grid's extents
// as i32, tensor maps, the scheduler's counter. Sizes are affine expressions of
// the launch's operands.
//
//===----------------------------------------------------------------------===//

#include "LaunchInfo.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace attn::hopper {

namespace {
class LaunchInfo {
public:
  explicit LaunchInfo(Plan &plan)
      : plan(plan), b(plan.kernel.getContext()),
        numArguments(plan.kernel.getNumArguments() - 6) {}

  DictionaryAttr get();

private:
  NamedAttribute named(StringRef name, Attribute value) {
    return b.getNamedAttr(name, value);
  }
  NamedAttribute kind(StringRef value) {
    return named("kind", b.getStringAttr(value));
  }
  AffineExpr expression(OpFoldResult value) {
    if (std::optional<int64_t> known = getConstantIntValue(value))
      return b.getAffineConstantExpr(*known);
    return b.getAffineSymbolExpr(
        cast<BlockArgument>(cast<Value>(value)).getArgNumber());
  }
  Attribute map(ArrayRef<AffineExpr> expressions) {
    return AffineMapAttr::get(
        AffineMap::get(0, numArguments, expressions, b.getContext()));
  }
  Attribute tensorMap(const View &view, int64_t rows);

  Plan &plan;
  Builder b;
  unsigned numArguments;
};
} // namespace

/// Innermost dimension first, as the driver wants it; strides in bytes without
/// the innermost. A box is a block of 64 columns.
Attribute LaunchInfo::tensorMap(const View &view, int64_t rows) {
  Type element = cast<MemRefType>(view.base.getType()).getElementType();
  SmallVector<AffineExpr> sizes, strides;
  for (OpFoldResult size : llvm::reverse(view.sizes))
    sizes.push_back(expression(size));
  for (OpFoldResult stride : llvm::drop_begin(llvm::reverse(view.strides)))
    strides.push_back(expression(stride) * 2);
  SmallVector<int64_t> box(view.sizes.size(), 1);
  box[0] = swizzleColumns;
  box[1] = rows;
  return b.getDictionaryAttr(
      {kind("tensormap"),
       named("buffer", b.getI64IntegerAttr(
                           cast<BlockArgument>(view.base).getArgNumber())),
       named("dtype", TypeAttr::get(element)), named("sizes", map(sizes)),
       named("strides", map(strides)),
       named("box", b.getDenseI64ArrayAttr(box)),
       named("swizzle", b.getI64IntegerAttr(swizzleBytes))});
}

DictionaryAttr LaunchInfo::get() {
  SmallVector<Attribute> parameters;
  for (unsigned number = 0; number < numArguments; ++number)
    parameters.push_back(b.getDictionaryAttr(
        {kind("operand"), named("index", b.getI64IntegerAttr(number))}));
  for (unsigned dim = 0; dim < 3; ++dim)
    parameters.push_back(b.getDictionaryAttr(
        {kind("extent"), named("dim", b.getI64IntegerAttr(dim))}));
  for (SharedTile *tile : {&plan.query, &plan.key, &plan.value})
    parameters.push_back(
        tensorMap(*getView(tile->load.getSource()), tile->type().getRows()));
  for (tile::StoreOp store : plan.tmaStores)
    parameters.push_back(tensorMap(*getView(store.getDest()), groupRows));
  if (plan.schedule.persistent)
    parameters.push_back(b.getDictionaryAttr({kind("counter")}));
  return b.getDictionaryAttr(
      {named("parameters", b.getArrayAttr(parameters)),
       named("threads", b.getI64IntegerAttr(plan.threads())),
       named("shared_bytes", b.getI64IntegerAttr(plan.memory.bytes)),
       named("persistent", b.getBoolAttr(plan.schedule.persistent))});
}

DictionaryAttr getLaunchInfo(Plan &plan) { return LaunchInfo(plan).get(); }

} // namespace attn::hopper
