//===- FuseOnlineSoftmax.cpp - attn-fuse-online-softmax -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Merges the score loop and the accumulation loop of standard attention into
// one loop under a running maximum (Milakov and Gimelshein 2018; Dao et al.
// 2022, algorithm 1), so that scores never reach memory.
//
//===----------------------------------------------------------------------===//

#include "OnlineSoftmax.h"
#include "Tiling/RowState.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "attn-fuse-online-softmax"

namespace attn {
#define GEN_PASS_DEF_FUSEONLINESOFTMAX
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

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
  Value alpha =
      MapOp::create(b, TypeRange{newMax.getType()}, ValueRange{oldMax, safeMax},
                    m.safeMax.getOffsets(),
                    [&](OpBuilder &nb, Location loc, ValueRange x,
                        ValueRange) -> SmallVector<Value> {
                      Value d = arith::SubFOp::create(nb, loc, x[0], x[1]);
                      Value c = arith::ConstantOp::create(nb, loc, m.factor);
                      Value scaled = arith::MulFOp::create(nb, loc, d, c);
                      return {math::Exp2Op::create(nb, loc, scaled)};
                    })
          .getResult(0);

  // The second loop's body: carried values are rescaled just before the op
  // that adds to them.
  DenseMap<Operation *, unsigned> updates;
  for (unsigned k = 0, e = m.sumLoop.getNumResults(); k < e; ++k)
    updates[getLinearUpdate(m.sumLoop, k, m.probabilities.getResult(0))] = k;
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
                  tiling::scaleRows(b, carried, alpha, offsets));
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
      std::optional<OnlineSoftmax> m = matchOnlineSoftmax(loop);
      if (!m) {
        LDBG() << "no pair of standard attention begins at " << loop.getLoc();
        continue;
      }
      erased.insert(m->sumLoop);
      fuse(*m);
      ++numFused;
    }
  }
};
} // namespace
