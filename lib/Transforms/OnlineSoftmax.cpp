//===- OnlineSoftmax.cpp - The two loops of standard attention ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See OnlineSoftmax.h.
//
//===----------------------------------------------------------------------===//

#include "OnlineSoftmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

/// The constant of a map whose body is exp2((element 0 - element 1) *
/// constant), or null; then P(m) = P(m') * exp2((m' - m) * constant) holds for
/// any m, m'.
static FloatAttr getFactor(MapOp map, Value scores, Value shift) {
  FloatAttr factor;
  if (map.getInputs().size() != 2 || map.getInputs()[0] != scores ||
      map.getInputs()[1] != shift)
    return {};
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  auto exp = yield.getValues()[0].getDefiningOp<math::Exp2Op>();
  if (!exp || yield.getValues().size() != 1)
    return {};
  auto scaled = exp.getOperand().getDefiningOp<arith::MulFOp>();
  if (!scaled || !matchPattern(scaled.getRhs(), m_Constant(&factor)))
    return {};
  auto difference = scaled.getLhs().getDefiningOp<arith::SubFOp>();
  ValueRange elements = map.getElementArgs();
  if (!difference || difference.getLhs() != elements[0] ||
      difference.getRhs() != elements[1])
    return {};
  return factor;
}

/// True if the map is its element, or anything where that is -inf: where there
/// are scores, sums of exponentials are relative to their maximum.
static bool isSafeMaximum(MapOp map) {
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  Value element = map.getElementArgs()[0];
  auto select = yield.getValues()[0].getDefiningOp<arith::SelectOp>();
  if (!select || select.getFalseValue() != element)
    return false;
  auto isEmpty = select.getCondition().getDefiningOp<arith::CmpFOp>();
  return isEmpty && isEmpty.getPredicate() == arith::CmpFPredicate::OEQ &&
         isEmpty.getLhs() == element &&
         matchPattern(isEmpty.getRhs(), m_NegInfFloat());
}

Operation *attn::getLinearUpdate(scf::ForOp loop, unsigned index,
                                 Value probabilities) {
  Value carried = loop.getRegionIterArg(index);
  Value next = loop.getYieldedValues()[index];
  if (!carried.hasOneUse())
    return nullptr;
  auto isProbability = [&](Value value) {
    if (auto convert = value.getDefiningOp<ConvertOp>())
      value = convert.getInput();
    return value == probabilities;
  };
  if (auto reduce = next.getDefiningOp<ReduceOp>())
    if (reduce.getKind() == ReduceKind::Sum && reduce.getInit() == carried &&
        isProbability(reduce.getInput()))
      return reduce;
  if (auto dot = next.getDefiningOp<DotOp>())
    if (dot.getAcc() == carried && isProbability(dot.getA()) &&
        !dot.getTransposeA())
      return dot;
  return nullptr;
}

/// True if both loops walk the same ranges from the start.
static bool haveSameTrips(scf::ForOp first, scf::ForOp second) {
  return first.getLowerBound() == second.getLowerBound() &&
         first.getUpperBound() == second.getUpperBound() &&
         first.getStep() == second.getStep();
}

static std::optional<OnlineSoftmax> matchLoops(scf::ForOp maxLoop) {
  OnlineSoftmax m;
  m.maxLoop = maxLoop;
  if (maxLoop.getNumResults() != 1)
    return std::nullopt;
  m.rowMax = maxLoop.getYieldedValues()[0].getDefiningOp<ReduceOp>();
  if (!m.rowMax || m.rowMax.getKind() != ReduceKind::Max ||
      m.rowMax.getInit() != maxLoop.getRegionIterArg(0))
    return std::nullopt;
  for (auto store : maxLoop.getBody()->getOps<StoreOp>()) {
    if (m.store)
      return std::nullopt;
    m.store = store;
  }
  if (!m.store || m.store.getTile() != m.rowMax.getInput())
    return std::nullopt;

  for (Operation *user : maxLoop.getResult(0).getUsers())
    for (Operation *next : user->getUsers())
      if (auto loop = next->getParentOfType<scf::ForOp>())
        if (auto map = dyn_cast<MapOp>(user);
            map && loop->getBlock() == maxLoop->getBlock() &&
            haveSameTrips(maxLoop, loop)) {
          m.safeMax = map;
          m.sumLoop = loop;
        }
  if (!m.sumLoop || m.safeMax.getNumResults() != 1 ||
      m.safeMax.getInputs().size() != 1 || !isSafeMaximum(m.safeMax))
    return std::nullopt;

  for (auto load : m.sumLoop.getBody()->getOps<LoadOp>())
    if (load.getSource() == m.store.getDest() &&
        load.getType() == m.store.getTile().getType())
      m.load = load;
  if (!m.load)
    return std::nullopt;
  // The score memory must serve nothing else, or removing it is wrong.
  for (Operation *user : m.store.getDest().getUsers())
    if (user != m.store && user != m.load && !isa<memref::DeallocOp>(user))
      return std::nullopt;
  if (!m.store.getDest().getDefiningOp<memref::AllocOp>())
    return std::nullopt;

  for (auto map : m.sumLoop.getBody()->getOps<MapOp>())
    if (FloatAttr factor = getFactor(map, m.load, m.safeMax.getResult(0))) {
      m.probabilities = map;
      m.factor = factor;
    }
  if (!m.probabilities)
    return std::nullopt;
  // What is there before the first key is not relative to a maximum.
  auto isZero = [](Value init) {
    auto splat = init.getDefiningOp<SplatOp>();
    return splat && matchPattern(splat.getValue(), m_AnyZeroFloat());
  };
  if (!llvm::all_of(m.sumLoop.getInitArgs(), isZero))
    return std::nullopt;
  for (unsigned k = 0, e = m.sumLoop.getNumResults(); k < e; ++k)
    if (!getLinearUpdate(m.sumLoop, k, m.probabilities.getResult(0)))
      return std::nullopt;
  return m;
}

/// True if the load reads what the store wrote, all of it, when the loops run
/// in step; `mapping` takes values of the second loop to the first.
static bool sameSubscript(StoreOp store, LoadOp load, IRMapping &mapping) {
  auto same = [&](ValueRange stored, ValueRange loaded) {
    return llvm::equal(stored, loaded, [&](Value a, Value b) {
      return isEqualConstantIntOrValue(a, mapping.lookupOrDefault(b));
    });
  };
  return !load.getPacking() && !load.getPageTable() &&
         same(store.getIndices(), load.getIndices()) &&
         same(store.getValid(), load.getValid());
}

/// The subscripts must name the same scores in both loops: compare them with
/// the second loop's values mapped to the first loop's by structure.
static bool readsWhatWasStored(OnlineSoftmax &m) {
  IRMapping mapping;
  mapping.map(m.sumLoop.getInductionVar(), m.maxLoop.getInductionVar());
  for (Operation &second : m.sumLoop.getBody()->without_terminator()) {
    if (second.getNumRegions() != 0 || !isMemoryEffectFree(&second))
      continue;
    for (Operation &first : m.maxLoop.getBody()->without_terminator()) {
      if (first.getName() != second.getName() ||
          first.getDiscardableAttrDictionary() !=
              second.getDiscardableAttrDictionary() ||
          first.getPropertiesAsAttribute() != second.getPropertiesAsAttribute())
        continue;
      bool same = llvm::equal(
          first.getOperands(), second.getOperands(),
          [&](Value a, Value c) { return mapping.lookupOrDefault(c) == a; });
      if (!same)
        continue;
      mapping.map(second.getResults(), first.getResults());
      break;
    }
  }
  return sameSubscript(m.store, m.load, mapping);
}

std::optional<OnlineSoftmax> attn::matchOnlineSoftmax(scf::ForOp maxLoop) {
  std::optional<OnlineSoftmax> m = matchLoops(maxLoop);
  return m && readsWhatWasStored(*m) ? m : std::nullopt;
}
