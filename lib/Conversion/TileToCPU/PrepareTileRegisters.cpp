//===- PrepareTileRegisters.cpp - What suits registers of tiles -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels that tile-to-cpu computes in tile registers have a strip of rows at a
// time, whose statistics would wait for each other in every key tile: maxima
// move when they are outgrown, and sums stay apart by lanes until after the
// loop.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Conversion/TileToCPU.h"
#include "attn/Dialect/Tile/AttributeNames.h"

using namespace mlir;
using namespace attn;

namespace {
/// Runs its passes on kernels in tile registers, and leaves others.
class PrepareTileRegisters
    : public PassWrapper<PrepareTileRegisters, OperationPass<func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PrepareTileRegisters)

  PrepareTileRegisters() { build(); }
  PrepareTileRegisters(const PrepareTileRegisters &other)
      : PassWrapper<PrepareTileRegisters, OperationPass<func::FuncOp>>(other) {
    build();
  }

  StringRef getName() const override { return "PrepareTileRegisters"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    pipeline.getDependentDialects(registry);
  }
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    auto target = tile::TargetAttr::lookup(kernel);
    auto hasManyRows = [](tile::DotOp dot) {
      return dot.getA().getType().getRows() > cpu::kRegisterRows
                 ? WalkResult::advance()
                 : WalkResult::interrupt();
    };
    if (!target || !target.has(tile::MatrixUnits::Amx) ||
        !kernel->hasAttr(tile::kKernelAttrName) || !fitsTileRegisters(kernel) ||
        kernel.walk(hasManyRows).wasInterrupted())
      return;
    if (failed(runPipeline(pipeline, kernel)))
      signalPassFailure();
  }

private:
  void build() {
    DeferSumsOptions sums;
    LazyMaximaOptions maxima;
    sums.columns = maxima.columns = cpu::kRegisterRows;
    pipeline.addPass(createDeferSums(sums));
    pipeline.addPass(createLazyMaxima(maxima));
  }

  OpPassManager pipeline{func::FuncOp::getOperationName()};
};
} // namespace

void attn::addTileRegisterPasses(OpPassManager &kernels) {
  kernels.addPass(std::make_unique<PrepareTileRegisters>());
}
