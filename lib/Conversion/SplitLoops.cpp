//===- SplitLoops.cpp - tile-split-loops ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first iterations of a loop, for which tiles are whole and nothing is
// masked, become a loop of their own: no branch asks there, and what the other
// branches need takes no registers.
//
//===----------------------------------------------------------------------===//

#include "LoopSlice.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace attn {
#define GEN_PASS_DEF_SPLITLOOPS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// How many of a loop's first iterations conditions hold for. Nothing is made
/// until the number is asked for.
class Leading {
public:
  explicit Leading(scf::ForOp loop) : loop(loop), b(loop.getLoc(), loop) {}

  /// Takes a condition into account; false if it cannot tell of it.
  bool add(Value condition);
  /// `left` <= `right`.
  bool addAtMost(OpFoldResult left, Value right);
  /// That memory has rows of whole pieces.
  void addAligned(Value memory) {
    terms.push_back({TermKind::Aligned, memory});
  }

  /// Makes the number of the first iteration for which one does not hold.
  Value makeEnd();

private:
  enum class TermKind { Growing, Unchanged, Invariant, Aligned };
  struct Term {
    TermKind kind;
    /// The condition or the memory, or `left` < `value` + `slack`, of which the
    /// difference shrinks by `growth` with each iteration.
    Value value;
    OpFoldResult left = {};
    int64_t slack = 0, growth = 0;
  };

  std::optional<int64_t> getCoefficient(OpFoldResult operand);
  std::optional<int64_t> getConstantAtZero(OpFoldResult operand);
  Value getAtZero(OpFoldResult operand);
  Value makeIndex(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  bool addCompare(arith::CmpIOp compare);
  bool addBelow(OpFoldResult left, Value right, int64_t slack);
  Value makeTerm(const Term &term, Value end);

  scf::ForOp loop;
  ImplicitLocOpBuilder b;
  SmallVector<Term> terms;
  IRMapping atZero;
};

class LoopSplitter {
public:
  explicit LoopSplitter(scf::ForOp loop) : loop(loop) {}
  bool run();

private:
  void simplify();
  Value askFor(ImplicitLocOpBuilder &b, Value waiting, Value at);
  void putRestBehind(Value end);
  void putRestInFront(Value end);

  scf::ForOp loop;
  /// What an iteration of the first loop does not ask.
  SmallVector<scf::IfOp> taken;
  SmallVector<LoadOp> whole;
};

} // namespace

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// By how much `operand` grows with each iteration; none where that is no
/// constant.
std::optional<int64_t> Leading::getCoefficient(OpFoldResult operand) {
  auto value = dyn_cast<Value>(operand);
  if (!value || loop.isDefinedOutsideOfLoop(value))
    return 0;
  if (value == loop.getInductionVar())
    return 1;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody() || !isPure(op) ||
      op->getNumRegions())
    return std::nullopt;
  SmallVector<int64_t> ofOperands;
  for (Value other : op->getOperands()) {
    std::optional<int64_t> known = getCoefficient(other);
    if (!known)
      return std::nullopt;
    ofOperands.push_back(*known);
  }
  if (isa<arith::AddIOp>(op))
    return ofOperands[0] + ofOperands[1];
  if (isa<arith::SubIOp>(op))
    return ofOperands[0] - ofOperands[1];
  if (llvm::all_of(ofOperands, [](int64_t number) { return number == 0; }))
    return 0;
  APInt factor;
  if (isa<arith::MulIOp>(op) &&
      matchPattern(op->getOperand(1), m_ConstantInt(&factor)))
    return ofOperands[0] * factor.getSExtValue();
  return std::nullopt;
}

/// What `operand` would be in iteration 0, if that is a constant.
std::optional<int64_t> Leading::getConstantAtZero(OpFoldResult operand) {
  if (std::optional<int64_t> known = getConstantIntValue(operand))
    return known;
  auto value = dyn_cast<Value>(operand);
  if (value == loop.getInductionVar())
    return 0;
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return std::nullopt;
  std::optional<int64_t> left = getConstantAtZero(op->getOperand(0)),
                         right = getConstantAtZero(op->getOperand(1));
  if (!left || !right)
    return std::nullopt;
  return isa<arith::AddIOp>(op)   ? *left + *right
         : isa<arith::SubIOp>(op) ? *left - *right
                                  : *left * *right;
}

/// What `operand` would be in iteration 0, in front of the loop.
Value Leading::getAtZero(OpFoldResult operand) {
  if (auto constant = dyn_cast<Attribute>(operand))
    return makeIndex(*getConstantIntValue(constant));
  auto value = cast<Value>(operand);
  if (value == loop.getInductionVar())
    return makeIndex(0);
  if (loop.isDefinedOutsideOfLoop(value))
    return value;
  if (Value known = atZero.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value other : op->getOperands())
    atZero.map(other, getAtZero(other));
  Operation *cloned = b.clone(*op, atZero);
  SmallVector<Value> folded;
  if (succeeded(b.tryFold(cloned, folded)) && !folded.empty()) {
    atZero.map(op->getResults(), folded);
    cloned->erase();
  }
  return atZero.lookup(value);
}

/// `left` < `right` + `slack`.
bool Leading::addBelow(OpFoldResult left, Value right, int64_t slack) {
  std::optional<int64_t> ofLeft = getCoefficient(left),
                         ofRight = getCoefficient(right);
  if (!ofLeft || !ofRight)
    return false;
  int64_t growth = *ofLeft - *ofRight;
  if (growth < 0) {
    // It begins to hold with some iteration: the first one, or it is no use.
    std::optional<int64_t> leftAtZero = getConstantAtZero(left),
                           rightAtZero = getConstantAtZero(right);
    return leftAtZero && rightAtZero && *leftAtZero < *rightAtZero + slack;
  }
  terms.push_back({growth ? TermKind::Growing : TermKind::Unchanged, right,
                   left, slack, growth});
  return true;
}

bool Leading::addCompare(arith::CmpIOp compare) {
  Value left = compare.getLhs(), right = compare.getRhs();
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::slt:
    return addBelow(left, right, 0);
  case arith::CmpIPredicate::sle:
    return addBelow(left, right, 1);
  case arith::CmpIPredicate::sgt:
    return addBelow(right, left, 0);
  case arith::CmpIPredicate::sge:
    return addBelow(right, left, 1);
  default:
    return false;
  }
}

bool Leading::addAtMost(OpFoldResult left, Value right) {
  return addBelow(left, right, 1);
}

bool Leading::add(Value condition) {
  if (loop.isDefinedOutsideOfLoop(condition)) {
    terms.push_back({TermKind::Invariant, condition});
    return true;
  }
  if (auto both = condition.getDefiningOp<arith::AndIOp>()) {
    size_t before = terms.size();
    if (add(both.getLhs()) && add(both.getRhs()))
      return true;
    terms.resize(before, {TermKind::Invariant, Value()});
    return false;
  }
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  return compare && addCompare(compare);
}

/// Where `end` is without a term, this is where it is with it.
Value Leading::makeTerm(const Term &term, Value end) {
  Value holds = term.value;
  if (term.kind == TermKind::Aligned)
    holds = AlignedOp::create(b, term.value);
  if (term.kind == TermKind::Growing || term.kind == TermKind::Unchanged) {
    Value room = b.createOrFold<arith::SubIOp>(getAtZero(term.value),
                                               getAtZero(term.left));
    if (term.kind == TermKind::Growing) {
      // Rounded up, of whatever sign.
      Value sum = b.createOrFold<arith::AddIOp>(
          room, makeIndex(term.slack + term.growth - 1));
      Value first =
          b.createOrFold<arith::FloorDivSIOp>(sum, makeIndex(term.growth));
      return arith::MinSIOp::create(b, end, first);
    }
    holds = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sgt, room,
                                          makeIndex(-term.slack));
  }
  return matchPattern(holds, m_One())
             ? end
             : arith::SelectOp::create(b, holds, end, loop.getLowerBound());
}

Value Leading::makeEnd() {
  Value end = loop.getUpperBound();
  for (const Term &term : terms)
    end = makeTerm(term, end);
  return b.createOrFold<arith::MaxSIOp>(end, loop.getLowerBound());
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// What the loop does not ask any more.
void LoopSplitter::simplify() {
  for (LoadOp load : whole) {
    OpBuilder b(load);
    load.getValidMutable()[0].set(arith::ConstantIndexOp::create(
        b, load.getLoc(), load.getType().getRows()));
    load.setWhole(true);
  }
  for (scf::IfOp branch : taken) {
    Block *then = branch.thenBlock();
    Operation *yield = then->getTerminator();
    branch->getBlock()->getOperations().splice(
        branch->getIterator(), then->getOperations(), then->begin(),
        yield->getIterator());
    branch->replaceAllUsesWith(yield->getOperands());
    branch->erase();
  }
}

/// What iteration `at` asks for, in front of the loop.
Value LoopSplitter::askFor(ImplicitLocOpBuilder &b, Value waiting, Value at) {
  FailureOr<SmallVector<Operation *>> slice = getLoopSlice(loop, waiting);
  assert(succeeded(slice) && "has regions of several blocks");
  IRMapping mapping;
  mapping.map(loop.getInductionVar(), at);
  for (Operation *op : *slice)
    b.clone(*op, mapping);
  return mapping.lookup(waiting);
}

/// Iterations from `end` on come in a loop behind.
void LoopSplitter::putRestBehind(Value end) {
  OpBuilder b(loop->getContext());
  b.setInsertionPointAfter(loop);
  auto rest = cast<scf::ForOp>(b.clone(*loop));
  loop->replaceAllUsesWith(rest->getResults());
  rest.setLowerBound(end);
  rest.getInitArgsMutable().assign(loop.getResults());
}

/// They come first: what they need is gone when the others begin. Both loops
/// begin with an iteration for which nobody has asked.
void LoopSplitter::putRestInFront(Value end) {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto rest = cast<scf::ForOp>(b.clone(*loop));
  rest.setLowerBound(end);
  SmallVector<Value> inits(rest.getResults());
  for (auto [number, yielded] : llvm::enumerate(loop.getYieldedValues())) {
    auto load = yielded.getDefiningOp<LoadOp>();
    if (!load || !isa_and_nonnull<PiecesAttr>(load.getType().getLayout()))
      continue;
    for (scf::ForOp asking : {rest, loop}) {
      b.setInsertionPoint(asking);
      Value before = arith::SubIOp::create(b, asking.getLowerBound(), one);
      Value asked = askFor(b, load, before);
      if (asking == rest)
        rest.getInitArgsMutable()[number].set(asked);
      else
        inits[number] = asked;
    }
  }
  loop.getInitArgsMutable().assign(inits);
}

bool LoopSplitter::run() {
  if (!matchPattern(loop.getStep(), m_One()))
    return false;
  Leading leading(loop);
  Builder b(loop.getContext());
  for (Operation &op : *loop.getBody()) {
    if (auto load = dyn_cast<LoadOp>(op); load && load.getPrefetched()) {
      if (!leading.addAtMost(b.getIndexAttr(load.getType().getRows()),
                             load.getValid()[0]))
        continue;
      leading.addAligned(load.getSource());
      whole.push_back(load);
    } else if (auto branch = dyn_cast<scf::IfOp>(op);
               branch && branch.getNumResults() &&
               leading.add(branch.getCondition())) {
      taken.push_back(branch);
    }
  }
  if (whole.empty())
    return false;
  Value end = leading.makeEnd();
  if (loop->hasAttr(kUnorderedAttrName))
    putRestInFront(end);
  else
    putRestBehind(end);
  loop.setUpperBound(end);
  simplify();
  return true;
}

namespace {
struct SplitLoops final : attn::impl::SplitLoopsBase<SplitLoops> {
  using SplitLoopsBase::SplitLoopsBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    SmallVector<scf::ForOp> loops;
    kernel.walk([&](scf::ForOp loop) {
      if (llvm::any_of(loop.getBody()->getOps<LoadOp>(),
                       [](LoadOp load) { return bool(load.getPrefetched()); }))
        loops.push_back(loop);
    });
    if (loops.empty())
      return markAllAnalysesPreserved();
    bool splits = decide(split, kernel, &ScheduleAttr::getSplitLoops);
    unsigned number = 0;
    if (splits)
      for (scf::ForOp loop : loops)
        number += LoopSplitter(loop).run();
    numSplit += number;
    auto explain = [&](const Twine &choice, const Twine &reason) {
      addChoices(kernel,
                 explainChoice(kernel, "split_loops",
                               &ScheduleAttr::getSplitLoops, choice, reason));
    };
    if (number)
      explain("whole tiles without a mask have a loop of their own",
              "no branch asks there, and registers of the others are free");
    else
      explain("all tiles share a loop",
              splits ? "which ones are whole does not follow from their number"
                     : "an option of the pass says so");
  }
};
} // namespace
