//===- PrefetchLoads.cpp - tile-prefetch-loads ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop that stages tiles in workgroup memory asks for those of the next
// iteration before it computes: they wait in registers, in the pieces in which
// memory has them, so that an iteration waits for barriers only. The load that
// stages them stays, for what pieces do not bring.
//
//===----------------------------------------------------------------------===//

#include "LoopSlice.h"
#include "Matrices.h"
#include "Pieces.h"
#include "Staging.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace attn {
#define GEN_PASS_DEF_PREFETCHLOADS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// A load that an iteration can do for the next one.
struct Prefetch {
  LoadOp load;
  /// What computes its operands, in order.
  SmallVector<Operation *> slice;
  PiecesAttr pieces;
};

class Prefetcher {
public:
  /// Tiles have `mostBytes` of workgroup memory.
  Prefetcher(scf::ForOp loop, int64_t threads, int64_t mostBytes)
      : loop(loop), threads(threads), mostBytes(mostBytes) {}
  unsigned run();

private:
  std::optional<Prefetch> match(LoadOp load);
  Value load(ImplicitLocOpBuilder &b, Prefetch &prefetch, Value at);
  size_t moveToFront(ArrayRef<Prefetch> prefetches);
  int64_t countBytes();

  scf::ForOp loop;
  const int64_t threads, mostBytes;
};

} // namespace

std::optional<Prefetch> Prefetcher::match(LoadOp load) {
  TileType type = load.getType();
  int64_t elements = getPieceElements(load);
  auto shared = dyn_cast_or_null<SharedAttr>(type.getLayout());
  if (!shared || !elements || load.getMixed() || isStoredTo(load.getSource()))
    return std::nullopt;
  Prefetch prefetch{
      load, {}, PiecesAttr::get(load.getContext(), elements, threads)};
  FailureOr<SmallVector<Operation *>> slice =
      getLoopSlice(loop, load->getOperands());
  if (failed(slice))
    return std::nullopt;
  auto isCarried = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == loop.getBody() &&
           argument != loop.getInductionVar();
  };
  if (llvm::any_of(load->getOperands(), isCarried))
    return std::nullopt;
  for (Operation *op : *slice) {
    if (!isMemoryEffectFree(op) || op->getNumRegions() ||
        llvm::any_of(op->getOperands(), isCarried))
      return std::nullopt;
  }
  prefetch.slice = std::move(*slice);
  return prefetch;
}

/// What iteration `at` loads: nothing past the last.
Value Prefetcher::load(ImplicitLocOpBuilder &b, Prefetch &prefetch, Value at) {
  IRMapping mapping;
  mapping.map(loop.getInductionVar(), at);
  for (Operation *op : prefetch.slice)
    b.clone(*op, mapping);
  auto cloned = cast<LoadOp>(b.clone(*prefetch.load.getOperation(), mapping));
  b.setInsertionPoint(cloned);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at,
                                       loop.getUpperBound());
  Value zero = arith::ConstantIndexOp::create(b, 0);
  OpOperand &rows = cloned.getValidMutable()[0];
  rows.set(arith::SelectOp::create(b, inside, rows.get(), zero));
  b.setInsertionPointAfter(cloned);
  cloned.getResult().setType(cloned.getType().withLayout(prefetch.pieces));
  return cloned;
}

/// What is staged comes before anything else in the loop, where workgroup
/// memory has room for all of it; otherwise the last ones, as many as it takes,
/// come where they are needed. The next tiles are asked for behind those in
/// front, whose registers are free by then. Returns how many there are.
size_t Prefetcher::moveToFront(ArrayRef<Prefetch> prefetches) {
  DenseSet<Operation *> moved;
  for (const Prefetch &prefetch : prefetches) {
    moved.insert(prefetch.load);
    moved.insert(prefetch.slice.begin(), prefetch.slice.end());
  }
  Block *body = loop.getBody();
  SmallVector<Operation *> inOrder;
  for (Operation &op : *body)
    if (moved.contains(&op))
      inOrder.push_back(&op);
  for (Operation *op : llvm::reverse(inOrder))
    op->moveBefore(body, body->begin());
  size_t numInFront = prefetches.size();
  for (; numInFront > 0 && countBytes() > mostBytes; --numInFront) {
    LoadOp load = prefetches[numInFront - 1].load;
    Operation *user = *llvm::min_element(
        llvm::map_range(
            load->getUsers(),
            [&](Operation *op) { return body->findAncestorOpInBlock(*op); }),
        [](Operation *lhs, Operation *rhs) {
          return lhs->isBeforeInBlock(rhs);
        });
    load->moveBefore(user);
  }
  return numInFront;
}

/// Bytes of workgroup memory that tiles take.
int64_t Prefetcher::countBytes() {
  auto kernel = loop->getParentOfType<func::FuncOp>();
  auto target = TargetAttr::lookup(kernel);
  return StagedBuffers(kernel, target).getNumBytes(target);
}

unsigned Prefetcher::run() {
  int64_t pieces = kMostWaitingPieces;
  SmallVector<Prefetch> prefetches;
  for (auto load : loop.getBody()->getOps<LoadOp>())
    if (std::optional<Prefetch> prefetch = match(load)) {
      TileType type = load.getType();
      int64_t need =
          prefetch->pieces.getNumPieces(type.getRows(), type.getCols());
      if (need > pieces)
        continue;
      pieces -= need;
      prefetches.push_back(*prefetch);
    }
  if (prefetches.empty())
    return 0;

  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  SmallVector<Value> first;
  for (Prefetch &prefetch : prefetches) {
    b.setInsertionPoint(loop);
    first.push_back(load(b, prefetch, loop.getLowerBound()));
  }
  unsigned numCarried = loop.getNumRegionIterArgs();
  IRRewriter rewriter(b.getContext());
  rewriter.setInsertionPoint(loop);
  Value step = loop.getStep();
  bool isUnordered = loop->hasAttr(kUnorderedAttrName);
  loop = cast<scf::ForOp>(
      (*loop.replaceWithAdditionalYields(
           rewriter, first, /*replaceInitOperandUsesInLoop=*/false,
           [](OpBuilder &, Location, ArrayRef<BlockArgument> carried) {
             return SmallVector<Value>(carried.begin(), carried.end());
           }))
          .getOperation());
  // What waits changes no result.
  if (isUnordered)
    loop->setAttr(kUnorderedAttrName, b.getUnitAttr());
  // What waits is staged first of all, then the next is asked for.
  size_t numInFront = moveToFront(prefetches);
  if (numInFront)
    b.setInsertionPointAfter(prefetches[numInFront - 1].load);
  else
    b.setInsertionPointToStart(loop.getBody());
  Value next = arith::AddIOp::create(b, loop.getInductionVar(), step);
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (auto [k, prefetch] : llvm::enumerate(prefetches)) {
    if (k >= numInFront)
      b.setInsertionPointAfter(prefetch.load);
    yield.setOperand(numCarried + k, load(b, prefetch, next));
  }
  for (auto [k, prefetch] : llvm::enumerate(prefetches))
    prefetch.load.getPrefetchedMutable().assign(
        loop.getRegionIterArg(numCarried + k));
  return prefetches.size();
}

/// The fragments of a kernel that computes in such; null for others.
static FragmentAttr findFragments(func::FuncOp kernel) {
  FragmentAttr found;
  kernel.walk([&](DotOp dot) {
    if (auto layout = dyn_cast_or_null<FragmentAttr>(dot.getType().getLayout()))
      found = layout;
  });
  return found;
}

/// What is left of a workgroup's memory for tiles.
static int64_t getTileBytes(TargetAttr target, const Matrices &matrices) {
  int64_t bytes = target.getStaticSharedBytes();
  // 0: nobody knows how much there is.
  return bytes ? bytes - getStripBytes(matrices, target)
               : std::numeric_limits<int64_t>::max();
}

namespace {
struct PrefetchLoads final : attn::impl::PrefetchLoadsBase<PrefetchLoads> {
  void runOnOperation() override {
    auto target = TargetAttr::lookup(getOperation());
    if (!target || !getOperation()->hasAttr(tile::kKernelAttrName))
      return;
    FragmentAttr fragments = findFragments(getOperation());
    if (!fragments)
      return;
    ArrayRef<int64_t> split = fragments.getSubgroups();
    Matrices matrices{fragments.getFragmentRows(), fragments.getFragmentCols(),
                      /*k=*/0, split[0] * split[1]};
    int64_t threads = target.getSubgroup() * matrices.subgroups;
    int64_t mostBytes = getTileBytes(target, matrices);
    func::FuncOp kernel = getOperation();
    auto explain = [&](const Twine &choice, const Twine &reason) {
      addChoices(kernel,
                 explainChoice(kernel, "prefetch", &ScheduleAttr::getPrefetch,
                               choice, reason));
    };
    if (!decideScheduled(true, kernel, &ScheduleAttr::getPrefetch))
      return explain("tiles are loaded when they are needed", "");
    SmallVector<scf::ForOp> loops;
    kernel.walk([&](scf::ForOp loop) { loops.push_back(loop); });
    unsigned number = 0;
    for (scf::ForOp loop : loops)
      number += Prefetcher(loop, threads, mostBytes).run();
    numPrefetched += number;
    if (number)
      explain("an iteration loads what the next one stages",
              "products of this one hide the latency of memory");
  }
};
} // namespace
