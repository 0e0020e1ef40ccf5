//===- TriedWeights.cpp - Weights before maxima have moved ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Maxima that move when a score outgrows them do so in few tiles. So weights
// are computed with the maxima as they are, and their exponents tell whether a
// score is far above: then they are computed once more. A pass of its own over
// scores would first wait for them, which tile registers have just stored.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "../LazyMaxima.h"
#include "attn/Transforms/ContractExp2.h"

#include "mlir/IR/IRMapping.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// Exponents in words count so many to one.
constexpr int64_t kExponentUnit = 256;

/// Below what power of two queries and keys have to be, so that no exponent of
/// a score is too large for an i32, in which it would be lost. Exponents are
/// scores times what the bound is to the distance of the limit.
static std::optional<int64_t> findBoundOfFactors(MapOp limit, int64_t depth) {
  auto sum = limit.getBody()
                 .front()
                 .getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  FloatAttr distance;
  if (!sum || !matchPattern(sum.getRhs(), m_Constant(&distance)))
    return std::nullopt;
  // Of a score less a maximum; as much is left for the bias.
  double most = std::exp2(30) / kExponentUnit;
  double ofSquare =
      2.0 * depth * kLazyBound / std::abs(distance.getValueAsDouble());
  double exponent = std::floor(std::log2(most / ofSquare) / 2);
  constexpr double finite = 45;
  return static_cast<int64_t>(std::min(exponent, finite));
}

/// The weights of scores that `above` asks for, if they are finite where those
/// are, and nothing but what waits for a product becomes of them.
MapOp KernelLowering::findTriedWeights(AnyAboveOp above) {
  if (!pending.sums || !pending.areFinite || !above.getResult().hasOneUse() ||
      pending.branch.getCondition() != above.getResult())
    return nullptr;
  auto weights = pending.sums.getInput().getDefiningOp<MapOp>();
  auto rounded = pending.dot.getA().getDefiningOp<ConvertOp>();
  auto limit = above.getLimit().getDefiningOp<MapOp>();
  bool isForProduct = llvm::all_of(weights->getUsers(), [&](Operation *user) {
    return user == pending.sums || user == rounded;
  });
  if (!isForProduct || !rounded->hasOneUse() || !limit ||
      limit.getInputs().size() != 1 ||
      !findBoundOfFactors(limit, /*depth=*/1) ||
      !llvm::is_contained(weights.getInputs(), above.getInput()))
    return nullptr;
  // What they read besides the scores are maxima, before the branch or behind.
  auto follows = [&](auto &self, Value tile) -> bool {
    if (tile.getParentBlock() != pending.branch->getBlock() ||
        isa<BlockArgument>(tile) ||
        tile.getDefiningOp()->isBeforeInBlock(pending.branch))
      return true;
    if (tile.getDefiningOp() == pending.branch)
      return pending.branch.elseYield().getOperand(
                 cast<OpResult>(tile).getResultNumber()) ==
             limit.getInputs()[0];
    auto map = tile.getDefiningOp<MapOp>();
    return map && map.getDomainRank() == 1 &&
           llvm::all_of(map.getInputs(),
                        [&](Value input) { return self(self, input); });
  };
  return llvm::all_of(weights.getInputs(),
                      [&](Value input) { return follows(follows, input); })
             ? weights
             : nullptr;
}

static Value isNot(ImplicitLocOpBuilder &b, Value condition) {
  Value isTrue = arith::ConstantOp::create(b, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, condition, isTrue);
}

/// Whether all rows have a maximum: -inf says nothing about their scores.
Value KernelLowering::haveMaxima(Value maxima) {
  int64_t rows = cast<MemRefType>(maxima.getType()).getDimSize(0);
  Value none = splatVector(arith::ConstantOp::create(
      b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity())));
  Value lacks;
  for (int64_t row = 0; row < rows; row += regs.lanes) {
    Value isNone =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                              loadVector(maxima, index(row), Value()), none);
    lacks = lacks ? arith::OrIOp::create(b, lacks, isNone).getResult() : isNone;
  }
  return isNot(
      b, vector::ReductionOp::create(b, vector::CombiningKind::OR, lacks));
}

/// Stores the weights of all rows, and says whether one is above the bound.
FailureOr<Value> KernelLowering::emitTriedWeights(MapOp weights, Value out) {
  auto [rows, cols] = weights.getDomain();
  int64_t width = 2 * regs.lanes;
  auto words = VectorType::get({width}, b.getI16Type());
  auto joinPair = [&](Value row, int64_t col) -> FailureOr<Value> {
    SmallVector<Value> halves;
    for (int64_t k : {col, col + regs.lanes}) {
      DenseMap<Value, Value> values;
      auto results = emitElement(weights, values, row, index(k));
      if (failed(results))
        return failure();
      halves.push_back(results->front());
    }
    return joinExponents(halves[0], halves[1]);
  };
  Value lowest = arith::ConstantOp::create(b, b.getZeroAttr(words));
  auto loop = scf::ForOp::create(b, index(0), endOfRows(rowsOf(rows)), index(1),
                                 lowest);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value row = loop.getInductionVar(), top = loop.getRegionIterArg(0);
    for (int64_t col = 0; col < cols; col += width) {
      FailureOr<Value> exponents = joinPair(row, col);
      if (failed(exponents))
        return failure();
      top = arith::MaxUIOp::create(b, top, *exponents);
      vector::StoreOp::create(b, weightsOfExponents(*exponents), out,
                              ValueRange{row, index(col)});
    }
    scf::YieldOp::create(b, top);
  }
  constexpr auto bound =
      static_cast<int64_t>(kExponentBias + kLazyBound * kExponentUnit);
  Value above = arith::CmpIOp::create(
      b, arith::CmpIPredicate::ugt, loop.getResult(0),
      arith::ConstantOp::create(
          b, DenseElementsAttr::get(
                 words, b.getIntegerAttr(b.getI16Type(), APInt(16, bound)))));
  return vector::ReductionOp::create(b, vector::CombiningKind::OR, above)
      .getResult();
}

/// Tries weights where all rows have a maximum and scores are finite, and else
/// compares the scores.
LogicalResult KernelLowering::tryWeights(AnyAboveOp above, MapOp weights) {
  auto limit = above.getLimit().getDefiningOp<MapOp>();
  FailureOr<Value> maxima = lanesBuffer(limit.getInputs()[0]);
  if (failed(maxima))
    return failure();
  int64_t depth = 0;
  pending.loop.walk([&](DotOp dot) {
    if (dot.getTransposeB())
      depth = std::max(depth, dot.getA().getType().getCols());
  });
  Value areSmall;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(pending.loop);
    areSmall = areFactorsBelow(*findBoundOfFactors(limit, depth));
  }
  Value areTried = arith::AndIOp::create(b, areSmall, haveMaxima(*maxima));
  auto choice = scf::IfOp::create(b, b.getI1Type(), areTried,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    IRMapping before;
    for (OpResult moved : pending.branch.getResults())
      before.map(moved, pending.branch.elseYield().getOperand(
                            moved.getResultNumber()));
    auto copyMaps = [&](auto &self, Value tile) -> LogicalResult {
      auto map = tile.getDefiningOp<MapOp>();
      if (before.contains(tile) || !map || map.getDomainRank() != 1 ||
          map->getBlock() != pending.branch->getBlock() ||
          map->isBeforeInBlock(pending.branch))
        return success();
      for (Value input : map.getInputs())
        if (failed(self(self, input)))
          return failure();
      auto copy = cast<MapOp>(b.clone(*map, before));
      toErase.push_back(copy);
      return lowerRowMap(copy);
    };
    for (Value input : weights.getInputs())
      if (failed(copyMaps(copyMaps, input)))
        return failure();
    auto copy = cast<MapOp>(b.clone(*weights, before));
    toErase.push_back(copy);
    FailureOr<Value> isAbove = emitTriedWeights(copy, pendingFactor());
    if (failed(isAbove))
      return failure();
    scf::YieldOp::create(b, *isAbove);
    b.setInsertionPointToStart(choice.elseBlock());
    isAbove = compareScores(above);
    if (failed(isAbove))
      return failure();
    scf::YieldOp::create(b, *isAbove);
  }
  pending.needsWeights =
      arith::OrIOp::create(b, isNot(b, areTried), choice.getResult(0));
  above.getResult().replaceAllUsesWith(choice.getResult(0));
  return success();
}
