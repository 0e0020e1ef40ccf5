//===- FiniteScores.cpp - Masked scores without infinities ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For targets whose arithmetic may assume that there are no infinities (WGSL,
// rule 16): a finite sentinel replaces -inf, and scores are kept above it. What
// is stored of rows, and loaded again, is what it is on any other target.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/FiniteScores.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_FINITESCORES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn::tile;

namespace {

/// Scores in [-2^126, 2^126] are themselves. What exceeds that has a sixteenth
/// of its size (rule 15): the order of scores stays, and none is beyond 1.1875
/// * 2^126. The sentinel is lower. The product of the largest
/// difference, 2.6875 * 2^126, and log2(e) is finite.
constexpr float kLargestScore = 0x1p126f;
constexpr float kSentinel = -0x1.8p126f;
constexpr float kExcessFactor = 0x1p-4f;
/// The largest excess in that size for which the full size is finite, and not
/// what stands for -inf among full sizes.
constexpr float kLargestExcess = 0x1.7ffffcp123f;
constexpr float kLowest = -std::numeric_limits<float>::max();

bool isMinusInfinity(Value value) {
  return matchPattern(value, m_NegInfFloat());
}

Value constant(ImplicitLocOpBuilder &b, float value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

Value constantBool(ImplicitLocOpBuilder &b, bool value) {
  return arith::ConstantIntOp::create(b, value, /*width=*/1);
}

/// An element of a table, which may be there as a word (tile-pack-bindings).
/// One of 64 bits, as a scalar of them, counts once it is narrowed.
bool isTableElement(Value value) {
  if (auto narrowed = value.getDefiningOp<arith::TruncFOp>())
    return narrowed.getIn().getType().isF64();
  if (auto number = value.getDefiningOp<arith::BitcastOp>())
    value = number.getIn();
  return value.getDefiningOp<memref::LoadOp>() != nullptr;
}

/// By bits: a comparison with -inf may be assumed false.
Value hasBitsOfMinusInfinity(ImplicitLocOpBuilder &b, Value value) {
  auto type = cast<FloatType>(value.getType());
  Type word = b.getIntegerType(type.getWidth());
  APInt bits = APFloat::getInf(type.getFloatSemantics(), /*Negative=*/true)
                   .bitcastToAPInt();
  return arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq, arith::BitcastOp::create(b, word, value),
      arith::ConstantOp::create(b, b.getIntegerAttr(word, bits)));
}

Value isSentinel(ImplicitLocOpBuilder &b, Value value) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, value,
                               constant(b, kSentinel));
}

Value clamp(ImplicitLocOpBuilder &b, Value value, float largest) {
  Value atLeast = arith::MaximumFOp::create(b, value, constant(b, -largest));
  return arith::MinimumFOp::create(b, atLeast, constant(b, largest));
}

/// Any finite number as a score.
Value compress(ImplicitLocOpBuilder &b, Value value) {
  Value within = clamp(b, value, kLargestScore);
  Value excess = arith::SubFOp::create(b, value, within);
  return math::FmaOp::create(b, excess, constant(b, kExcessFactor), within);
}

/// A row statistic that memory holds: -inf is the sentinel.
Value compressRead(ImplicitLocOpBuilder &b, Value value) {
  return arith::SelectOp::create(b, hasBitsOfMinusInfinity(b, value),
                                 constant(b, kSentinel), compress(b, value));
}

/// The number that a score stands for; the lowest is -inf.
Value expand(ImplicitLocOpBuilder &b, Value score) {
  Value within = clamp(b, score, kLargestScore);
  Value excess =
      clamp(b, arith::SubFOp::create(b, score, within), kLargestExcess);
  Value number =
      math::FmaOp::create(b, excess, constant(b, 1 / kExcessFactor), within);
  Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, score,
                                     constant(b, kSentinel));
  return arith::SelectOp::create(b, none, constant(b, kLowest), number);
}

/// A tile with `change` made to each row of one of row statistics.
MapOp changeRows(ImplicitLocOpBuilder &b, Value tile,
                 function_ref<Value(ImplicitLocOpBuilder &, Value)> change) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  return MapOp::create(b, TypeRange{tile.getType()}, ValueRange{tile},
                       ValueRange{zero},
                       [&](OpBuilder &inner, Location loc, ValueRange x,
                           ValueRange) -> SmallVector<Value> {
                         ImplicitLocOpBuilder body(loc, inner);
                         return {change(body, x[0])};
                       });
}

bool holdsRows(Value tile) {
  auto type = cast<TileType>(tile.getType());
  return type.getRank() == 1 && type.getElementType().isF32();
}

/// Where a region would have -inf, as a condition: arithmetic on what stands
/// for it says nothing. Null is never. Whatever makes +inf or NaN of it is
/// outside of what is promised (rule 16).
class InfinityCondition {
public:
  /// `ofTile` is the condition for an element of an operand of the map.
  InfinityCondition(ImplicitLocOpBuilder &b, MapOp map,
                    function_ref<Value(BlockArgument)> ofTile)
      : b(b), map(map), ofTile(ofTile) {}

  Value get(Value value);

private:
  Value ofOp(Operation *op);
  Value ofFactor(Value infinite, Value other);

  Value either(Value x, Value y) {
    return x && y ? b.createOrFold<arith::OrIOp>(x, y) : x ? x : y;
  }
  Value both(Value x, Value y) {
    return x && y ? b.createOrFold<arith::AndIOp>(x, y) : Value();
  }

  ImplicitLocOpBuilder &b;
  MapOp map;
  function_ref<Value(BlockArgument)> ofTile;
};

Value InfinityCondition::get(Value value) {
  if (isMinusInfinity(value))
    return constantBool(b, true);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &map.getBody().front() ? ofTile(argument)
                                                         : Value();
  // What is read or comes from outside has been made finite on the way in.
  Operation *op = value.getDefiningOp();
  return map->isProperAncestor(op) && !isTableElement(value) ? ofOp(op)
                                                             : Value();
}

/// -inf times or divided by a positive number.
Value InfinityCondition::ofFactor(Value infinite, Value other) {
  Value condition = get(infinite);
  FloatAttr factor;
  if (!condition || matchPattern(other, m_Constant(&factor)))
    return condition && !factor.getValue().isNegative() ? condition : Value();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(other.getType()));
  return both(condition,
              arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, other, zero));
}

Value InfinityCondition::ofOp(Operation *op) {
  using R = Value;
  auto operand = [&](unsigned k) { return get(op->getOperand(k)); };
  return TypeSwitch<Operation *, R>(op)
      .Case([&](arith::SelectOp select) -> R {
        Value yes = get(select.getTrueValue()),
              no = get(select.getFalseValue());
        if (!yes && !no)
          return {};
        Value never = constantBool(b, false);
        return b.createOrFold<arith::SelectOp>(
            select.getCondition(), yes ? yes : never, no ? no : never);
      })
      .Case<arith::AddFOp, arith::MinimumFOp, arith::MinNumFOp>(
          [&](Operation *) -> R { return either(operand(0), operand(1)); })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>(
          [&](Operation *) -> R { return both(operand(0), operand(1)); })
      .Case([&](math::ClampFOp clamp) -> R {
        return either(both(get(clamp.getValue()), get(clamp.getMin())),
                      get(clamp.getMax()));
      })
      .Case<arith::SubFOp, arith::ExtFOp, arith::TruncFOp>(
          [&](Operation *) -> R { return operand(0); })
      .Case<arith::MulFOp>([&](arith::MulFOp product) -> R {
        return either(ofFactor(product.getLhs(), product.getRhs()),
                      ofFactor(product.getRhs(), product.getLhs()));
      })
      .Case<arith::DivFOp>([&](arith::DivFOp quotient) -> R {
        return ofFactor(quotient.getLhs(), quotient.getRhs());
      })
      .Case([&](math::FmaOp fma) -> R {
        return either(either(ofFactor(fma.getA(), fma.getB()),
                             ofFactor(fma.getB(), fma.getA())),
                      get(fma.getC()));
      })
      // These have no such value.
      .Case<arith::SIToFPOp, arith::UIToFPOp, math::AbsFOp, math::ExpOp,
            math::Exp2Op, math::TanhOp, math::ErfOp, math::SinOp, math::CosOp,
            math::SqrtOp>([](Operation *) -> R { return {}; })
      .Default([&](Operation *made) -> R {
        Value value = made->getResult(0);
        Value infinite = hasBitsOfMinusInfinity(b, value);
        if (!value.getType().isF32())
          return infinite;
        return either(infinite, isSentinel(b, value));
      });
}

/// A number that no element of the tile exceeds, where inputs are finite: that
/// of a product of small floats follows from their types.
std::optional<double> findBound(Value tile) {
  auto dot = tile.getDefiningOp<DotOp>();
  auto sums = dot ? dot.getAcc().getDefiningOp<SplatOp>() : SplatOp();
  TileType a = dot ? dot.getA().getType() : TileType();
  if (!sums || !matchPattern(sums.getValue(), m_AnyZeroFloat()) ||
      !a.getElementType().isF16())
    return std::nullopt;
  constexpr double largest = 65504;
  return largest * largest * a.getShape()[dot.getTransposeA() ? 0 : 1];
}

/// The same for an element that a region computes of such a tile by factors, or
/// bounds itself.
std::optional<double> findBound(MapOp map, Value value) {
  constexpr double largestHalf = 65504;
  if (value.getDefiningOp<math::TanhOp>())
    return 1.0;
  if (auto wide = value.getDefiningOp<arith::ExtFOp>())
    return wide.getIn().getType().isF16() ? std::optional(largestHalf)
                                          : std::nullopt;
  if (auto sum = value.getDefiningOp<arith::AddFOp>()) {
    std::optional<double> lhs = findBound(map, sum.getLhs()),
                          rhs = findBound(map, sum.getRhs());
    return lhs && rhs ? std::optional(*lhs + *rhs) : std::nullopt;
  }
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == &map.getBody().front() &&
      argument.getArgNumber() < map.getInputs().size())
    return findBound(map.getInputs()[argument.getArgNumber()]);
  auto product = value.getDefiningOp<arith::MulFOp>();
  FloatAttr factor;
  if (!product || !matchPattern(product.getRhs(), m_Constant(&factor)))
    return std::nullopt;
  std::optional<double> bound = findBound(map, product.getLhs());
  if (bound)
    *bound *= std::abs(factor.getValueAsDouble());
  return bound;
}

/// Whether a float of a region is huge only where products of numbers are that
/// have no reason to be: nothing from a table is added or chosen, and no
/// constant is large.
bool isOfProducts(MapOp map, Value value) {
  constexpr double large = 0x1p64;
  FloatAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return isMinusInfinity(value) ||
           std::abs(constant.getValueAsDouble()) < large;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &map.getBody().front() &&
           !map.getInputs()[argument.getArgNumber()].getDefiningOp<LoadOp>();
  Operation *op = value.getDefiningOp();
  if (!map->isProperAncestor(op) || isTableElement(value))
    return false;
  auto isFactor = [&](Value factor) {
    Value read = factor;
    if (auto wide = read.getDefiningOp<arith::ExtFOp>())
      read = wide.getIn();
    // An element for which -inf was ruled out.
    auto select = read.getDefiningOp<arith::SelectOp>();
    if (select && isMinusInfinity(select.getTrueValue()))
      read = select.getFalseValue();
    bool isOutside = !map.getBody().isAncestor(read.getParentRegion()) &&
                     !matchPattern(read, m_Constant());
    return isOutside || isTableElement(read) || isOfProducts(map, factor);
  };
  if (isa<arith::MulFOp, arith::DivFOp>(op))
    return llvm::all_of(op->getOperands(), isFactor);
  if (auto fma = dyn_cast<math::FmaOp>(op))
    return isFactor(fma.getA()) && isFactor(fma.getB()) &&
           isOfProducts(map, fma.getC());
  return op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return !isa<FloatType>(operand.getType()) ||
                  isOfProducts(map, operand);
         });
}

struct FiniteScoresPass final : attn::impl::FiniteScoresBase<FiniteScoresPass> {
  using FiniteScoresBase::FiniteScoresBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr(kKernelAttrName))
      return;
    scoreTiles.clear();
    infiniteTiles.clear();
    compresses = false;
    kernel.walk([&](LoadOp load) {
      if (holdsRows(load.getResult()))
        compressLoaded(load);
    });
    kernel.walk([&](ReduceOp reduce) {
      if (reduce.getKind() == ReduceKind::Max)
        addScores(reduce.getInput());
    });
    // What a map reads comes before it.
    kernel.walk<WalkOrder::PreOrder>([&](MapOp map) {
      if (llvm::any_of(map.getResults(),
                       [&](Value tile) { return scoreTiles.contains(tile); }))
        makeFinite(map);
      else if (map.getDomainRank() == 1)
        compressSinks(map);
    });

    // What is left of -inf marks rows without keys, and is never told by value
    // where regions have it.
    kernel.walk([&](arith::ConstantOp op) {
      if (!isMinusInfinity(op))
        return;
      auto type = cast<FloatType>(op.getType());
      APFloat value(kSentinel);
      bool losesInfo;
      value.convert(type.getFloatSemantics(), APFloat::rmTowardZero,
                    &losesInfo);
      op.setValueAttr(FloatAttr::get(type, value));
    });
    // Memory gets the infinity back, by its bits, and what exceeds scores.
    kernel.walk([&](StoreOp store) {
      auto view = store.getDest().getDefiningOp<memref::ReinterpretCastOp>();
      auto arg =
          view ? dyn_cast<BlockArgument>(view.getSource()) : BlockArgument();
      if (!holdsRows(store.getTile()) || !arg)
        return;
      if (compresses) {
        ImplicitLocOpBuilder b(store.getLoc(), store);
        store.getTileMutable().set(
            changeRows(b, store.getTile(), expand).getResult(0));
      }
      kernel.setArgAttr(
          arg.getArgNumber(), "attn.minus_infinity",
          Builder(store).getF32FloatAttr(compresses ? kLowest : kSentinel));
    });
  }

private:
  /// Collects the tiles whose elements reach a row maximum.
  void addScores(Value tile) {
    if (!scoreTiles.insert(tile))
      return;
    auto type = cast<TileType>(tile.getType());
    if (auto branch = tile.getDefiningOp<scf::IfOp>()) {
      unsigned number = cast<OpResult>(tile).getResultNumber();
      addScores(branch.thenYield().getOperand(number));
      addScores(branch.elseYield().getOperand(number));
    } else if (auto map = tile.getDefiningOp<MapOp>()) {
      for (Value input : map.getInputs())
        if (auto from = cast<TileType>(input.getType());
            from.getRank() == type.getRank() &&
            from.getElementType() == type.getElementType())
          addScores(input);
    }
  }

  /// Whether elements of a tile are the sentinel, or -inf in memory.
  bool maybeInfinite(Value tile) const {
    if (auto branch = tile.getDefiningOp<scf::IfOp>()) {
      unsigned number = cast<OpResult>(tile).getResultNumber();
      return maybeInfinite(branch.thenYield().getOperand(number)) ||
             maybeInfinite(branch.elseYield().getOperand(number));
    }
    return tile.getDefiningOp<LoadOp>() || infiniteTiles.contains(tile);
  }

  void compressLoaded(LoadOp load) {
    ImplicitLocOpBuilder b(load.getLoc(), load);
    b.setInsertionPointAfter(load);
    MapOp rows = changeRows(b, load.getResult(), compressRead);
    load.getResult().replaceAllUsesExcept(rows.getResult(0), rows);
    infiniteTiles.insert(rows.getResult(0));
    compresses = true;
  }

  /// One more logit of each row of a head.
  void compressSinks(MapOp map) {
    auto isSink = [&](OpOperand &operand) {
      Value value = operand.get();
      if (map.getBody().isAncestor(value.getParentRegion()) ||
          !value.getType().isF32())
        return false;
      auto wide = value.getDefiningOp<arith::ExtFOp>();
      return isTableElement(wide ? wide.getIn() : value);
    };
    compresses |= replaceReads(map, isSink, compressRead);
  }

  void makeFinite(MapOp map) {
    sanitizeReads(map);
    auto yield = cast<YieldOp>(map.getBody().front().getTerminator());
    ImplicitLocOpBuilder b(map.getLoc(), yield);
    auto ofTile = [&](BlockArgument argument) -> Value {
      if (argument.getArgNumber() >= map.getInputs().size() ||
          !argument.getType().isF32())
        return {};
      Value tile = map.getInputs()[argument.getArgNumber()];
      if (!maybeInfinite(tile))
        return {};
      Value marked = isSentinel(b, argument);
      if (tile.getDefiningOp<MapOp>())
        return marked;
      return arith::OrIOp::create(b, hasBitsOfMinusInfinity(b, argument),
                                  marked);
    };
    InfinityCondition condition(b, map, ofTile);
    replaceComparisons(b, map, condition);
    b.setInsertionPoint(yield);
    for (auto [tile, operand] :
         llvm::zip_equal(map.getResults(), yield->getOpOperands()))
      if (scoreTiles.contains(tile)) {
        Operation *old = operand.get().getDefiningOp();
        operand.set(finite(b, map, tile, operand.get(), condition));
        ++numTiles;
        if (old && isOpTriviallyDead(old))
          old->erase();
      }
  }

  /// Tables, and scalars from outside, may hold -inf; regions see what stands
  /// for it.
  static void sanitizeReads(MapOp map) {
    auto sanitize = [](ImplicitLocOpBuilder &b, Value value) -> Value {
      Value infinite = hasBitsOfMinusInfinity(b, value);
      auto type = cast<FloatType>(value.getType());
      Value infinity = arith::ConstantOp::create(
          b, b.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics(),
                                                  /*Negative=*/true)));
      return arith::SelectOp::create(b, infinite, infinity, value);
    };
    // What only scales is not asked: -inf there is no score.
    auto isRead = [&](OpOperand &operand) {
      Value value = operand.get();
      if (!isa<FloatType>(value.getType()) || value.getType().isF64())
        return false;
      if (isTableElement(value))
        return true;
      return !map.getBody().isAncestor(value.getParentRegion()) &&
             !matchPattern(value, m_Constant()) &&
             !isa<arith::MulFOp, arith::DivFOp>(operand.getOwner());
    };
    replaceReads(map, isRead, sanitize);
  }

  /// Replaces what `isRead` says of operands in a region; true where there are
  /// any.
  static bool
  replaceReads(MapOp map, function_ref<bool(OpOperand &)> isRead,
               function_ref<Value(ImplicitLocOpBuilder &, Value)> replace) {
    Block &body = map.getBody().front();
    SetVector<Value> reads;
    for (Operation &op : body)
      for (OpOperand &operand : op.getOpOperands())
        if (isRead(operand))
          reads.insert(operand.get());
    for (Value read : reads) {
      ImplicitLocOpBuilder b(map.getLoc(), map.getContext());
      Operation *load = read.getDefiningOp();
      if (load && map->isProperAncestor(load))
        b.setInsertionPointAfter(load);
      else
        b.setInsertionPointToStart(&body);
      SmallVector<OpOperand *> uses;
      for (OpOperand &use : read.getUses())
        if (map->isProperAncestor(use.getOwner()) &&
            !isa<arith::BitcastOp>(use.getOwner()))
          uses.push_back(&use);
      Value replacement = replace(b, read);
      for (OpOperand *use : uses)
        use->set(replacement);
    }
    return !reads.empty();
  }

  /// A region that compares with -inf gets the condition, or something lower
  /// than all scores.
  static void replaceComparisons(ImplicitLocOpBuilder &b, MapOp map,
                                 InfinityCondition &condition) {
    using P = arith::CmpFPredicate;
    for (auto compare : llvm::make_early_inc_range(
             map.getBody().front().getOps<arith::CmpFOp>())) {
      if (!compare.getLhs().getType().isF32())
        continue;
      b.setInsertionPoint(compare);
      Value lhs = condition.get(compare.getLhs()),
            rhs = condition.get(compare.getRhs());
      P predicate = compare.getPredicate();
      bool isEqual = predicate == P::OEQ || predicate == P::UEQ;
      bool isOther = predicate == P::ONE || predicate == P::UNE;
      if ((isEqual || isOther) && isMinusInfinity(compare.getRhs())) {
        Value infinite = lhs ? lhs : constantBool(b, false);
        if (isOther)
          infinite =
              b.createOrFold<arith::XOrIOp>(infinite, constantBool(b, true));
        compare.replaceAllUsesWith(infinite);
        compare.erase();
        continue;
      }
      Value lowest = lhs || rhs ? constant(b, kLowest) : Value();
      if (lhs)
        compare.getLhsMutable().set(
            b.createOrFold<arith::SelectOp>(lhs, lowest, compare.getLhs()));
      if (rhs)
        compare.getRhsMutable().set(
            b.createOrFold<arith::SelectOp>(rhs, lowest, compare.getRhs()));
    }
  }

  /// Whether the scores of a tile are within their bounds, or the sentinel.
  bool isFinite(Value tile) const {
    if (auto branch = tile.getDefiningOp<scf::IfOp>()) {
      unsigned number = cast<OpResult>(tile).getResultNumber();
      return isFinite(branch.thenYield().getOperand(number)) &&
             isFinite(branch.elseYield().getOperand(number));
    }
    return tile.getDefiningOp<MapOp>() && scoreTiles.contains(tile);
  }

  Value finite(ImplicitLocOpBuilder &b, MapOp map, Value tile, Value value,
               InfinityCondition &condition) {
    // A mask is select(attended, score, -inf).
    auto mask = value.getDefiningOp<arith::SelectOp>();
    if (mask && isMinusInfinity(mask.getFalseValue())) {
      infiniteTiles.insert(tile);
      Value score = finite(b, map, tile, mask.getTrueValue(), condition);
      return arith::SelectOp::create(b, mask.getCondition(), score,
                                     constant(b, kSentinel));
    }
    // Scores of another map are finite already.
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == &map.getBody().front() &&
        isFinite(map.getInputs()[argument.getArgNumber()])) {
      if (maybeInfinite(map.getInputs()[argument.getArgNumber()]))
        infiniteTiles.insert(tile);
      return value;
    }
    std::optional<double> bound = findBound(map, value);
    Value score = value;
    if (!bound || *bound >= kLargestScore) {
      bool isClamped = isOfProducts(map, value);
      score = isClamped ? clamp(b, value, kLargestScore) : compress(b, value);
      compresses |= !isClamped;
    }
    // -inf from a table or a region is not attended (rule 14).
    Value infinite = condition.get(value);
    if (!infinite)
      return score;
    infiniteTiles.insert(tile);
    return arith::SelectOp::create(b, infinite, constant(b, kSentinel), score);
  }

  /// Tiles whose elements reach a row maximum; those that may be the sentinel.
  llvm::SetVector<Value> scoreTiles;
  DenseSet<Value> infiniteTiles;
  /// Whether scores of the kernel may exceed their bounds in a smaller size.
  bool compresses = false;
};

} // namespace
