//===- LazyMaxima.cpp - tile-lazy-maxima ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A running maximum is an offset that keeps exponentials small, and any offset
// nearby serves as well: exp2((s - m) c) and all that was scaled by it follow
// another m exactly. So it stays where it is until a score has outgrown it by a
// bound, and the reductions and products that move it wait under a branch.
// After the loop it moves to the maximum, and nobody can tell; what says that
// it is an offset and nothing else stays where it is. The largest weight of a
// row is then not 1, and a product rounds it: sums are of what it multiplies.
//
//===----------------------------------------------------------------------===//

#include "LazyMaxima.h"
#include "Matrices.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace attn {
#define GEN_PASS_DEF_LAZYMAXIMA
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static constexpr unsigned kFloatBits = 32;

namespace {

/// A maximum that a loop carries, and what an iteration does when it moves.
struct RunningMaximum {
  unsigned number;
  ReduceOp reduce;
  /// Of the new maximum alone, in order.
  SmallVector<MapOp> derived;
  /// By what the old and the new maximum differ, and the constant in
  /// exp2((old - new) * constant).
  MapOp alpha;
  float factor = 0;
  /// Products of carried values by that.
  SmallVector<std::pair<unsigned, MapOp>> rescaled;

  /// Whether nothing but the sums relative to it comes of it.
  bool isOffset() const {
    return ReduceOp(reduce)->hasAttr(tile::kOffsetAttrName);
  }
};

class Matcher {
public:
  Matcher(scf::ForOp loop, unsigned number) : loop(loop) {
    maximum.number = number;
  }
  std::optional<RunningMaximum> run();

private:
  bool findDerived();
  bool matchAlpha();
  bool matchRescaled();
  /// Whether the value is the new maximum, or 0 where it is -inf.
  bool isMaximum(Value tile);
  bool isOutside(Value value) {
    return !loop.getBodyRegion().isAncestor(value.getParentRegion());
  }

  scf::ForOp loop;
  RunningMaximum maximum;
};

} // namespace

bool Matcher::isMaximum(Value tile) {
  if (tile == maximum.reduce.getResult())
    return true;
  auto map = tile.getDefiningOp<MapOp>();
  if (!map || map.getInputs().size() != 1 || map.getNumResults() != 1 ||
      map.getInputs()[0] != maximum.reduce.getResult())
    return false;
  Value element = map.getElementArgs()[0];
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  auto select = yield.getValues()[0].getDefiningOp<arith::SelectOp>();
  auto isEmpty = select ? select.getCondition().getDefiningOp<arith::CmpFOp>()
                        : arith::CmpFOp();
  return isEmpty && select.getFalseValue() == element &&
         isEmpty.getPredicate() == arith::CmpFPredicate::OEQ &&
         isEmpty.getLhs() == element &&
         matchPattern(isEmpty.getRhs(), m_NegInfFloat());
}

/// Row statistics of the maximum, and what is computed from them alone.
bool Matcher::findDerived() {
  DenseSet<Value> known{Value(maximum.reduce.getResult())};
  Value old = loop.getRegionIterArg(maximum.number);
  for (auto map : loop.getBody()->getOps<MapOp>()) {
    bool uses = llvm::any_of(
        map.getInputs(), [&](Value input) { return known.contains(input); });
    if (map.getDomainRank() != 1 || !uses)
      continue;
    if (!llvm::all_of(map.getOffsets(),
                      [&](Value at) { return isOutside(at); }))
      return false;
    if (llvm::is_contained(map.getInputs(), old)) {
      if (maximum.alpha)
        return false;
      maximum.alpha = map;
      continue;
    }
    if (!llvm::all_of(map.getInputs(), [&](Value input) {
          return known.contains(input) || isOutside(input);
        }))
      continue;
    maximum.derived.push_back(map);
    known.insert(map.result_begin(), map.result_end());
  }
  return static_cast<bool>(maximum.alpha);
}

bool Matcher::matchAlpha() {
  MapOp map = maximum.alpha;
  ValueRange elements = map.getElementArgs();
  if (elements.size() != 2 || map.getNumResults() != 1 ||
      map.getInputs()[0] != loop.getRegionIterArg(maximum.number) ||
      !isMaximum(map.getInputs()[1]))
    return false;
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  auto exp = yield.getValues()[0].getDefiningOp<math::Exp2Op>();
  auto scaled =
      exp ? exp.getOperand().getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  auto difference =
      scaled ? scaled.getLhs().getDefiningOp<arith::SubFOp>() : arith::SubFOp();
  FloatAttr factor;
  if (!difference || difference.getLhs() != elements[0] ||
      difference.getRhs() != elements[1] ||
      !matchPattern(scaled.getRhs(), m_Constant(&factor)))
    return false;
  maximum.factor = factor.getValueAsDouble();
  return std::isnormal(maximum.factor) && maximum.factor > 0 &&
         std::isfinite(kLazyBound / maximum.factor);
}

/// What is carried is multiplied, and nothing else becomes of it. It begins
/// with 0: where no score is above -inf, the factor is 0 or 1.
bool Matcher::matchRescaled() {
  Value alpha = maximum.alpha.getResult(0);
  for (Operation *user : alpha.getUsers()) {
    auto map = dyn_cast<MapOp>(user);
    if (!map || map->getBlock() != loop.getBody() ||
        map.getInputs().size() != 2 || map.getNumResults() != 1 ||
        map.getInputs()[1] != alpha)
      return false;
    auto carried = dyn_cast<BlockArgument>(map.getInputs()[0]);
    auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
    auto product = yield.getValues()[0].getDefiningOp<arith::MulFOp>();
    ValueRange elements = map.getElementArgs();
    if (!carried || carried.getOwner() != loop.getBody() ||
        carried.getArgNumber() == 0 || !carried.hasOneUse() || !product ||
        product.getLhs() != elements[0] || product.getRhs() != elements[1] ||
        !llvm::all_of(map.getOffsets(), [&](Value at) {
          return isOutside(at) || matchPattern(at, m_Constant());
        }))
      return false;
    unsigned number = carried.getArgNumber() - 1;
    auto init = loop.getInitArgs()[number].getDefiningOp<SplatOp>();
    if (!init || !matchPattern(init.getValue(), m_AnyZeroFloat()))
      return false;
    maximum.rescaled.push_back({number, map});
  }
  return true;
}

std::optional<RunningMaximum> Matcher::run() {
  Value old = loop.getRegionIterArg(maximum.number);
  auto type = dyn_cast<TileType>(old.getType());
  if (!type || type.getRank() != 1 || !type.getElementType().isF32())
    return std::nullopt;
  maximum.reduce =
      loop.getYieldedValues()[maximum.number].getDefiningOp<ReduceOp>();
  if (!maximum.reduce || maximum.reduce->getBlock() != loop.getBody() ||
      maximum.reduce.getKind() != ReduceKind::Max ||
      maximum.reduce.getInit() != old || !findDerived() || !matchAlpha() ||
      !matchRescaled())
    return std::nullopt;
  // The reduction and the difference, nothing else.
  return old.hasNUses(2) ? std::optional(maximum) : std::nullopt;
}

namespace {
/// Rewrites a loop.
class Rewriter {
public:
  Rewriter(scf::ForOp loop, const RunningMaximum &maximum, int64_t cols)
      : loop(loop), maximum(maximum), cols(cols),
        b(ReduceOp(maximum.reduce).getLoc(), loop) {}
  void run();

private:
  void carryTop();
  Value isOutgrown(Value top);
  /// What moves with the offset, computed again for another one: `reduced` is
  /// the new, `mapping` knows the old and what is carried.
  void cloneMove(Value reduced, IRMapping &mapping);
  void moveAfterLoop();

  scf::ForOp loop;
  RunningMaximum maximum;
  int64_t cols;
  ImplicitLocOpBuilder b;
  /// The number of what the loop carries for the maximum after it: the greatest
  /// scores so far, of which a row has several.
  unsigned top = 0;
};
} // namespace

void Rewriter::carryTop() {
  TileType rows = maximum.reduce.getType();
  auto type = TileType::get(b.getContext(), {rows.getRows(), cols},
                            rows.getElementType());
  Value none = SplatOp::create(
      b, type,
      arith::ConstantOp::create(
          b, FloatAttr::get(b.getF32Type(),
                            APFloat::getInf(APFloat::IEEEsingle(), true))));
  top = loop.getNumRegionIterArgs();
  IRRewriter rewriter(b.getContext());
  rewriter.setInsertionPoint(loop);
  loop = cast<scf::ForOp>(
      (*loop.replaceWithAdditionalYields(
           rewriter, none, /*replaceInitOperandUsesInLoop=*/false,
           [&](OpBuilder &nested, Location loc,
               ArrayRef<BlockArgument> carried) -> SmallVector<Value> {
             nested.setInsertionPoint(maximum.reduce);
             return {ReduceOp::create(nested, loc, type, ReduceKind::Max,
                                      maximum.reduce.getInput(),
                                      carried.back())};
           }))
          .getOperation());
}

Value Rewriter::isOutgrown(Value top) {
  Value old = loop.getRegionIterArg(maximum.number);
  MapOp alpha = maximum.alpha;
  float distance = kLazyBound / maximum.factor;
  Value limit =
      MapOp::create(
          b, TypeRange{old.getType()}, ValueRange{old}, alpha.getOffsets(),
          [&](OpBuilder &nested, Location loc, ValueRange x,
              ValueRange) -> SmallVector<Value> {
            ImplicitLocOpBuilder body(loc, nested);
            Value bound =
                arith::ConstantOp::create(body, body.getF32FloatAttr(distance));
            return {arith::AddFOp::create(body, x[0], bound)};
          })
          .getResult(0);
  return AnyAboveOp::create(b, top, limit);
}

void Rewriter::cloneMove(Value reduced, IRMapping &mapping) {
  mapping.map(maximum.reduce.getResult(), reduced);
  for (MapOp map : maximum.derived)
    b.clone(*map, mapping);
  b.clone(*maximum.alpha, mapping);
  for (auto [number, map] : maximum.rescaled) {
    // Offsets that are constants of the body.
    for (Value at : map.getOffsets())
      if (Operation *constant = at.getDefiningOp();
          constant && constant->getBlock() == loop.getBody() &&
          !mapping.contains(at))
        b.clone(*constant, mapping);
    b.clone(*map, mapping);
  }
}

/// After the loop the offset moves to the maximum, so that all is what it was.
void Rewriter::moveAfterLoop() {
  b.setInsertionPointAfter(loop);
  IRMapping last;
  last.map(loop.getRegionIterArgs(), loop.getResults());
  Value offset = loop.getResult(maximum.number);
  auto reduced = ReduceOp::create(b, maximum.reduce.getType(), ReduceKind::Max,
                                  loop.getResult(top), offset);
  cloneMove(reduced, last);
  SmallPtrSet<Operation *, 8> own{reduced};
  auto note = [&](MapOp map) {
    own.insert(last.lookup(map.getResult(0)).getDefiningOp());
  };
  llvm::for_each(maximum.derived, note);
  note(maximum.alpha);
  for (auto [number, map] : maximum.rescaled)
    note(map);
  offset.replaceAllUsesExcept(reduced, own);
  for (auto [number, map] : maximum.rescaled)
    loop.getResult(number).replaceAllUsesExcept(last.lookup(map.getResult(0)),
                                                own);
}

void Rewriter::run() {
  if (!maximum.isOffset()) {
    carryTop();
    moveAfterLoop();
  } else if (loop.getNumRegionIterArgs() == maximum.rescaled.size() + 1 &&
             loop.getOps<StoreOp>().empty()) {
    loop->setAttr(kUnorderedAttrName, b.getUnitAttr());
  }
  ReduceOp reduce = maximum.reduce;
  b.setInsertionPoint(reduce);
  Value old = loop.getRegionIterArg(maximum.number);
  SmallVector<Value> replaced{reduce.getResult()}, kept{old};
  for (auto [number, map] : maximum.rescaled) {
    replaced.push_back(map.getResult(0));
    kept.push_back(loop.getRegionIterArg(number));
  }
  auto branch = scf::IfOp::create(b, TypeRange(ValueRange(kept)),
                                  isOutgrown(reduce.getInput()),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  IRMapping moved;
  cloneMove(ReduceOp::create(b, reduce.getType(), ReduceKind::Max,
                             reduce.getInput(), old),
            moved);
  scf::YieldOp::create(b, llvm::map_to_vector(replaced, [&](Value value) {
                         return moved.lookup(value);
                       }));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, kept);
  // What is computed of the offset alone stays: carried, it would take
  // registers in which nothing else lives.
  for (auto [value, result] : llvm::zip_equal(replaced, branch.getResults()))
    value.replaceAllUsesExcept(result, branch);
  // Users first.
  for (auto [number, map] : maximum.rescaled)
    map.erase();
  maximum.alpha.erase();
  reduce.erase();
}

/// Whether a result, or what becomes of it, is stored with 32 bits.
static bool isStoredWide(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    if (!isa<MapOp, ReduceOp, ConvertOp>(user))
      return true;
    auto convert = dyn_cast<ConvertOp>(user);
    if (convert &&
        convert.getType().getElementType().getIntOrFloatBitWidth() < kFloatBits)
      return false;
    return llvm::any_of(user->getResults(), isStoredWide);
  });
}

/// The log of a sum shows what rounding to 8 bits changes.
static bool takesLogarithms(scf::ForOp loop) {
  auto walk = loop->getParentOfType<func::FuncOp>().walk([](Operation *op) {
    return isa<math::LogOp, math::Log2Op>(op) ? WalkResult::interrupt()
                                              : WalkResult::advance();
  });
  return walk.wasInterrupted();
}

namespace {
/// The sum of weights that a product takes with 16 bits.
struct WeightSum {
  unsigned number = 0;
  MapOp rescaling;
  ReduceOp inLoop, afterLoop;
  ConvertOp weights;

  bool isPartial() const {
    return ReduceOp(inLoop).getType().getRank() == 2 && afterLoop;
  }
};
} // namespace

/// The sum of a loop, if it has to be of rounded weights: where a row is nearly
/// all of one weight, only then does its rounding not show. Results of 16 bits
/// are rounded more than that, and so are those of which this stores parts. A
/// conversion to bf16 may truncate (`mayTruncate`), unless it is rounded by
/// arithmetic first: that takes longer but for parts, whose keys are few.
static std::optional<WeightSum> findRoundedSum(scf::ForOp loop,
                                               const RunningMaximum &maximum,
                                               bool mayTruncate) {
  for (auto [number, map] : maximum.rescaled) {
    WeightSum sum{number, map, {}, {}, {}};
    sum.inLoop = loop.getYieldedValues()[number].getDefiningOp<ReduceOp>();
    if (!sum.inLoop || sum.inLoop.getKind() != ReduceKind::Sum ||
        sum.inLoop.getInit() != map.getResult(0))
      continue;
    for (Operation *user : sum.inLoop.getInput().getUsers())
      if (auto convert = dyn_cast<ConvertOp>(user);
          convert && convert->getBlock() == loop.getBody() &&
          llvm::all_of(convert->getUses(), isFactor))
        sum.weights = convert;
    if (!sum.weights)
      continue;
    Type type = sum.weights.getType().getElementType();
    bool isWide = llvm::any_of(maximum.rescaled, [&](const auto &carried) {
      return carried.first != sum.number &&
             isStoredWide(loop.getResult(carried.first));
    });
    bool isNarrow = ReduceOp(maximum.reduce)->hasAttr(tile::kNarrowAttrName);
    if (type.getIntOrFloatBitWidth() == kFloatBits || (isWide && isNarrow) ||
        (!isWide && (type.isF16() || !mayTruncate)))
      continue;
    Value total = loop.getResult(number);
    if (total.hasOneUse())
      sum.afterLoop = dyn_cast<ReduceOp>(*total.user_begin());
    if (sum.afterLoop && sum.afterLoop.getType().getRank() != 1)
      sum.afterLoop = nullptr;
    return sum;
  }
  return std::nullopt;
}

/// The weights of a tile are added to `acc`: for matrix units by a product with
/// ones, which makes as many columns as there were partial sums, all alike.
static Value addRounded(scf::ForOp loop, ConvertOp weights, Value acc,
                        bool byProduct) {
  auto type = cast<TileType>(acc.getType());
  Type element = weights.getType().getElementType();
  ImplicitLocOpBuilder b(weights.getLoc(), loop);
  Operation *last = acc.getDefiningOp()->isBeforeInBlock(weights)
                        ? weights.getOperation()
                        : acc.getDefiningOp();
  if (!byProduct) {
    b.setInsertionPointAfter(last);
    Value wide = ConvertOp::create(b, weights.getInput().getType(), weights);
    return ReduceOp::create(b, type, ReduceKind::Sum, wide, acc);
  }
  auto ones = TileType::get(
      b.getContext(), {weights.getType().getCols(), type.getCols()}, element);
  Value one = SplatOp::create(
      b, ones, arith::ConstantOp::create(b, b.getFloatAttr(element, 1)));
  weights->setAttr(tile::kAnyRoundingAttrName, b.getUnitAttr());
  b.setInsertionPointAfter(last);
  return DotOp::create(b, type, weights, one, acc, /*transpose_a=*/false,
                       /*transpose_b=*/false);
}

static void replaceSum(scf::ForOp loop, const WeightSum &sum) {
  ReduceOp reduce = sum.inLoop;
  reduce.replaceAllUsesWith(
      addRounded(loop, sum.weights, reduce.getInit(), /*byProduct=*/true));
  reduce.erase();
  ReduceOp(sum.afterLoop).setKind(ReduceKind::Max);
}

/// A second sum, of rounded weights, for all but the first: what is relative to
/// them is multiplied after the loop by the quotient of both.
static scf::ForOp carryRoundedSum(scf::ForOp loop, const WeightSum &sum,
                                  RunningMaximum &maximum, bool byProduct) {
  SmallVector<unsigned> products;
  for (auto [number, map] : maximum.rescaled)
    if (number != sum.number)
      products.push_back(number);
  ReduceOp afterLoop = sum.afterLoop;
  ImplicitLocOpBuilder b(afterLoop.getLoc(), loop);
  Value none =
      SplatOp::create(b, ReduceOp(sum.inLoop).getType(),
                      arith::ConstantOp::create(b, b.getF32FloatAttr(0)));
  unsigned rounded = loop.getNumRegionIterArgs();
  IRRewriter rewriter(b.getContext());
  rewriter.setInsertionPoint(loop);
  MapOp rescaling = sum.rescaling;
  auto addToBody = [&](OpBuilder &nested, Location loc,
                       ArrayRef<BlockArgument> carried) -> SmallVector<Value> {
    nested.setInsertionPointAfter(rescaling);
    IRMapping mapping;
    mapping.map(rescaling.getInputs()[0], carried.back());
    auto map = cast<MapOp>(nested.clone(*rescaling, mapping));
    maximum.rescaled.push_back({rounded, map});
    auto body = cast<scf::ForOp>(carried.back().getOwner()->getParentOp());
    return {addRounded(body, sum.weights, map.getResult(0), byProduct)};
  };
  loop =
      cast<scf::ForOp>((*loop.replaceWithAdditionalYields(
                            rewriter, none,
                            /*replaceInitOperandUsesInLoop=*/false, addToBody))
                           .getOperation());
  b.setInsertionPointAfter(afterLoop);
  auto total = ReduceOp::create(b, afterLoop.getType(),
                                byProduct ? ReduceKind::Max : ReduceKind::Sum,
                                loop.getResult(rounded), afterLoop.getInit());
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value quotient =
      MapOp::create(
          b, TypeRange{afterLoop.getType()}, ValueRange{afterLoop, total},
          ValueRange{zero},
          [](OpBuilder &nested, Location loc, ValueRange x,
             ValueRange) -> SmallVector<Value> {
            ImplicitLocOpBuilder body(loc, nested);
            Value none =
                arith::ConstantOp::create(body, body.getF32FloatAttr(0));
            Value isEmpty = arith::CmpFOp::create(
                body, arith::CmpFPredicate::OEQ, x[1], none);
            return {arith::SelectOp::create(
                body, isEmpty, none, arith::DivFOp::create(body, x[0], x[1]))};
          })
          .getResult(0);
  for (unsigned number : products) {
    Value product = loop.getResult(number);
    auto scaled =
        MapOp::create(b, TypeRange{product.getType()},
                      ValueRange{product, quotient}, ValueRange{zero, zero},
                      [](OpBuilder &nested, Location loc, ValueRange x,
                         ValueRange) -> SmallVector<Value> {
                        return {arith::MulFOp::create(nested, loc, x[0], x[1])};
                      });
    product.replaceAllUsesExcept(scaled.getResult(0), scaled);
  }
  return loop;
}

/// A reduction of the tile that both branches of a choice yield with it; null
/// without one.
static ReduceOp findReductionOfChoice(scf::IfOp choice, unsigned number,
                                      unsigned &tile) {
  auto reduceIn = [&](scf::YieldOp yield) {
    return yield.getOperand(number).getDefiningOp<ReduceOp>();
  };
  ReduceOp then = reduceIn(choice.thenYield());
  ReduceOp otherwise = reduceIn(choice.elseYield());
  if (!then || !otherwise || then->getParentOp() != choice ||
      otherwise->getParentOp() != choice || !then->hasOneUse() ||
      !otherwise->hasOneUse() || then.getInit() != otherwise.getInit() ||
      then->getAttrs() != otherwise->getAttrs())
    return nullptr;
  auto position = llvm::find(choice.thenYield().getOperands(), then.getInput());
  tile = position - choice.thenYield().getOperands().begin();
  bool isSame = tile < choice.getNumResults() &&
                choice.elseYield().getOperand(tile) == otherwise.getInput();
  return isSame ? then : nullptr;
}

/// Maxima of scores that are masked in one branch of a choice, and not in the
/// other, are those of what is chosen.
static void reduceAfterChoices(scf::ForOp loop) {
  SmallVector<scf::IfOp> choices(loop.getBody()->getOps<scf::IfOp>());
  for (scf::IfOp choice : choices)
    for (unsigned number = 0; choice && number < choice.getNumResults();
         ++number) {
      unsigned tile = 0;
      ReduceOp reduce = choice.elseBlock()
                            ? findReductionOfChoice(choice, number, tile)
                            : nullptr;
      if (!reduce || reduce.getKind() != ReduceKind::Max)
        continue;
      OpBuilder b(choice);
      SmallVector<Type> kept(choice.getResultTypes());
      kept.erase(kept.begin() + number);
      auto lean =
          scf::IfOp::create(b, choice.getLoc(), kept, choice.getCondition(),
                            /*addThenBlock=*/false,
                            /*addElseBlock=*/false);
      for (auto [from, to] :
           llvm::zip_equal(choice->getRegions(), lean->getRegions()))
        to.takeBody(from);
      unsigned kth = 0;
      for (OpResult result : choice.getResults())
        if (result.getResultNumber() != number)
          result.replaceAllUsesWith(lean.getResult(kth++));
      IRMapping mapping;
      mapping.map(reduce.getInput(),
                  lean.getResult(tile > number ? tile - 1 : tile));
      Operation *after = b.clone(*reduce, mapping);
      choice.getResult(number).replaceAllUsesWith(after->getResult(0));
      for (Region &region : lean->getRegions()) {
        Operation *yield = region.front().getTerminator();
        Operation *inBranch = yield->getOperand(number).getDefiningOp();
        yield->eraseOperand(number);
        inBranch->erase();
      }
      choice.erase();
      choice = nullptr;
    }
}

namespace {
struct LazyMaxima final : attn::impl::LazyMaximaBase<LazyMaxima> {
  using Base::Base;

  void runOnOperation() override {
    std::optional<Matrices> matrices = findMatrices(getOperation());
    int64_t cols = columns ? columns : matrices ? matrices->n : 0;
    if (!cols)
      return;
    func::FuncOp kernel = getOperation();
    if (!decideScheduled(true, kernel, &ScheduleAttr::getLazyMaxima))
      return explain("running maxima move with every tile", "");
    bool isOpaque = matrices && matrices->areOpaque();
    SmallVector<scf::ForOp> loops;
    kernel.walk([&](scf::ForOp loop) { loops.push_back(loop); });
    unsigned number = 0;
    for (scf::ForOp loop : loops) {
      reduceAfterChoices(loop);
      for (unsigned k = 0; k < loop.getNumRegionIterArgs(); ++k) {
        std::optional<RunningMaximum> maximum = Matcher(loop, k).run();
        // Of a maximum that somebody wants lanes keep a few columns, which no
        // registers hold where fragments are opaque.
        if (!maximum || (isOpaque && !maximum->isOffset()) ||
            maximum->reduce.getInput().getType().getCols() % cols)
          continue;
        bool byProduct = matrices.has_value();
        auto sum = findRoundedSum(loop, *maximum, byProduct);
        bool needsBoth = sum &&
                         sum->weights.getType().getElementType().isBF16() &&
                         takesLogarithms(loop);
        // What becomes of vectors takes rounded weights, but where both are
        // needed.
        if (sum && (byProduct || needsBoth)) {
          // One that each tile adds up by itself stays.
          if (!sum->isPartial())
            continue;
          if (needsBoth)
            loop = carryRoundedSum(loop, *sum, *maximum, byProduct);
          else
            replaceSum(loop, *sum);
        }
        // One a loop, which becomes another.
        Rewriter(loop, *maximum, cols).run();
        ++number;
        break;
      }
    }
    numLazy += number;
    if (number)
      explain("running maxima move when a score outgrows them",
              "few tiles do, and only then are sums and o rescaled");
  }

  void explain(const Twine &choice, const Twine &reason) {
    addChoices(getOperation(),
               explainChoice(getOperation(), "lazy_maxima",
                             &ScheduleAttr::getLazyMaxima, choice, reason));
  }
};
} // namespace
