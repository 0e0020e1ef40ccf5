//===- Cleanup.cpp - Simplification between passes ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What upstream has a pass each for, minus one pattern: together they are
// verified once, and not at all where they change nothing.
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Passes.h"

#include "mlir/IR/Dominance.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace {
class CleanUp final : public PassWrapper<CleanUp, OperationPass<>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CleanUp)

  explicit CleanUp(bool hoists) : hoists(hoists) {}

  StringRef getName() const override { return "CleanUp"; }
  /// For reports.
  StringRef getArgument() const override { return "clean-up"; }

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet all(context);
    for (Dialect *dialect : context->getLoadedDialects())
      dialect->getCanonicalizationPatterns(all);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      op.getCanonicalizationPatterns(all, context);
    patterns = std::make_shared<FrozenRewritePatternSet>(
        std::move(all),
        /*disabledPatternLabels=*/ArrayRef<std::string>{
            "(anonymous namespace)::ForallOpSingleOrZeroIterationDimsFolder"});
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig once;
    once.setMaxIterations(1);
    once.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    // One iteration is not all there is to do.
    bool isSimplified = false, isShared = false;
    (void)applyPatternsGreedily(getOperation(), *patterns, once, &isSimplified);
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation(),
                                  &isShared);
    size_t moved = 0;
    if (hoists)
      getOperation()->walk([&](LoopLikeOpInterface loop) {
        moved += moveLoopInvariantCode(loop);
      });
    if (!isSimplified && !isShared && !moved)
      markAllAnalysesPreserved();
  }

private:
  bool hoists;
  std::shared_ptr<const FrozenRewritePatternSet> patterns;
};
} // namespace

void attn::addCleanup(OpPassManager &pm) {
  pm.addPass(std::make_unique<CleanUp>(/*hoists=*/false));
}

void attn::addCleanupAndHoisting(OpPassManager &pm) {
  pm.addPass(std::make_unique<CleanUp>(/*hoists=*/true));
}
