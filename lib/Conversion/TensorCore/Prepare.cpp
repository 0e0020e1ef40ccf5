//===- Prepare.cpp - The frame of tensor-core lowerings -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A gpu.module for each kernel that is taken.
//
//===----------------------------------------------------------------------===//

#include "Prepare.h"

#include "../MatrixKernels.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace attn::tensorcore {

void lowerKernels(ModuleOp module, StringRef target, LowerKernel lower) {
  for (func::FuncOp kernel : getMatrixKernels(module)) {
    Emitter emit(kernel.getLoc(), kernel.getContext());
    emit.setInsertionPoint(kernel);
    auto gpuModule = gpu::GPUModuleOp::create(emit, kernel.getName());
    emit.setInsertionPointToStart(gpuModule.getBody());
    std::string why;
    if (succeeded(lower(kernel, emit, why))) {
      auto name = FlatSymbolRefAttr::get(kernel.getSymNameAttr());
      tile::retargetLaunches(
          module, name, SymbolRefAttr::get(gpuModule.getSymNameAttr(), name));
      kernel.erase();
      continue;
    }
    gpuModule.erase();
    kernel.emitRemark("not lowered to ") << target << ": " << why;
  }
}

} // namespace attn::tensorcore
