//===- FiniteScores.cpp - Masked scores without infinities ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For targets whose arithmetic may assume that there are no infinities (WGSL,
// rule 16): a finite sentinel replaces -inf, and scores are kept above it.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/FiniteScores.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_FINITESCORES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn::tile;

namespace {

/// Scores lie in [-2^126, 2^126] (rule 15) and the sentinel below. The product
/// of their largest difference, 2.5 * 2^126, and log2(e) is finite.
constexpr float kLargestScore = 0x1p126f;
constexpr float kSentinel = -0x1.8p126f;
constexpr uint32_t kMinusInfinityBits = 0xff800000u;

bool isMinusInfinity(Value value) {
  FloatAttr attr;
  return matchPattern(value, m_Constant(&attr)) && attr.getType().isF32() &&
         attr.getValue().isInfinity() && attr.getValue().isNegative();
}

struct FiniteScoresPass final : attn::impl::FiniteScoresBase<FiniteScoresPass> {
  using FiniteScoresBase::FiniteScoresBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("tile.kernel"))
      return;
    kernel.walk([&](ReduceOp reduce) {
      if (reduce.getKind() == ReduceKind::Max)
        addScores(reduce.getInput());
    });
    for (Value scores : scoreTiles)
      if (auto map = scores.getDefiningOp<MapOp>())
        makeFinite(map, cast<OpResult>(scores).getResultNumber());
    numTiles += scoreTiles.size();

    // What is left of -inf marks rows without keys.
    kernel.walk([&](arith::ConstantOp op) {
      if (isMinusInfinity(op))
        op.setValueAttr(Builder(op).getF32FloatAttr(kSentinel));
    });
    // Memory gets the infinity back, by its bits.
    kernel.walk([&](StoreOp store) {
      TileType type = store.getTile().getType();
      auto view = store.getDest().getDefiningOp<memref::ReinterpretCastOp>();
      if (type.getRank() != 1 || !type.getElementType().isF32() || !view)
        return;
      if (auto arg = dyn_cast<BlockArgument>(view.getSource()))
        kernel.setArgAttr(arg.getArgNumber(), "attn.minus_infinity",
                          Builder(store).getF32FloatAttr(kSentinel));
    });
  }

private:
  /// Collects the tiles whose elements reach a row maximum.
  void addScores(Value tile) {
    if (!scoreTiles.insert(tile))
      return;
    if (auto branch = tile.getDefiningOp<scf::IfOp>()) {
      unsigned number = cast<OpResult>(tile).getResultNumber();
      addScores(branch.thenYield().getOperand(number));
      addScores(branch.elseYield().getOperand(number));
    }
  }

  void makeFinite(MapOp map, unsigned number) {
    auto yield = cast<YieldOp>(map.getBody().front().getTerminator());
    ImplicitLocOpBuilder b(map.getLoc(), yield);
    OpOperand &operand = yield->getOpOperand(number);
    // A mask is select(attended, score, -inf).
    auto mask = operand.get().getDefiningOp<arith::SelectOp>();
    if (mask && isMinusInfinity(mask.getFalseValue())) {
      Value score = finite(b, map, mask.getTrueValue());
      operand.set(arith::SelectOp::create(b, mask.getCondition(), score,
                                          constant(b, kSentinel)));
      return;
    }
    operand.set(finite(b, map, operand.get()));
  }

  static Value constant(ImplicitLocOpBuilder &b, float value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  }

  Value finite(ImplicitLocOpBuilder &b, MapOp map, Value value) {
    // Scores of another map are finite already.
    if (auto arg = dyn_cast<BlockArgument>(value);
        arg && arg.getOwner() == &map.getBody().front() &&
        scoreTiles.contains(map.getInputs()[arg.getArgNumber()]))
      return value;
    Value atLeast =
        arith::MaximumFOp::create(b, value, constant(b, -kLargestScore));
    Value score =
        arith::MinimumFOp::create(b, atLeast, constant(b, kLargestScore));
    if (!maybeMinusInfinity(map, value))
      return score;
    // -inf from a table or a region is not attended (rule 14). The test is on
    // bits: a comparison with -inf may be assumed false.
    Value bits = arith::BitcastOp::create(b, b.getI32Type(), value);
    Value infinite = arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, bits,
        arith::ConstantOp::create(
            b, b.getI32IntegerAttr(static_cast<int32_t>(kMinusInfinityBits))));
    Value marked = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, value,
                                         constant(b, kSentinel));
    return arith::SelectOp::create(b, arith::OrIOp::create(b, infinite, marked),
                                   constant(b, kSentinel), score);
  }

  /// True unless the value is arithmetic on finite numbers.
  static bool maybeMinusInfinity(MapOp map, Value value) {
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.inclusive = true;
    options.omitBlockArguments = true;
    options.filter = [&](Operation *op) { return map->isProperAncestor(op); };
    if (failed(getBackwardSlice(value, &slice, options)))
      return true;
    return llvm::any_of(slice, [](Operation *op) {
      return op->getNumRegions() || isa<memref::LoadOp, arith::SelectOp>(op) ||
             llvm::any_of(op->getOperands(), isMinusInfinity);
    });
  }

  llvm::SetVector<Value> scoreTiles;
};

} // namespace
