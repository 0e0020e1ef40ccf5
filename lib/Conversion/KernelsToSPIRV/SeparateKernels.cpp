//===- SeparateKernels.cpp - separate-kernels -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A GPU module for each kernel: what a driver compiles at a time is then what a
// launch runs.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/KernelsToSPIRV.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/SymbolTable.h"

namespace attn {
#define GEN_PASS_DEF_SEPARATEKERNELS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

/// Moves all kernels of `kernels` but the first to new modules behind it; says
/// whether there were others.
static bool separate(gpu::GPUModuleOp kernels, SymbolTable &symbols) {
  gpu::GPUModuleOp last = kernels;
  SmallVector<gpu::GPUFuncOp> functions =
      llvm::to_vector(kernels.getOps<gpu::GPUFuncOp>());
  if (functions.empty())
    return false;
  for (gpu::GPUFuncOp kernel : llvm::drop_begin(functions)) {
    auto name = FlatSymbolRefAttr::get(kernel.getNameAttr());
    auto from = SymbolRefAttr::get(kernels.getNameAttr(), name);
    auto module = cast<gpu::GPUModuleOp>(kernels->cloneWithoutRegions());
    module.getBodyRegion().emplaceBlock();
    symbols.insert(module, std::next(last->getIterator()));
    kernel->moveBefore(module.getBody(), module.getBody()->end());
    attn::tile::retargetLaunches(
        symbols.getOp(), from, SymbolRefAttr::get(module.getNameAttr(), name));
    last = module;
  }
  return last != kernels;
}

namespace {
struct SeparateKernels final
    : attn::impl::SeparateKernelsBase<SeparateKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    bool changed = false;
    for (auto kernels :
         llvm::to_vector(getOperation().getOps<gpu::GPUModuleOp>()))
      changed |= separate(kernels, symbols);
    if (!changed)
      markAllAnalysesPreserved();
  }
};
} // namespace
