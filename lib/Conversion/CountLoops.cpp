//===- CountLoops.cpp - tile-count-loops ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops that run a constant number of times count from 0 in steps of 1, so that
// compilers of shaders see how often, and which indices follow.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_COUNTLOOPS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {
/// How often a loop runs, of all threads the one with most; the others skip
/// what is past the bound.
struct Count {
  scf::ForOp loop;
  int64_t times;
  bool isUneven;
};

/// Nothing where the loop counts already, or nobody knows how often it runs.
std::optional<Count> count(scf::ForOp loop, attn::IndexRanges &ranges) {
  std::optional<int64_t> step = getConstantIntValue(loop.getStep()),
                         bound = getConstantIntValue(loop.getUpperBound());
  if (!step || !bound || *step < 1 ||
      (*step == 1 && getConstantIntValue(loop.getLowerBound())))
    return std::nullopt;
  ConstantIntRanges first = ranges.rangeOf(loop.getLowerBound());
  int64_t least = first.smin().getSExtValue(),
          most = first.smax().getSExtValue();
  if (least < 0 || most >= *bound || most - least >= *step)
    return std::nullopt;
  int64_t times = llvm::divideCeilSigned(*bound - least, *step);
  bool isUneven = llvm::divideCeilSigned(*bound - most, *step) != times;
  if (isUneven && loop.getNumResults())
    return std::nullopt;
  return Count{loop, times, isUneven};
}

void rewrite(const Count &count) {
  scf::ForOp loop = count.loop;
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value first = loop.getLowerBound(), step = loop.getStep(),
        bound = loop.getUpperBound();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b,
                                     b.getIntegerAttr(step.getType(), value));
  };
  loop.setLowerBound(constant(0));
  loop.setUpperBound(constant(count.times));
  loop.setStep(constant(1));
  Block *body = loop.getBody();
  b.setInsertionPointToStart(body);
  Value number = loop.getInductionVar();
  Value scaled = b.createOrFold<arith::MulIOp>(number, step);
  Value value = b.createOrFold<arith::AddIOp>(scaled, first);
  number.replaceUsesWithIf(value, [&](OpOperand &use) {
    return use.getOwner() != scaled.getDefiningOp() &&
           use.getOwner() != value.getDefiningOp();
  });
  loop->setLoc(NameLoc::get(b.getStringAttr("turn"), loop.getLoc()));
  if (!count.isUneven)
    return;
  Value isInside =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, bound);
  auto branch = scf::IfOp::create(b, isInside);
  branch.thenBlock()->getOperations().splice(
      branch.thenBlock()->begin(), body->getOperations(),
      std::next(branch->getIterator()), body->getTerminator()->getIterator());
}

struct CountLoops final : attn::impl::CountLoopsBase<CountLoops> {
  void runOnOperation() override {
    SmallVector<Count> counts;
    attn::IndexRanges ranges;
    getOperation()->walk([&](scf::ForOp loop) {
      if (std::optional<Count> found = count(loop, ranges))
        counts.push_back(*found);
    });
    llvm::for_each(counts, rewrite);
    numLoops += counts.size();
    if (counts.empty())
      markAllAnalysesPreserved();
  }
};
} // namespace
