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
/// x < a and x <= b is x <= min(a - 1, b), likewise for lower bounds: a row's
/// bound is computed once, a compare an element is saved.
struct MergeBounds final : OpRewritePattern<arith::AndIOp> {
  using OpRewritePattern::OpRewritePattern;

  /// x <= bound (isUpper), or x >= bound.
  struct Bound {
    bool isUpper;
    Value bound;
    int64_t offset; // what to add to it
  };

  static std::optional<Bound> getBound(arith::CmpIOp compare) {
    switch (compare.getPredicate()) {
    case arith::CmpIPredicate::sle:
      return Bound{true, compare.getRhs(), 0};
    case arith::CmpIPredicate::slt:
      return Bound{true, compare.getRhs(), -1};
    case arith::CmpIPredicate::sge:
      return Bound{false, compare.getRhs(), 0};
    case arith::CmpIPredicate::sgt:
      return Bound{false, compare.getRhs(), 1};
    default:
      return std::nullopt;
    }
  }

  LogicalResult matchAndRewrite(arith::AndIOp op,
                                PatternRewriter &rewriter) const override {
    auto first = op.getLhs().getDefiningOp<arith::CmpIOp>();
    auto second = op.getRhs().getDefiningOp<arith::CmpIOp>();
    // Indices are far from where adding 1 would wrap.
    if (!first || !second || first.getLhs() != second.getLhs() ||
        !first.getLhs().getType().isIndex())
      return failure();
    std::optional<Bound> a = getBound(first), b = getBound(second);
    if (!a || !b || a->isUpper != b->isUpper)
      return failure();
    auto value = [&](const Bound &bound) -> Value {
      if (bound.offset == 0)
        return bound.bound;
      Value one = arith::ConstantIndexOp::create(rewriter, op.getLoc(), 1);
      if (bound.offset < 0)
        return arith::SubIOp::create(rewriter, op.getLoc(), bound.bound, one);
      return arith::AddIOp::create(rewriter, op.getLoc(), bound.bound, one);
    };
    Value x = value(*a), y = value(*b);
    Value both =
        a->isUpper
            ? arith::MinSIOp::create(rewriter, op.getLoc(), x, y).getResult()
            : arith::MaxSIOp::create(rewriter, op.getLoc(), x, y).getResult();
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(
        op, a->isUpper ? arith::CmpIPredicate::sle : arith::CmpIPredicate::sge,
        first.getLhs(), both);
    return success();
  }
};

/// A kernel that is empty where its query tile lies behind a sequence's end
/// becomes one whose loop is empty there: no row is valid, so the stores that
/// follow write nothing.
void flattenGuard(func::FuncOp kernel) {
  SmallVector<scf::IfOp> guards(kernel.getOps<scf::IfOp>());
  if (guards.size() != 1 || guards[0].getNumResults() != 0 ||
      guards[0].elseBlock())
    return;
  scf::IfOp guard = guards[0];
  for (scf::ForOp loop : guard.thenBlock()->getOps<scf::ForOp>()) {
    OpBuilder builder(loop);
    loop.setUpperBound(
        arith::SelectOp::create(builder, loop.getLoc(), guard.getCondition(),
                                loop.getUpperBound(), loop.getLowerBound()));
  }
  for (Operation &op :
       llvm::make_early_inc_range(guard.thenBlock()->without_terminator()))
    op.moveBefore(guard);
  guard.erase();
}

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
    // What is not taken stays as it was.
    OwningOpRef<func::FuncOp> copy = kernel.clone();
    flattenGuard(*copy);
    // convert-arith-to-llvm knows no rounding division; arith-expand would also
    // expand the floating-point maxima, which are single instructions here.
    RewritePatternSet patterns(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    patterns.add<MergeBounds>(&getContext());
    (void)applyPatternsGreedily(*copy, std::move(patterns));

    hopper::Schedule schedule;
    schedule.oneBehind = oneBehind;
    schedule.pingPong = pingPong;
    schedule.persistent = persistent;
    schedule.longestFirst = longestFirst;
    schedule.tmaStore = tmaStore;
    schedule.stages = stages;
    schedule.headGroup = headGroup;
    std::string why;
    FailureOr<hopper::Plan> plan = hopper::makePlan(*copy, schedule, why);
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
