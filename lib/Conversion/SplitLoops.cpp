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

/// How many of a loop's first iterations conditions hold for.
class Leading {
public:
  explicit Leading(scf::ForOp loop)
      : loop(loop), b(loop.getLoc(), loop), end(loop.getUpperBound()) {}

  /// Takes a condition into account; false if it cannot tell of it.
  bool add(Value condition);
  /// `left` <= `right`.
  bool addAtMost(Value left, Value right);
  /// What does not change from iteration to iteration.
  void addInvariant(Value condition);

  /// Where the first iteration is for which one does not hold.
  Value getEnd();

private:
  std::optional<int64_t> getCoefficient(Value value);
  Value getAtZero(Value value);
  bool addCompare(arith::CmpIOp compare);
  bool addBelow(Value left, Value right, int64_t slack);

  scf::ForOp loop;
  ImplicitLocOpBuilder b;
  Value end;
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

/// By how much `value` grows with each iteration; none where that is no
/// constant.
std::optional<int64_t> Leading::getCoefficient(Value value) {
  if (value == loop.getInductionVar())
    return 1;
  if (loop.isDefinedOutsideOfLoop(value))
    return 0;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody() || !isPure(op) ||
      op->getNumRegions())
    return std::nullopt;
  SmallVector<int64_t> ofOperands;
  for (Value operand : op->getOperands()) {
    std::optional<int64_t> known = getCoefficient(operand);
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

/// What `value` would be in iteration 0, in front of the loop.
Value Leading::getAtZero(Value value) {
  if (value == loop.getInductionVar())
    return arith::ConstantIndexOp::create(b, 0);
  if (loop.isDefinedOutsideOfLoop(value))
    return value;
  if (Value known = atZero.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    atZero.map(operand, getAtZero(operand));
  Operation *cloned = b.clone(*op, atZero);
  SmallVector<Value> folded;
  if (succeeded(b.tryFold(cloned, folded)) && !folded.empty()) {
    atZero.map(op->getResults(), folded);
    cloned->erase();
  }
  return atZero.lookup(value);
}

/// `left` < `right` + `slack`.
bool Leading::addBelow(Value left, Value right, int64_t slack) {
  std::optional<int64_t> ofLeft = getCoefficient(left),
                         ofRight = getCoefficient(right);
  if (!ofLeft || !ofRight)
    return false;
  int64_t growth = *ofLeft - *ofRight;
  Value room = b.createOrFold<arith::SubIOp>(getAtZero(right), getAtZero(left));
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  if (growth > 0) {
    // Rounded up, of whatever sign.
    Value sum = b.createOrFold<arith::AddIOp>(room, index(slack + growth - 1));
    Value first = b.createOrFold<arith::FloorDivSIOp>(sum, index(growth));
    end = arith::MinSIOp::create(b, end, first);
    return true;
  }
  Value holds = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sgt, room,
                                              index(-slack));
  if (growth == 0) {
    addInvariant(holds);
    return true;
  }
  // It begins to hold with some iteration: the first one, or it is no use.
  return matchPattern(holds, m_One());
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

bool Leading::addAtMost(Value left, Value right) {
  return addBelow(left, right, 1);
}

void Leading::addInvariant(Value condition) {
  if (!matchPattern(condition, m_One()))
    end = arith::SelectOp::create(b, condition, end, loop.getLowerBound());
}

bool Leading::add(Value condition) {
  if (loop.isDefinedOutsideOfLoop(condition)) {
    addInvariant(condition);
    return true;
  }
  if (auto both = condition.getDefiningOp<arith::AndIOp>()) {
    Value before = end;
    if (add(both.getLhs()) && add(both.getRhs()))
      return true;
    end = before;
    return false;
  }
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  return compare && addCompare(compare);
}

Value Leading::getEnd() {
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
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  for (Operation &op : *loop.getBody()) {
    if (auto load = dyn_cast<LoadOp>(op); load && load.getPrefetched()) {
      Value rows = arith::ConstantIndexOp::create(b, load.getType().getRows());
      if (!leading.addAtMost(rows, load.getValid()[0]))
        continue;
      leading.addInvariant(AlignedOp::create(b, load.getSource()));
      whole.push_back(load);
    } else if (auto branch = dyn_cast<scf::IfOp>(op);
               branch && branch.getNumResults() &&
               leading.add(branch.getCondition())) {
      taken.push_back(branch);
    }
  }
  if (whole.empty())
    return false;
  Value end = leading.getEnd();
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
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      numSplit += LoopSplitter(loop).run();
  }
};
} // namespace
