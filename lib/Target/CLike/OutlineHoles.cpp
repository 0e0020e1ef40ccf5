//===- OutlineHoles.cpp - tile-outline-holes ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Holes become calls of functions, which printers mark.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Hole.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace attn {
#define GEN_PASS_DEF_OUTLINEHOLES
#include "attn/Target/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The function of an unfilled hole.
static func::FuncOp createFunction(HoleOp hole, OpBuilder builder) {
  Location loc = hole.getLoc();
  auto function = func::FuncOp::create(
      builder, loc, hole.getFunction(),
      builder.getFunctionType(hole.getOperandTypes(), hole->getResultTypes()));
  function.setPrivate();
  function->setAttr(kHoleAttrName, builder.getUnitAttr());
  for (auto [k, name] : llvm::enumerate(hole.getParameters()))
    function.setArgAttr(k, kArgumentNameAttr, name);
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  Value result =
      hole.getResult().getType().isInteger(1)
          ? arith::ConstantIntOp::create(builder, loc, 1, 1).getResult()
          : block->getArgument(0);
  func::ReturnOp::create(builder, loc, result);
  return function;
}

/// Whether `function` is that of another hole with the same parameters.
static bool isSame(func::FuncOp function, HoleOp hole) {
  if (!function || !function->hasAttr(kHoleAttrName) ||
      TypeRange(function.getArgumentTypes()) != hole.getOperandTypes() ||
      TypeRange(function.getResultTypes()) != hole->getResultTypes())
    return false;
  for (auto [k, name] : llvm::enumerate(hole.getParameters()))
    if (function.getArgAttr(k, kArgumentNameAttr) != name)
      return false;
  return true;
}

namespace {
struct OutlineHoles final : attn::impl::OutlineHolesBase<OutlineHoles> {
  using OutlineHolesBase::OutlineHolesBase;

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    SmallVector<HoleOp> holes;
    module.walk([&](HoleOp hole) { holes.push_back(hole); });
    if (holes.empty())
      return markAllAnalysesPreserved();
    // Ahead of the kernels, in the order of their first uses.
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    for (HoleOp hole : holes) {
      Operation *known = module.lookupSymbol(hole.getFunction());
      auto function = dyn_cast_if_present<func::FuncOp>(known);
      if (known && !isSame(function, hole)) {
        hole.emitOpError("calls '")
            << hole.getFunction() << "', which is "
            << (function && function->hasAttr(kHoleAttrName)
                    ? "a hole with other parameters"
                    : "no hole");
        return signalPassFailure();
      }
      if (!function) {
        function = createFunction(hole, top);
        top.setInsertionPointAfter(function);
        ++numHoles;
      }
      OpBuilder builder(hole);
      auto call = func::CallOp::create(builder, hole.getLoc(), function,
                                       hole.getOperands());
      hole->replaceAllUsesWith(call);
      hole.erase();
    }
  }
};
} // namespace
