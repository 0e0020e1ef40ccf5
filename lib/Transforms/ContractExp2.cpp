//===- ContractExp2.cpp - tile-contract-exp2 ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns exp2((s - m) * c) of a score and a row statistic into exp2 of one
// fused multiply-add, without losing rows whose statistic is huge (rule 15).
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/ContractExp2.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

namespace attn {
#define GEN_PASS_DEF_CONTRACTEXP2
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// exp2((score - row) * constant) in a map.
struct Exponential {
  math::Exp2Op exp;
  arith::MulFOp product;
  unsigned score, row; // inputs of the map
  APFloat constant{0.0f};
};

std::optional<Exponential> match(MapOp map) {
  if (map.getDomainRank() != 2 || map.getInputs().size() != 2)
    return std::nullopt;
  Block &body = map.getBody().front();
  for (auto exp : body.getOps<math::Exp2Op>()) {
    auto product = exp.getOperand().getDefiningOp<arith::MulFOp>();
    FloatAttr constant;
    if (!product || !matchPattern(product.getRhs(), m_Constant(&constant)) ||
        !constant.getType().isF32() || constant.getValue().isNegative() ||
        !constant.getValue().isNormal())
      continue;
    auto difference = product.getLhs().getDefiningOp<arith::SubFOp>();
    if (!difference || difference->getBlock() != &body)
      continue;
    auto score = dyn_cast<BlockArgument>(difference.getLhs());
    auto row = dyn_cast<BlockArgument>(difference.getRhs());
    if (!score || !row || score.getOwner() != &body ||
        row.getOwner() != &body || score.getArgNumber() > 1 ||
        row.getArgNumber() > 1 ||
        cast<TileType>(map.getInputs()[score.getArgNumber()].getType())
                .getRank() != 2 ||
        cast<TileType>(map.getInputs()[row.getArgNumber()].getType())
                .getRank() != 1)
      continue;
    return Exponential{exp, product, score.getArgNumber(), row.getArgNumber(),
                       constant.getValue()};
  }
  return std::nullopt;
}

/// The factor of a score and the addend, a row: c and -m c. The addend is
/// rounded, which multiplies a whole row by 2^e with |e| <= 2^-24 |m c|; beyond
/// 2^28 such a factor leaves the range of f16, and soon that of f32. A power of
/// two then replaces c, so that both products are exact: the result is 1 for
/// s = m and next to nothing for s < m, as it must be, since m and the next
/// smaller float are far apart.
SmallVector<Value> emitRow(ImplicitLocOpBuilder &b, Value statistic,
                           const APFloat &constant) {
  constexpr float large = 0x1p28f;
  constexpr float huge = 0x1p126f;
  constexpr float safe = 0x1p-4f;
  auto f32 = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  const float c = constant.convertToFloat();
  int exponent;
  const float fraction = std::frexp(c, &exponent); // c = fraction 2^exponent
  const float power = std::ldexp(fraction == 0.5f ? 0.5f : 1.0f, exponent);
  Value negated = arith::NegFOp::create(b, statistic);
  // The product is compared, not m, although exponentials wait for it: ptxas
  // then scales accumulators between them, and else behind the last of them.
  Value size =
      math::AbsFOp::create(b, arith::MulFOp::create(b, negated, f32(c)));
  auto replaceAbove = [&](float bound, float replacement, Value factor) {
    Value isAbove =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, size, f32(bound));
    return arith::SelectOp::create(b, isAbove, f32(replacement), factor)
        .getResult();
  };
  Value factor = replaceAbove(large, power, f32(c));
  // A power above 1 overflows with the largest statistics.
  if (power > 1)
    factor = replaceAbove(huge, safe, factor);
  return {factor, arith::MulFOp::create(b, negated, factor)};
}

/// The same for exponents as fixed-point numbers: 256 c, and 127 * 256 - 256 m
/// c. The addend's rounding multiplies a row as above. Beyond, a power of two
/// replaces the factor by which its product with m has 2^15 as its last bit:
/// s = m has an exponent of 128, and the next smaller float none.
SmallVector<Value> emitFixedRow(ImplicitLocOpBuilder &b, Value statistic,
                                const APFloat &constant) {
  constexpr float large = 0x1p28f;
  constexpr int32_t bias = 127, size = 38, exponentBits = 0x7f800000;
  auto f32 = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  auto i32 = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  const float c = constant.convertToFloat();
  Value magnitude = math::AbsFOp::create(b, statistic);
  Value isLarge = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, magnitude,
                                        f32(large / c));
  Value exponent = arith::AndIOp::create(
      b, arith::BitcastOp::create(b, b.getI32Type(), statistic),
      i32(exponentBits));
  Value power = arith::SubIOp::create(
      b, i32(static_cast<uint32_t>(2 * bias + size) << 23), exponent);
  Value factor = arith::SelectOp::create(
      b, isLarge, arith::BitcastOp::create(b, b.getF32Type(), power),
      f32(256 * c));
  Value negated = arith::NegFOp::create(b, statistic);
  return {factor, math::FmaOp::create(b, negated, factor, f32(kExponentBias))};
}

/// exp2 of what `sum`, of the form FixedPoint, stands for.
Value emitFixedExponent(ImplicitLocOpBuilder &b, Value sum) {
  auto f32 = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  Value unbiased = arith::SubFOp::create(b, sum, f32(kExponentBias));
  return arith::MulFOp::create(b, unbiased, f32(1.0f / 256));
}

void contract(MapOp map, Exponential &match, ExponentForm form) {
  ImplicitLocOpBuilder b(map.getLoc(), map);
  bool isFixed = form == ExponentForm::FixedPoint;
  Value statistic = map.getInputs()[match.row];
  auto rowType = cast<TileType>(statistic.getType());
  auto rows = MapOp::create(
      b, map.getLoc(), TypeRange{rowType, rowType}, statistic,
      map.getOffsets().take_front(),
      [&](OpBuilder &inner, Location loc, ValueRange elements, ValueRange) {
        ImplicitLocOpBuilder body(loc, inner);
        return isFixed ? emitFixedRow(body, elements[0], match.constant)
                       : emitRow(body, elements[0], match.constant);
      });
  // The map's inputs and arguments gain the factor and the addend.
  Block &body = map.getBody().front();
  unsigned position = map.getInputs().size();
  Value factor = body.insertArgument(position, b.getF32Type(), map.getLoc());
  Value addend =
      body.insertArgument(position + 1, b.getF32Type(), map.getLoc());
  map.getInputsMutable().append(rows.getResults());
  b.setInsertionPoint(match.exp);
  Value fused =
      math::FmaOp::create(b, body.getArgument(match.score), factor, addend);
  Operation *difference = match.product.getLhs().getDefiningOp();
  match.exp.getOperandMutable().assign(isFixed ? emitFixedExponent(b, fused)
                                               : fused);
  if (match.product->use_empty())
    match.product->erase();
  if (difference->use_empty())
    difference->erase();
  if (BlockArgument unused = body.getArgument(match.row); unused.use_empty()) {
    body.eraseArgument(match.row);
    map.getInputsMutable().erase(match.row);
  }
}

class ContractExp2 final : public attn::impl::ContractExp2Base<ContractExp2> {
public:
  void runOnOperation() override {
    SmallVector<MapOp> maps;
    getOperation().walk([&](MapOp map) { maps.push_back(map); });
    for (MapOp map : maps)
      numContracted += attn::contractExp2(map);
  }
};

} // namespace

bool attn::contractExp2(MapOp map, ExponentForm form) {
  std::optional<Exponential> found = match(map);
  if (!found)
    return false;
  if (form == ExponentForm::FixedPoint) {
    // Powers that replace the constant are in the range of f32.
    constexpr float least = 0x1p-60f, most = 0x1p60f;
    float c = found->constant.convertToFloat();
    Operation *yield = map.getBody().front().getTerminator();
    if (c < least || c > most || yield->getOperand(0) != found->exp)
      return false;
  }
  contract(map, *found, form);
  return true;
}

Value attn::findExponentiated(MapOp map) {
  std::optional<Exponential> found = match(map);
  Operation *yield = map.getBody().front().getTerminator();
  return found && map.getNumResults() == 1 && yield->getOperand(0) == found->exp
             ? map.getInputs()[found->score]
             : Value();
}
