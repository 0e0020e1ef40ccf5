//===- SinkScale.cpp - tile-sink-scale ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Moves a constant positive factor of a score tile towards its uses. What
// commutes with the factor (selects against -inf, row maxima, differences)
// then runs on unscaled scores, and the factor meets the log2(e) in front of
// exp2, where it costs nothing.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

namespace attn {
#define GEN_PASS_DEF_SINKSCALE
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn::tile;

namespace {

/// How a value changes when the scores are multiplied by the factor.
enum class Degree {
  any,  // 0 and the infinities: not at all, and yet like a score
  zero, // not at all
  one,  // like a score
};

/// Sinks the factor of one scaling map.
class Sinker {
public:
  Sinker(MapOp scaling, Value factor, APFloat constant)
      : scaling(scaling), factor(factor), constant(std::move(constant)) {}

  void run();

private:
  Degree degreeOf(Value value) const;
  bool isUnscaled(Value tile) const { return unscaled.contains(tile); }
  /// Whether a tile is unscaled or looks the same either way.
  bool fits(Value tile) const;

  /// Finds the row statistics that the loop can carry unscaled: an optimistic
  /// guess, from which what contradicts it is removed.
  void guessCarried(scf::ForOp loop);
  /// Works out which results of the ops in `block` are unscaled. With
  /// `rewrite`, also makes every other use of an unscaled value scale it.
  void visit(Block &block, bool rewrite);
  void visitMap(MapOp map, bool rewrite);
  void visitIf(scf::IfOp op, bool rewrite);
  /// Replaces an operand by a scaled copy, if it is unscaled.
  void scaleOperand(OpOperand &operand);
  /// The same for all operands of `op` and of the ops inside of it.
  void scaleOperands(Operation *op);
  /// A scaled copy of `tile` in front of `user`.
  Value createScaled(Value tile, Operation *user);
  /// element * factor, with the factor folded into a constant multiplication.
  Value scaleElement(OpBuilder &builder, Value element);

  MapOp scaling;
  Value factor;
  APFloat constant;
  llvm::DenseSet<Value> unscaled;
  /// Degrees inside of the map that is being visited.
  llvm::DenseMap<Value, Degree> degrees;
  llvm::DenseMap<Value, Value> scaled;
};

std::optional<APFloat> getConstantFloat(Value value) {
  FloatAttr attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return attribute.getValue();
  return std::nullopt;
}

bool isZeroOrInfinity(Value value) {
  std::optional<APFloat> constant = getConstantFloat(value);
  return constant && (constant->isZero() || constant->isInfinity());
}

bool Sinker::fits(Value tile) const {
  if (isUnscaled(tile))
    return true;
  auto splat = tile.getDefiningOp<SplatOp>();
  return splat && isZeroOrInfinity(splat.getValue());
}

Degree Sinker::degreeOf(Value value) const {
  if (auto found = degrees.find(value); found != degrees.end())
    return found->second;
  return isZeroOrInfinity(value) ? Degree::any : Degree::zero;
}

/// The degree of an op's result, or none if the op needs scaled operands.
std::optional<Degree> combine(Operation *op, ArrayRef<Degree> operands) {
  bool hasOne = llvm::is_contained(operands, Degree::one);
  if (!hasOne)
    return Degree::zero;
  bool allLike = !llvm::is_contained(operands, Degree::zero);
  if (isa<arith::AddFOp, arith::SubFOp, arith::MaximumFOp, arith::MinimumFOp,
          arith::MaxNumFOp, arith::MinNumFOp, arith::NegFOp>(op))
    return allLike ? std::optional(Degree::one) : std::nullopt;
  if (isa<arith::CmpFOp>(op))
    return allLike ? std::optional(Degree::zero) : std::nullopt;
  if (isa<arith::MulFOp>(op)) {
    bool other = operands[0] == Degree::zero || operands[1] == Degree::zero;
    return other ? std::optional(Degree::one) : std::nullopt;
  }
  if (isa<arith::SelectOp>(op)) {
    bool like = operands[0] != Degree::one && operands[1] != Degree::zero &&
                operands[2] != Degree::zero;
    return like ? std::optional(Degree::one) : std::nullopt;
  }
  return std::nullopt;
}

Value Sinker::scaleElement(OpBuilder &builder, Value element) {
  Location loc = element.getLoc();
  if (auto product = element.getDefiningOp<arith::MulFOp>())
    if (std::optional<APFloat> other = getConstantFloat(product.getRhs());
        other && product->hasOneUse()) {
      APFloat both = *other * constant;
      // A product that left the normal range would lose bits.
      if (both.isNormal()) {
        Value merged = arith::ConstantOp::create(
            builder, loc, builder.getF32FloatAttr(both.convertToFloat()));
        return arith::MulFOp::create(builder, loc, product.getLhs(), merged);
      }
    }
  return arith::MulFOp::create(builder, loc, element, factor);
}

void Sinker::visitMap(MapOp map, bool rewrite) {
  if (!llvm::any_of(map.getInputs(), [&](Value v) { return isUnscaled(v); }))
    return;
  degrees.clear();
  scaled.clear();
  for (auto [input, element] :
       llvm::zip_equal(map.getInputs(), map.getElementArgs()))
    degrees[element] = isUnscaled(input) ? Degree::one
                       : fits(input)     ? Degree::any
                                         : Degree::zero;
  Block &body = map.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
    SmallVector<Degree> operands = llvm::map_to_vector(
        op.getOperands(), [&](Value value) { return degreeOf(value); });
    std::optional<Degree> degree =
        op.getNumRegions() == 0 ? combine(&op, operands) : std::nullopt;
    if (!degree) {
      degree = Degree::zero;
      if (rewrite)
        op.walk([&](Operation *inner) {
          for (OpOperand &operand : inner->getOpOperands()) {
            if (degreeOf(operand.get()) != Degree::one)
              continue;
            Value element = operand.get();
            Value &copy = scaled[element];
            if (!copy) {
              OpBuilder builder(&op);
              copy = scaleElement(builder, element);
            }
            operand.set(copy);
          }
        });
    }
    for (Value result : op.getResults())
      if (*degree != Degree::zero || !isZeroOrInfinity(result))
        degrees[result] = *degree;
  }
  for (auto [result, element] : llvm::zip_equal(
           map.getResults(), cast<YieldOp>(body.getTerminator()).getValues()))
    if (degreeOf(element) == Degree::one)
      unscaled.insert(result);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

void Sinker::visitIf(scf::IfOp op, bool rewrite) {
  visit(*op.thenBlock(), rewrite);
  if (!op.elseBlock())
    return;
  visit(*op.elseBlock(), rewrite);
  for (auto [result, a, b] :
       llvm::zip_equal(op.getResults(), op.thenYield()->getOpOperands(),
                       op.elseYield()->getOpOperands())) {
    bool like = fits(a.get()) && fits(b.get()) &&
                (isUnscaled(a.get()) || isUnscaled(b.get()));
    if (like) {
      unscaled.insert(result);
    } else if (rewrite) {
      scaleOperand(a);
      scaleOperand(b);
    }
  }
}

void Sinker::scaleOperand(OpOperand &operand) {
  Value tile = operand.get();
  if (isUnscaled(tile))
    operand.set(createScaled(tile, operand.getOwner()));
}

void Sinker::scaleOperands(Operation *op) {
  llvm::DenseMap<Value, Value> copies;
  op->walk([&](Operation *user) {
    for (OpOperand &operand : user->getOpOperands()) {
      if (!isUnscaled(operand.get()))
        continue;
      Value &copy = copies[operand.get()];
      if (!copy)
        copy = createScaled(operand.get(), op);
      operand.set(copy);
    }
  });
}

Value Sinker::createScaled(Value tile, Operation *user) {
  OpBuilder builder(user);
  auto type = cast<TileType>(tile.getType());
  Value zero = arith::ConstantIndexOp::create(builder, user->getLoc(), 0);
  SmallVector<Value> offsets(type.getRank(), zero);
  return MapOp::create(builder, user->getLoc(), TypeRange(type), tile, offsets,
                       [&](OpBuilder &inner, Location loc, ValueRange elements,
                           ValueRange) {
                         return SmallVector<Value>{arith::MulFOp::create(
                             inner, loc, elements[0], factor)};
                       })
      .getResult(0);
}

void Sinker::visit(Block &block, bool rewrite) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto map = dyn_cast<MapOp>(op)) {
      if (map != scaling)
        visitMap(map, rewrite);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      visitIf(branch, rewrite);
    } else if (auto reduce = dyn_cast<ReduceOp>(op);
               reduce && reduce.getKind() == ReduceKind::Max &&
               isUnscaled(reduce.getInput()) && fits(reduce.getInit())) {
      unscaled.insert(reduce.getResult());
    } else if (rewrite && !isa<scf::YieldOp>(op)) {
      scaleOperands(&op);
    }
  }
}

void Sinker::guessCarried(scf::ForOp loop) {
  llvm::DenseSet<unsigned> carried;
  for (auto [number, init] : llvm::enumerate(loop.getInits()))
    if (fits(init))
      carried.insert(number);
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (bool changed = true; changed;) {
    changed = false;
    unscaled.clear();
    unscaled.insert(scaling.getResult(0));
    for (unsigned number : carried)
      unscaled.insert(loop.getRegionIterArgs()[number]);
    visit(*loop.getBody(), /*rewrite=*/false);
    for (auto [number, value] : llvm::enumerate(yield.getOperands()))
      if (!isUnscaled(value))
        changed |= carried.erase(number);
  }
}

void Sinker::run() {
  auto loop = cast<scf::ForOp>(scaling->getParentOp());
  guessCarried(loop);
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  SmallVector<bool> carries;
  for (Value argument : loop.getRegionIterArgs())
    carries.push_back(isUnscaled(argument));
  visit(*loop.getBody(), /*rewrite=*/true);
  for (auto [number, carried] : llvm::enumerate(carries)) {
    if (carried)
      unscaled.insert(loop.getResult(number));
    else
      scaleOperand(yield->getOpOperand(number));
  }
  // After the loop, in the loop's block.
  Operation *op = loop->getNextNode();
  while (op) {
    Operation *next = op->getNextNode();
    if (auto map = dyn_cast<MapOp>(op))
      visitMap(map, /*rewrite=*/true);
    else
      scaleOperands(op);
    op = next;
  }
  scaling.getResult(0).replaceAllUsesWith(scaling.getInputs()[0]);
  scaling.erase();
}

/// The factor of a map that multiplies scores by a positive constant.
Value getFactor(MapOp map) {
  if (map.getInputs().size() != 1 || map.getNumResults() != 1 ||
      !map.getInputs()[0].getDefiningOp<DotOp>() ||
      !isa<scf::ForOp>(map->getParentOp()))
    return Value();
  Block &body = map.getBody().front();
  auto product = cast<YieldOp>(body.getTerminator())
                     .getValues()[0]
                     .getDefiningOp<arith::MulFOp>();
  if (!product)
    return Value();
  Value factor = product.getLhs() == body.getArgument(0)   ? product.getRhs()
                 : product.getRhs() == body.getArgument(0) ? product.getLhs()
                                                           : Value();
  if (!factor || factor.getParentBlock() == &body)
    return Value();
  std::optional<APFloat> constant = getConstantFloat(factor);
  bool positive = constant && constant->isNormal() && !constant->isNegative();
  return positive ? factor : Value();
}

class SinkScale final : public attn::impl::SinkScaleBase<SinkScale> {
public:
  void runOnOperation() override {
    SmallVector<MapOp> scalings;
    getOperation().walk([&](MapOp map) {
      if (getFactor(map))
        scalings.push_back(map);
    });
    for (MapOp map : scalings) {
      Value factor = getFactor(map);
      Sinker(map, factor, *getConstantFloat(factor)).run();
      ++numSunk;
    }
  }
};

} // namespace
