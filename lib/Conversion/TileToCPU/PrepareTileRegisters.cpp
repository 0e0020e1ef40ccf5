//===- PrepareTileRegisters.cpp - What suits registers of tiles -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels that tile-to-cpu computes in tile registers have a strip of rows at a
// time, whose statistics would wait for each other in every key tile: maxima
// move when they are outgrown, and sums stay apart by lanes until after the
// loop.
//
//===----------------------------------------------------------------------===//

#include "../RunWhere.h"
#include "KernelLowering.h"

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Conversion/TileToCPU.h"
#include "attn/Dialect/Tile/AttributeNames.h"

using namespace mlir;
using namespace attn;

/// Whether tile-to-cpu has the kernel's products in tile registers, strip by
/// strip.
static bool hasStrips(func::FuncOp kernel) {
  auto target = tile::TargetAttr::lookup(kernel);
  auto hasManyRows = [](tile::DotOp dot) {
    return dot.getA().getType().getRows() > cpu::kRegisterRows
               ? WalkResult::advance()
               : WalkResult::interrupt();
  };
  return target && target.has(tile::MatrixUnits::Amx) &&
         kernel->hasAttr(tile::kKernelAttrName) && fitsTileRegisters(kernel) &&
         !kernel.walk(hasManyRows).wasInterrupted();
}

void attn::addTileRegisterPasses(OpPassManager &kernels) {
  DeferSumsOptions sums;
  LazyMaximaOptions maxima;
  sums.columns = maxima.columns = cpu::kRegisterRows;
  OpPassManager registers(func::FuncOp::getOperationName());
  registers.addPass(createDeferSums(sums));
  registers.addPass(createLazyMaxima(maxima));
  kernels.addPass(std::make_unique<RunWhere<func::FuncOp>>(
      "PrepareTileRegisters", hasStrips, std::move(registers)));
}
