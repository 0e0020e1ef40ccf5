//===- TileToHopper.cpp - Lower tile kernels to Hopper --------------------===//
//
// Replaces each `tile.kernel` function that fits by a gpu.module with one
// warp-specialised kernel. What does not fit is left for the general GPU
// lowering, with a remark that says why.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "attn/Conversion/Passes.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_TILETOHOPPER
#include "attn/Conversion/Passes.h.inc"

namespace {
class TileToHopper final : public impl::TileToHopperBase<TileToHopper> {
public:
  using TileToHopperBase::TileToHopperBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto kernel :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (kernel->hasAttr("tile.kernel"))
        lower(kernel);
  }

private:
  void lower(func::FuncOp kernel) {
    // Summaries of captured tables and the like are no work for tensor cores.
    if (!kernel.walk([](tile::DotOp) { return WalkResult::interrupt(); })
             .wasInterrupted())
      return;
    // convert-arith-to-llvm knows neither; arith-expand would also expand the
    // floating-point maxima, which are single instructions here.
    RewritePatternSet patterns(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    (void)applyPatternsGreedily(kernel, std::move(patterns));

    hopper::Schedule schedule;
    schedule.oneBehind = oneBehind;
    schedule.pingPong = pingPong;
    schedule.persistent = persistent;
    schedule.longestFirst = longestFirst;
    schedule.tmaStore = tmaStore;
    schedule.stages = stages;
    schedule.headGroup = headGroup;
    std::string why;
    FailureOr<hopper::Plan> plan = hopper::makePlan(kernel, schedule, why);
    if (failed(plan)) {
      kernel.emitRemark("not lowered to Hopper's tensor cores: ") << why;
      return;
    }
    hopper::Emitter emit(kernel.getLoc(), &getContext());
    emit.setInsertionPoint(kernel);
    auto gpuModule = gpu::GPUModuleOp::create(emit, kernel.getName());
    emit.setInsertionPointToStart(gpuModule.getBody());
    hopper::KernelEmitter(emit, *plan).run();
    kernel.erase();
  }
};
} // namespace
} // namespace attn
