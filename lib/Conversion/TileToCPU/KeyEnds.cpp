//===- KeyEnds.cpp - Where the keys of some rows end ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask may say that the keys of a row end with the row. Of a tile of such
// scores, strips leave out key tiles, and products those of the vectors of rows
// whose keys have ended. A mask of keys that are not there needs no code where
// products know which are.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "attn/Analysis/RowEnds.h"
#include "attn/Transforms/ContractExp2.h"
#include "attn/Transforms/ScheduleChoices.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// More keys than there are, and rows behind it do not wrap.
constexpr int64_t kFarAway = int64_t(1) << 62;

/// The map that masks `scores`, if one does, in the one branch of a choice or
/// always.
static MapOp findMask(Value scores) {
  auto choice = scores.getDefiningOp<scf::IfOp>();
  if (!choice)
    return scores.getDefiningOp<MapOp>();
  unsigned number = cast<OpResult>(scores).getResultNumber();
  MapOp found;
  for (scf::YieldOp yield : {choice.thenYield(), choice.elseYield()})
    if (auto map = yield.getOperand(number).getDefiningOp<MapOp>()) {
      if (found)
        return nullptr;
      found = map;
    }
  return found;
}

/// The first key that none of so many rows attends, from row `start` of the
/// tile on, if `mask` makes scores of all keys from there on -inf, and values
/// that say so are usable; else null.
Value KernelLowering::findEndOfKeys(MapOp mask, Value start, int64_t rows,
                                    function_ref<bool(Value)> isUsable) {
  if (mask.getDomainRank() != 2 || mask.getNumResults() != 1 ||
      !isUsable(mask.getOffsets()[0]))
    return Value();
  auto choice = mask.getBody()
                    .front()
                    .getTerminator()
                    ->getOperand(0)
                    .getDefiningOp<arith::SelectOp>();
  if (!choice || !matchPattern(choice.getFalseValue(), m_NegInfFloat()))
    return Value();
  ValueRange indices = mask.getIndexArgs();
  Value end;
  for (auto [addend, constant] :
       attn::mask::findRowEnds(choice.getCondition(),
                               cast<BlockArgument>(indices[0]),
                               cast<BlockArgument>(indices[1]))
           .ends) {
    if (addend && !isUsable(addend))
      continue;
    Value key = add(add(mask.getOffsets()[0], start), index(rows + constant));
    // Sums wrap, of the last row perhaps and not of others: then keys end
    // behind all that there may be.
    if (addend)
      key = add(key, min(addend, index(kFarAway)));
    end = end ? min(end, key) : key;
  }
  return end;
}

/// Where the keys of a strip end, if a mask says that they end with the row;
/// and how many a tile has.
KernelLowering::KeyEnd KernelLowering::findKeyEnd(scf::ForOp loop, Value start,
                                                  int64_t rows) {
  Value scores = findScores(loop);
  MapOp map = scores ? findMask(scores) : nullptr;
  if (!map || map.getDomainRank() != 2)
    return {};
  auto position = map.getOffsets()[1].getDefiningOp<arith::MulIOp>();
  APInt keys;
  if (!position || position.getLhs() != loop.getInductionVar() ||
      !matchPattern(position.getRhs(), m_ConstantInt(&keys)))
    return {};
  Value end = findEndOfKeys(map, start, rows, [&](Value value) {
    return loop.isDefinedOutsideOfLoop(value);
  });
  return {end, keys.getSExtValue()};
}

/// Whether `map` makes scores of keys that the right operand of its product
/// lacks -inf, and leaves others alone.
static bool masksMissingKeys(MapOp map) {
  if (map.getDomainRank() != 2 || map.getNumResults() != 1 ||
      map.getInputs().size() != 1)
    return false;
  auto dot = map.getInputs()[0].getDefiningOp<DotOp>();
  auto select = map.getBody()
                    .front()
                    .getTerminator()
                    ->getOperand(0)
                    .getDefiningOp<arith::SelectOp>();
  if (!dot || !dot.getTransposeB() || !select ||
      select.getTrueValue() != map.getElementArgs()[0] ||
      !matchPattern(select.getFalseValue(), m_NegInfFloat()))
    return false;
  auto load = dot.getB().getDefiningOp<LoadOp>();
  auto isThere = select.getCondition().getDefiningOp<arith::CmpIOp>();
  if (!load || load.getMixed() || !isThere ||
      isThere.getPredicate() != arith::CmpIPredicate::slt ||
      isThere.getLhs() != map.getIndexArgs()[1])
    return false;
  auto valid = load.getValid()[0].getDefiningOp<arith::SubIOp>();
  return valid && valid.getLhs() == isThere.getRhs() &&
         valid.getRhs() == map.getOffsets()[1];
}

/// Of a mask of keys that are not there, whether those are whose scores are
/// being emitted, if that is known.
std::optional<bool> KernelLowering::areKeysThere(Operation *mask) {
  if (!mask || !keyMasks.contains(mask) ||
      cast<MapOp>(mask).getInputs()[0].getDefiningOp() != knownKeys.product)
    return std::nullopt;
  return knownKeys.areThere;
}

/// Whether the branches of `choice` differ by `mask`, of the second one, alone.
static bool differByMask(scf::IfOp choice, MapOp mask) {
  DenseMap<Value, Value> same;
  same[mask.getResult(0)] = mask.getInputs()[0];
  auto isSame = [&](Value masked, Value other) {
    Value known = same.lookup(masked);
    return success((known ? known : masked) == other);
  };
  Operation *other = &choice.thenBlock()->front();
  for (Operation &op : *choice.elseBlock()) {
    if (&op == mask)
      continue;
    if (!other ||
        !OperationEquivalence::isEquivalentTo(
            &op, other, isSame,
            [&](Value masked, Value result) { same[masked] = result; },
            OperationEquivalence::IgnoreLocations))
      return false;
    other = other->getNextNode();
  }
  return !other;
}

/// Products compute scores of the keys that are there. What becomes of these is
/// the same with a mask of the others and without it, so that a choice between
/// the two would only repeat the product.
void KernelLowering::joinBranchesOfKeys() {
  if (lanes != LaneDim::Rows)
    return;
  SmallVector<std::pair<scf::IfOp, MapOp>> choices;
  kernel.walk([&](MapOp map) {
    auto choice = dyn_cast<scf::IfOp>(map->getParentOp());
    if (choice && map->getBlock() == choice.elseBlock() &&
        isShortEpilogue(*map->getBlock()) && masksMissingKeys(map) &&
        differByMask(choice, map))
      choices.emplace_back(choice, map);
  });
  for (auto [choice, mask] : choices) {
    keyMasks.insert(mask);
    Operation *yield = choice.elseBlock()->getTerminator();
    choice->getBlock()->getOperations().splice(
        choice->getIterator(), choice.elseBlock()->getOperations(),
        choice.elseBlock()->begin(), yield->getIterator());
    choice->replaceAllUsesWith(yield->getOperands());
    choice.erase();
  }
  if (!choices.empty())
    addChoices(kernel,
               {"products leave out keys that are not there: tiles with "
                "such keys need no code of their own"});
}

/// Finds the masks of products: of scores that nothing but a mask reads, or
/// whose factors are weights of masked scores.
void KernelLowering::findMasks() {
  kernel.walk([&](DotOp dot) {
    MapOp mask;
    if (dot.getTransposeB()) {
      mask = dot->hasOneUse() ? dyn_cast<MapOp>(*dot->user_begin()) : nullptr;
    } else {
      Value weights = dot.getA();
      if (auto rounded = weights.getDefiningOp<ConvertOp>())
        weights = rounded.getInput();
      auto map = weights.getDefiningOp<MapOp>();
      Value scores = map ? findExponentiated(map) : Value();
      mask = scores ? findMask(scores) : nullptr;
    }
    if (mask && mask.getDomainRank() == 2)
      masks[dot] = mask;
  });
}

/// The key of the tile from which on no row of so many attends any, if a mask
/// of the product says so; else null.
Value KernelLowering::findEndOfRows(DotOp dot, Value start, int64_t rows) {
  MapOp mask = masks.lookup(dot);
  auto isUsable = [&](Value value) { return isAvailable(value); };
  if (!mask || !isUsable(mask.getOffsets()[1]))
    return Value();
  auto choice = dyn_cast<scf::IfOp>(mask->getParentOp());
  bool isChosen = choice && !dot.getTransposeB() && !choice->isAncestor(dot);
  if (isChosen && !isUsable(choice.getCondition()))
    return Value();
  Value end = findEndOfKeys(mask, start, rows, isUsable);
  if (!end)
    return Value();
  end = arith::SubIOp::create(b, end, mask.getOffsets()[1]);
  if (!isChosen)
    return end;
  // Weights of scores that the choice leaves as they are have no end.
  Value all = index(dot.getA().getType().getCols());
  bool isFirst = mask->getBlock() == choice.thenBlock();
  return arith::SelectOp::create(b, choice.getCondition(), isFirst ? end : all,
                                 isFirst ? all : end);
}
