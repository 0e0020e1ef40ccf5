//===- PrepareMatrices.cpp - What matrix units need of kernels ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes in front of tile-assign-layouts, for kernels that matrix units will
// compute and for no others: which these are is known kernel by kernel.
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace attn;

namespace {
class PrepareMatrices final
    : public PassWrapper<PrepareMatrices, OperationPass<func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PrepareMatrices)

  PrepareMatrices() { build(); }
  PrepareMatrices(const PrepareMatrices &other)
      : PassWrapper<PrepareMatrices, OperationPass<func::FuncOp>>(other) {
    build();
  }

  StringRef getName() const override { return "PrepareMatrices"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    pipeline.getDependentDialects(registry);
  }
  void runOnOperation() override {
    if (findMatrices(getOperation()) &&
        failed(runPipeline(pipeline, getOperation())))
      signalPassFailure();
  }

private:
  void build() {
    pipeline.addPass(createSinkScale());
    pipeline.addPass(createContractExp2());
    pipeline.addPass(createDeferSums());
    pipeline.addPass(createLazyMaxima());
  }

  OpPassManager pipeline{func::FuncOp::getOperationName()};
};
} // namespace

void attn::addMatrixPasses(OpPassManager &kernels) {
  kernels.addPass(createPadTiles());
  kernels.addPass(std::make_unique<PrepareMatrices>());
}
