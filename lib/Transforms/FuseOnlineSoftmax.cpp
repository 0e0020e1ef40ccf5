//===- FuseOnlineSoftmax.cpp - attn-fuse-online-softmax -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Merges the score loop and the accumulation loop of standard attention into
// one loop under a running maximum (Milakov and Gimelshein 2018; Dao et al.
// 2022, algorithm 1), so that scores never reach memory.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_FUSEONLINESOFTMAX
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// What a pair of loops must look like to be merged.
struct OnlineSoftmax {
  scf::ForOp maxLoop, sumLoop;
  StoreOp store;       ///< scores to memory, in maxLoop
  LoadOp load;         ///< the same scores from memory, in sumLoop
  ReduceOp rowMax;     ///< the maximum carried by maxLoop
  MapOp safeMax;       ///< between the loops: the maximum that is subtracted
  MapOp probabilities; ///< exp2((s - max) * c) in sumLoop
};

} // namespace

/// Matches a map whose body is exp2((element 0 - element 1) * constant); then
/// P(m) = P(m') * exp2((m' - m) * constant) holds for any m, m'.
static bool isShiftedExponential(MapOp map, Value scores, Value shift) {
  if (map.getInputs().size() != 2 || map.getInputs()[0] != scores ||
      map.getInputs()[1] != shift)
    return false;
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  auto exp = yield.getValues()[0].getDefiningOp<math::Exp2Op>();
  if (!exp || yield.getValues().size() != 1)
    return false;
  auto scaled = exp.getOperand().getDefiningOp<arith::MulFOp>();
  if (!scaled || !matchPattern(scaled.getRhs(), m_Constant()))
    return false;
  auto difference = scaled.getLhs().getDefiningOp<arith::SubFOp>();
  ValueRange elements = map.getElementArgs();
  return difference && difference.getLhs() == elements[0] &&
         difference.getRhs() == elements[1];
}

/// The op that updates carried value `index` of `loop`, if it is linear in the
/// probabilities: a row sum or a product with them. Returns null otherwise.
static Operation *linearUpdate(scf::ForOp loop, unsigned index,
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

/// Matches `maxLoop` as the first of two loops that can be merged.
static std::optional<OnlineSoftmax> match(scf::ForOp maxLoop) {
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
      m.safeMax.getInputs().size() != 1)
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
    if (isShiftedExponential(map, m.load, m.safeMax.getResult(0)))
      m.probabilities = map;
  if (!m.probabilities)
    return std::nullopt;
  for (unsigned k = 0, e = m.sumLoop.getNumResults(); k < e; ++k)
    if (!linearUpdate(m.sumLoop, k, m.probabilities.getResult(0)))
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

static void fuse(OnlineSoftmax &m) {
  ImplicitLocOpBuilder b(m.maxLoop.getLoc(), m.sumLoop);
  SmallVector<Value> inits(m.maxLoop.getInitArgs());
  llvm::append_range(inits, m.sumLoop.getInitArgs());
  auto loop =
      scf::ForOp::create(b, m.maxLoop.getLowerBound(),
                         m.maxLoop.getUpperBound(), m.maxLoop.getStep(), inits);
  b.setInsertionPointToStart(loop.getBody());

  // The score loop's body, without the store.
  IRMapping mapping;
  mapping.map(m.maxLoop.getInductionVar(), loop.getInductionVar());
  mapping.map(m.maxLoop.getRegionIterArg(0), loop.getRegionIterArg(0));
  for (Operation &op : m.maxLoop.getBody()->without_terminator())
    if (&op != m.store)
      b.clone(op, mapping);
  Value oldMax = loop.getRegionIterArg(0);
  Value newMax = mapping.lookup(m.rowMax.getResult());
  // Scores that do not depend on the key tile may come from outside the loop.
  Value scores = mapping.lookupOrDefault(m.store.getTile());
  mapping.map(m.maxLoop.getResult(0), newMax);
  b.clone(*m.safeMax, mapping);
  Value safeMax = mapping.lookup(m.safeMax.getResult(0));

  // alpha = P(old max) / P(new max) by the same formula as P itself.
  Value scale =
      cast<tile::YieldOp>(m.probabilities.getBody().front().getTerminator())
          .getValues()[0]
          .getDefiningOp<math::Exp2Op>()
          .getOperand()
          .getDefiningOp<arith::MulFOp>()
          .getRhs();
  FloatAttr scaleAttr;
  matchPattern(scale, m_Constant(&scaleAttr));
  Value alpha =
      MapOp::create(b, TypeRange{newMax.getType()}, ValueRange{oldMax, safeMax},
                    m.safeMax.getOffsets(),
                    [&](OpBuilder &nb, Location loc, ValueRange x,
                        ValueRange) -> SmallVector<Value> {
                      Value d = arith::SubFOp::create(nb, loc, x[0], x[1]);
                      Value c = arith::ConstantOp::create(nb, loc, scaleAttr);
                      Value scaled = arith::MulFOp::create(nb, loc, d, c);
                      return {math::Exp2Op::create(nb, loc, scaled)};
                    })
          .getResult(0);
  auto rescale = [&](Value carried, ValueRange offsets) -> Value {
    return MapOp::create(b, TypeRange{carried.getType()},
                         ValueRange{carried, alpha}, offsets,
                         [](OpBuilder &nb, Location loc, ValueRange x,
                            ValueRange) -> SmallVector<Value> {
                           return {arith::MulFOp::create(nb, loc, x[0], x[1])};
                         })
        .getResult(0);
  };

  // The second loop's body: carried values are rescaled just before the op
  // that adds to them.
  DenseMap<Operation *, unsigned> updates;
  for (unsigned k = 0, e = m.sumLoop.getNumResults(); k < e; ++k)
    updates[linearUpdate(m.sumLoop, k, m.probabilities.getResult(0))] = k;
  mapping.map(m.sumLoop.getInductionVar(), loop.getInductionVar());
  // Range queries of the two loops agree; so do the values made of them.
  for (auto at : m.sumLoop.getBody()->getOps<RangeAtOp>())
    for (auto first : m.maxLoop.getBody()->getOps<RangeAtOp>())
      if (at.getRanges() == first.getRanges())
        for (auto [second, one] :
             llvm::zip(at.getResults(), first.getResults()))
          mapping.map(second, mapping.lookup(one));
  Value row = m.safeMax.getOffsets()[0];
  for (Operation &op : m.sumLoop.getBody()->without_terminator()) {
    if (&op == m.load) {
      mapping.map(m.load.getResult(), scores);
      continue;
    }
    if (isa<RangeAtOp>(op) && mapping.contains(op.getResult(0)))
      continue;
    if (auto it = updates.find(&op); it != updates.end()) {
      Value carried = loop.getRegionIterArg(it->second + 1);
      SmallVector<Value> offsets = {row};
      if (cast<TileType>(carried.getType()).getRank() == 2)
        offsets.push_back(arith::ConstantIndexOp::create(b, 0));
      mapping.map(m.sumLoop.getRegionIterArg(it->second),
                  rescale(carried, offsets));
    }
    b.clone(op, mapping);
  }
  SmallVector<Value> yielded = {newMax};
  for (Value value : m.sumLoop.getYieldedValues())
    yielded.push_back(mapping.lookupOrDefault(value));
  scf::YieldOp::create(b, yielded);

  m.maxLoop.getResult(0).replaceAllUsesWith(loop.getResult(0));
  m.sumLoop->replaceAllUsesWith(loop.getResults().drop_front());
  Operation *alloc = m.store.getDest().getDefiningOp();
  m.sumLoop.erase();
  m.safeMax.erase();
  m.maxLoop.erase();
  for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
    user->erase();
  alloc->erase();
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

namespace {
struct FuseOnlineSoftmax
    : attn::impl::FuseOnlineSoftmaxBase<FuseOnlineSoftmax> {
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<tile::TileDialect, arith::ArithDialect, math::MathDialect,
                    scf::SCFDialect>();
  }

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    getOperation().walk([](AttentionOp op) {
      op.emitWarning(
          "is not fused: it has no loops until attn-tile makes them");
    });
    // A match refers to its own two loops only, and both are erased at once.
    DenseSet<Operation *> erased;
    for (scf::ForOp loop : loops) {
      if (erased.contains(loop))
        continue;
      std::optional<OnlineSoftmax> m = match(loop);
      if (!m || !readsWhatWasStored(*m))
        continue;
      erased.insert(m->sumLoop);
      fuse(*m);
    }
  }
};
} // namespace
