//===- Cleanup.cpp - Simplification between passes ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's passes, minus one pattern.
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void attn::addCleanup(OpPassManager &pm) {
  GreedyRewriteConfig once;
  once.setMaxIterations(1);
  once.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  pm.addPass(createCanonicalizerPass(
      once,
      {"(anonymous namespace)::ForallOpSingleOrZeroIterationDimsFolder"}));
  pm.addPass(createCSEPass());
}
