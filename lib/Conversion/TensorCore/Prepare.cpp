//===- Prepare.cpp - Kernels as tensor-core lowerings want them -----------===//
//
// Merges bounds, flattens guards, expands what convert-arith-to-llvm lacks.
//
//===----------------------------------------------------------------------===//

#include "Prepare.h"

#include "dialects/Tile/Tile.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace attn::tensorcore {

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

  /// One compare for two, null if there is none.
  static Value merge(Value left, Value right, Location loc,
                     PatternRewriter &rewriter) {
    auto first = left.getDefiningOp<arith::CmpIOp>();
    auto second = right.getDefiningOp<arith::CmpIOp>();
    // Indices are far from where adding 1 would wrap.
    if (!first || !second || first.getLhs() != second.getLhs() ||
        !first.getLhs().getType().isIndex())
      return Value();
    std::optional<Bound> a = getBound(first), b = getBound(second);
    if (!a || !b || a->isUpper != b->isUpper)
      return Value();
    auto value = [&](const Bound &bound) -> Value {
      if (bound.offset == 0)
        return bound.bound;
      Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
      if (bound.offset < 0)
        return arith::SubIOp::create(rewriter, loc, bound.bound, one);
      return arith::AddIOp::create(rewriter, loc, bound.bound, one);
    };
    Value x = value(*a), y = value(*b);
    Value both = a->isUpper
                     ? arith::MinSIOp::create(rewriter, loc, x, y).getResult()
                     : arith::MaxSIOp::create(rewriter, loc, x, y).getResult();
    return arith::CmpIOp::create(rewriter, loc,
                                 a->isUpper ? arith::CmpIPredicate::sle
                                            : arith::CmpIPredicate::sge,
                                 first.getLhs(), both);
  }

  LogicalResult matchAndRewrite(arith::AndIOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (Value both = merge(op.getLhs(), op.getRhs(), loc, rewriter)) {
      rewriter.replaceOp(op, both);
      return success();
    }
    // Or one with a part of the other, which may be a conjunction, too.
    for (auto [whole, parts] : {std::pair(op.getLhs(), op.getRhs()),
                                std::pair(op.getRhs(), op.getLhs())}) {
      auto inner = parts.getDefiningOp<arith::AndIOp>();
      if (!inner)
        continue;
      for (auto [part, rest] : {std::pair(inner.getLhs(), inner.getRhs()),
                                std::pair(inner.getRhs(), inner.getLhs())})
        if (Value both = merge(whole, part, loc, rewriter)) {
          rewriter.replaceOpWithNewOp<arith::AndIOp>(op, both, rest);
          return success();
        }
    }
    return failure();
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

void prepareKernel(func::FuncOp kernel) {
  flattenGuard(kernel);
  // convert-arith-to-llvm knows no rounding division; arith-expand would also
  // expand the floating-point maxima, which are single instructions here.
  RewritePatternSet patterns(kernel.getContext());
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  patterns.add<MergeBounds>(kernel.getContext());
  (void)applyPatternsGreedily(kernel, std::move(patterns));
}
} // namespace

/// Summaries of captured tables, the combination of partial results and the
/// like are no work for tensor cores.
static bool isForTensorCores(func::FuncOp kernel) {
  constexpr int64_t fewestRows = 16;
  return kernel
      .walk([](tile::DotOp dot) {
        return dot.getType().getRows() < fewestRows ? WalkResult::advance()
                                                    : WalkResult::interrupt();
      })
      .wasInterrupted();
}

void lowerKernels(ModuleOp module, StringRef target, LowerKernel lower) {
  for (auto kernel :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
    if (!kernel->hasAttr("tile.kernel") || !isForTensorCores(kernel))
      continue;
    // What is not taken stays as it was.
    OwningOpRef<func::FuncOp> copy = kernel.clone();
    prepareKernel(*copy);
    Emitter emit(kernel.getLoc(), kernel.getContext());
    emit.setInsertionPoint(kernel);
    auto gpuModule = gpu::GPUModuleOp::create(emit, kernel.getName());
    emit.setInsertionPointToStart(gpuModule.getBody());
    std::string why;
    if (succeeded(lower(*copy, emit, why))) {
      kernel.erase();
      continue;
    }
    gpuModule.erase();
    kernel.emitRemark("not lowered to ") << target << ": " << why;
  }
}

} // namespace attn::tensorcore
