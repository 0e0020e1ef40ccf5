//===- PrepareMatrices.cpp - What matrix units need of kernels ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes in front of tile-assign-layouts, for kernels that matrix units will
// compute and for no others: which these are is known kernel by kernel.
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"
#include "RunWhere.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Transforms/Passes.h"

using namespace mlir;
using namespace attn;

void attn::addMatrixPasses(OpPassManager &kernels) {
  OpPassManager matrices(func::FuncOp::getOperationName());
  matrices.addPass(createSinkScale());
  matrices.addPass(createContractExp2());
  matrices.addPass(createDeferSums());
  matrices.addPass(createLazyMaxima());
  kernels.addPass(createPadTiles());
  kernels.addPass(std::make_unique<RunWhere<func::FuncOp>>(
      "PrepareMatrices",
      [](func::FuncOp kernel) { return findMatrices(kernel).has_value(); },
      std::move(matrices)));
}
