//===- MaskRegion.cpp - A mask region as constraints ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translation of integer arithmetic to affine rows by case distinction: min,
// max, select, truncating division and unsigned comparison split on a sign,
// division by a constant makes a quotient variable. Anything else is opaque: a
// symbol if it is uniform, else a variable bounded at most by a summary.
//
//===----------------------------------------------------------------------===//

#include "MaskRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <functional>
#include <numeric>

using namespace mlir;
using namespace attn;
using namespace attn::mask;
using arith::CmpIPredicate;

/// More cases than this make the region opaque.
static constexpr size_t kMaxConjuncts = 64;

/// In 32 bits a product by more than this may wrap at ordinary lengths, so it
/// is not affine (hashes do that).
static constexpr int64_t kMaxFactor = 4096;
/// Integers of so many bits hold what lengths give; less may not.
static constexpr unsigned kLengthBits = 32;

/// A value of i and j is computed for up to this many blocks of a tile.
static constexpr int64_t kMaxBlocks = 32;

/// Ops that are compared to find functions of equal values.
static constexpr unsigned kMaxCompared = 2000;

/// The largest bit mask that counts as a remainder.
static constexpr int64_t kMaxMask = (int64_t(1) << 30) - 1;

static std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (!matchPattern(value, m_ConstantInt(&constant)) ||
      constant.getSignificantBits() > 62)
    return std::nullopt;
  // i1 counts as 0 and 1.
  return constant.getBitWidth() == 1 ? constant.getZExtValue()
                                     : constant.getSExtValue();
}

static std::optional<int64_t> known(int64_t size) {
  return ShapedType::isDynamic(size) ? std::nullopt
                                     : std::optional<int64_t>(size);
}

/// The bits that a value has as an integer; an index has those of 64.
static unsigned widthOf(Value value) {
  Type type = value.getType();
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

/// True if something is computed with fewer than 64 bits.
static bool computesNarrow(Region &mask) {
  return mask
      .walk([](Operation *nested) {
        bool isNarrow = isa<arith::AddIOp, arith::SubIOp, arith::MulIOp,
                            arith::ShLIOp, math::AbsIOp>(nested) &&
                        widthOf(nested->getResult(0)) < 64;
        return isNarrow ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

MaskRegion::MaskRegion(System &system, AttentionOp op, int64_t tileM,
                       int64_t tileN, bool allRows, bool summarisesNested)
    : system(system), op(op), tileM(tileM), tileN(tileN), allRows(allRows),
      summarisesNested(summarisesNested),
      wraps(op.hasMaskRegion() && computesNarrow(op.getMask())) {
  std::optional<int64_t> rows = known(op.getQueryLength());
  std::optional<int64_t> keys = known(op.getKeyLength());
  queryLength = symbol(VarKind::QueryLength, rows, 0);
  keyLength = op.getKvLen() ? symbol(VarKind::KeyLength,
                                     constantOf(op.getKvLen()), 0, keys)
                            : symbol(VarKind::KeyLength, keys, 0);
  queryOffset = op.getQOffset() ? symbol(VarKind::QueryOffset,
                                         constantOf(op.getQOffset()), 0)
                                : System::constant(0);
  auto lessOne = [](std::optional<int64_t> size) {
    return size ? std::optional<int64_t>(*size - 1) : std::nullopt;
  };
  auto indexBelow = [&](VarKind kind, std::optional<int64_t> size) {
    return symbol(kind, size == 1 ? std::optional<int64_t>(0) : std::nullopt, 0,
                  lessOne(size));
  };
  batch = indexBelow(VarKind::Batch, known(op.getBatch()));
  head = indexBelow(VarKind::Head, known(op.getNumQueryHeads()));

  Variable bound{VarKind::Bound};
  bound.min = 0;
  bound.max = lessOne(rows);
  row = system.addVariable(bound);
  bound.max = lessOne(keys);
  key = system.addVariable(bound);
  block = system.addVariable({VarKind::Scalar});
  probe = system.addVariable({VarKind::Scalar});
  if (!op.hasMaskRegion())
    return;

  constexpr unsigned own[] = {OnBatch, OnHead, OnRow, OnKey};
  for (auto [argument, dependence] :
       llvm::zip(op.getMask().getArguments(), own))
    dependences[argument] = dependence;
}

/// True if more than 32 bits of the value, or of an element, may matter.
static bool isWide(Value value) {
  if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  else if (auto extended = value.getDefiningOp<arith::ExtSIOp>())
    value = extended.getIn();
  Type type = getElementTypeOrSelf(value);
  return type.isIndex() || type.getIntOrFloatBitWidth() > 32;
}

/// A size: a constant if it is static.
Row MaskRegion::symbol(VarKind kind, std::optional<int64_t> known, int64_t min,
                       std::optional<int64_t> max) {
  if (known)
    return System::constant(*known);
  Variable variable{kind};
  // The offset of bottom-right masking is negative if there are more queries
  // than keys.
  if (kind == VarKind::QueryOffset)
    variable.wide = wraps || isWide(op.getQOffset());
  else
    variable.min = min;
  variable.max = max;
  return System::variable(system.addVariable(variable));
}

void MaskRegion::requireWithin(Conjunct &conjunct, unsigned index,
                               unsigned tile, int64_t size) {
  Row first = system.scale(System::variable(tile), size);
  Row past = system.subtract(System::variable(index), first);
  system.requireNonNegative(conjunct, past);
  system.requireNonNegative(conjunct,
                            system.offset(system.scale(past, -1), size - 1));
}

Conjunct MaskRegion::tileDomain(bool wholeTile) {
  Conjunct domain;
  auto below = [&](unsigned index, const Row &length) {
    system.requireNonNegative(
        domain,
        system.offset(system.subtract(length, System::variable(index)), -1));
  };
  if (allRows)
    system.requireNonNegative(domain, System::variable(row));
  else
    requireWithin(domain, row, system.queryTile, tileM);
  requireWithin(domain, key, system.keyTile, tileN);
  below(row, queryLength);
  if (!wholeTile)
    below(key, keyLength);
  return domain;
}

//===----------------------------------------------------------------------===//
// Dependence and opaque values
//===----------------------------------------------------------------------===//

unsigned MaskRegion::dependenceOf(Value value) {
  if (auto it = dependences.find(value); it != dependences.end())
    return it->second;
  Operation *definition = value.getDefiningOp();
  unsigned result = 0;
  if (definition && op.getMask().isAncestor(definition->getParentRegion())) {
    if (isa<QOffsetOp, QLenOp, KVLenOp>(definition))
      result |= OnBatch;
    definition->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (!operand.getDefiningOp() ||
            !definition->isProperAncestor(operand.getDefiningOp()))
          result |= dependenceOf(operand);
      if (nested != definition && isa<QOffsetOp, QLenOp, KVLenOp>(nested))
        result |= OnBatch;
    });
    // Values inside an scf.if are translated by themselves but run under its
    // condition, which decides nothing about their value.
  }
  dependences[value] = result;
  return result;
}

unsigned MaskRegion::divisionDepthOf(Value value) {
  Operation *definition = value.getDefiningOp();
  if (!definition || !(dependenceOf(value) & (OnRow | OnKey)))
    return 0;
  auto [it, isNew] = divisionDepths.try_emplace(value, 0);
  if (!isNew)
    return it->second;
  unsigned depth = 0;
  for (Value operand : definition->getOperands())
    depth = std::max(depth, divisionDepthOf(operand));
  depth += isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp,
               arith::CeilDivSIOp, arith::CeilDivUIOp, arith::RemSIOp,
               arith::RemUIOp>(definition);
  return divisionDepths[value] = depth;
}

Row MaskRegion::opaque(Value value) {
  auto [it, isNew] = opaques.try_emplace(value);
  if (!isNew)
    return it->second;
  Variable variable{(dependenceOf(value) & (OnRow | OnKey)) ? VarKind::Bound
                                                            : VarKind::Scalar,
                    value};
  if (value.getType().isInteger(1)) {
    variable.min = 0;
    variable.max = 1;
  }
  // Of numbers that are small enough, what is computed with 32 bits does not
  // wrap; less cannot be too large.
  variable.wide = isWide(value) || (wraps && widthOf(value) >= kLengthBits);
  Row result = System::variable(system.addVariable(variable));
  opaques[value] = result;
  return result;
}

SmallVector<unsigned> MaskRegion::getOpaque(const Conjunct &conjunct) const {
  SmallVector<unsigned> ids;
  auto collect = [&](const Row &row) {
    for (unsigned id = 1; id < row.size(); ++id)
      if (row[id] != 0 && system.isBound(id) && system.getVariable(id).value &&
          !llvm::is_contained(ids, id))
        ids.push_back(id);
  };
  llvm::for_each(conjunct.inequalities, collect);
  llvm::for_each(conjunct.equalities, collect);
  return ids;
}

unsigned MaskRegion::sidesOf(unsigned id) {
  if (id == row || id == key)
    return id == row ? OnRow : OnKey;
  return dependenceOf(system.getVariable(id).value) & (OnRow | OnKey);
}

bool MaskRegion::bindOpaque(Conjunct &conjunct) {
  if (!isOpaque(conjunct))
    return true;
  if (!allRows) {
    Pairs equal = cancelCongruent(conjunct);
    gatherSums(conjunct);
    equate(conjunct, equal);
  }
  for (unsigned id : getOpaque(conjunct)) {
    Value value = system.getVariable(id).value;
    unsigned sides = sidesOf(id);
    if (allRows) {
      if (sides != OnKey)
        continue;
      auto [it, isNew] = elementOf.try_emplace(value);
      if (isNew) {
        Variable element = system.getVariable(id);
        element.kind = VarKind::Element;
        element.perInner = true;
        it->second = system.addVariable(element);
      }
      system.requireZero(
          conjunct,
          system.subtract(System::variable(id), System::variable(it->second)));
      continue;
    }
    std::optional<Blocks> blocks;
    if (sides == (OnRow | OnKey)) {
      blocks = blocksOf(value);
      if (!blocks)
        continue;
    }
    auto [it, isNew] = summaryOf.try_emplace(id, summaries.size());
    if (isNew)
      addSummary(id, blocks);
    const Summary &summary = summaries[it->second];
    Row element = System::variable(id);
    system.requireNonNegative(
        conjunct, system.subtract(element, System::variable(summary.minimum)));
    system.requireNonNegative(
        conjunct, system.subtract(System::variable(summary.maximum), element));
  }
  return false;
}

void MaskRegion::addSummary(unsigned id, std::optional<Blocks> blocks) {
  Variable variable = system.getVariable(id);
  unsigned sides = sidesOf(id), dependence = dependenceOf(variable.value);
  for (unsigned term = 1; term < variable.sum.size(); ++term)
    if (Value value = system.getVariable(term).value;
        value && variable.sum[term] != 0)
      dependence |= dependenceOf(value);
  Variable extreme{VarKind::Minimum};
  extreme.summary = summaries.size();
  extreme.perInner =
      sides & (system.innerTile == system.keyTile ? OnKey : OnRow);
  extreme.min = variable.min;
  extreme.max = variable.max;
  extreme.wide = variable.wide;
  unsigned minimum = system.addVariable(extreme);
  extreme.kind = VarKind::Maximum;
  unsigned maximum = system.addVariable(extreme);
  summaries.push_back({variable.value, variable.sum,
                       blocks             ? Summary::TileBlocks
                       : (sides == OnKey) ? Summary::Keys
                                          : Summary::Rows,
                       blocks.value_or(Blocks()), minimum, maximum,
                       dependence});
  // A tile of the domain has an element.
  system.assume(
      system.subtract(System::variable(maximum), System::variable(minimum)));
}

//===----------------------------------------------------------------------===//
// Functions of equal values, and sums
//===----------------------------------------------------------------------===//

/// What a region reads does not change, so that an op says its result.
bool MaskRegion::areAlike(Value x, Value y,
                          function_ref<bool(Value, Value)> isKnown) {
  if (isKnown(x, y))
    return true;
  if (++numCompared > kMaxCompared)
    return false;
  auto first = dyn_cast<OpResult>(x), second = dyn_cast<OpResult>(y);
  if (!first || !second || first.getResultNumber() != second.getResultNumber())
    return false;
  Operation *f = first.getOwner(), *g = second.getOwner();
  return f->getName() == g->getName() && f->getNumRegions() == 0 &&
         f->getAttrDictionary() == g->getAttrDictionary() &&
         f->getResultTypes() == g->getResultTypes() &&
         llvm::all_of_zip(
             f->getOperands(), g->getOperands(),
             [&](Value a, Value b) { return areAlike(a, b, isKnown); });
}

bool MaskRegion::isSame(Value x, Value y) {
  return areAlike(x, y, std::equal_to<Value>());
}

bool MaskRegion::areCongruent(Value x, Value y, Value argumentX,
                              Value argumentY) {
  return areAlike(x, y, [&](Value a, Value b) {
    return (isSame(a, argumentX) && isSame(b, argumentY)) ||
           (a == b && !(dependenceOf(a) & (OnRow | OnKey)));
  });
}

MaskRegion::Pairs MaskRegion::cancelCongruent(Conjunct &conjunct) {
  Pairs equal;
  SmallVector<unsigned> ids = getOpaque(conjunct);
  if (ids.size() < 4)
    return equal;
  auto areEqual = [&](unsigned x, unsigned y) {
    Row difference = system.subtract(System::variable(x), System::variable(y));
    return llvm::is_contained(conjunct.equalities, difference) ||
           llvm::is_contained(conjunct.equalities,
                              system.scale(difference, -1));
  };
  auto valueOf = [&](unsigned id) { return system.getVariable(id).value; };
  for (unsigned x : ids)
    for (unsigned y : ids)
      if (x < y && areEqual(x, y))
        for (unsigned f : ids)
          for (unsigned g : ids)
            if (f != x && f != y && g != x && g != y && f != g &&
                areCongruent(valueOf(f), valueOf(g), valueOf(x), valueOf(y)))
              equal.push_back({f, g});
  for (auto [f, g] : equal) {
    auto cancel = [&, f = f, g = g](const Row &form) {
      if (std::max(f, g) >= form.size() || form[f] == 0 || form[f] != -form[g])
        return form;
      Row rest = form;
      rest[f] = rest[g] = 0;
      System::trim(rest);
      // f = g itself says more of their extremes than that it is true.
      return System::asConstant(rest).value_or(-1) >= 0 ? form : rest;
    };
    Conjunct cancelled;
    cancelled.contradictory = conjunct.contradictory;
    for (const Row &form : conjunct.inequalities)
      system.requireNonNegative(cancelled, cancel(form));
    for (const Row &form : conjunct.equalities)
      system.requireZero(cancelled, cancel(form));
    conjunct = std::move(cancelled);
  }
  return equal;
}

void MaskRegion::equate(Conjunct &conjunct, const Pairs &equal) {
  SmallVector<unsigned> ids = getOpaque(conjunct);
  for (auto [f, g] : equal)
    if (llvm::is_contained(ids, f) && llvm::is_contained(ids, g))
      system.requireZero(
          conjunct, system.subtract(System::variable(f), System::variable(g)));
}

/// True if `rest` is of lengths alone, so that 32 bits hold it `factor` times
/// over.
bool MaskRegion::isOrdinary(const Row &rest, int64_t factor) const {
  constexpr __int128 longest = __int128(1) << 30;
  __int128 most = rest.empty() ? 0 : std::abs(rest[0]);
  for (unsigned id = 1; id < rest.size(); ++id) {
    const Variable &variable = system.getVariable(id);
    if (rest[id] != 0 && (variable.value || variable.wide))
      return false;
    most += std::abs(rest[id]) * longest;
  }
  return most <= 2 * factor * longest;
}

Row MaskRegion::gatherSum(Row form, unsigned side) {
  Row sum(form.size(), 0);
  unsigned tables = 0, terms = 0;
  bool isWide = false;
  int64_t factor = 0;
  for (unsigned id = 1; id < form.size(); ++id) {
    bool isTable = system.isBound(id) && system.getVariable(id).value;
    if (form[id] == 0 || (!isTable && id != row && id != key) ||
        sidesOf(id) != side)
      continue;
    sum[id] = form[id];
    factor = std::gcd(factor, form[id]);
    ++terms;
    tables += isTable;
    isWide |= system.getVariable(id).wide;
  }
  // Whether one of several numbers is too large, their sum does not say.
  if (tables == 0 || terms < 2 || (isWide && tables > 1))
    return form;
  Row rest = system.subtract(form, sum);
  bool flips = *llvm::find_if(sum, [](int64_t x) { return x != 0; }) < 0;
  for (int64_t &entry : sum)
    entry /= flips ? -factor : factor;
  System::trim(sum);
  auto [it, isNew] = sums.try_emplace(sum, 0);
  if (isNew) {
    Variable variable{VarKind::Bound};
    for (unsigned id = 1; id < sum.size(); ++id)
      if (sum[id] != 0 && system.getVariable(id).value)
        variable.value = system.getVariable(id).value;
    variable.sum = sum;
    variable.wide = isWide;
    it->second = system.addVariable(variable);
  }
  // Beside what 32 bits hold, all sums beyond them are alike.
  if (!isOrdinary(rest, factor)) {
    system.setWide(it->second);
    if (auto known = summaryOf.find(it->second); known != summaryOf.end())
      for (unsigned extreme :
           {summaries[known->second].minimum, summaries[known->second].maximum})
        system.setWide(extreme);
  }
  return system.combine(rest, 1, System::variable(it->second),
                        flips ? -factor : factor);
}

void MaskRegion::gatherSums(Conjunct &conjunct) {
  auto gather = [this](Row &form) {
    form = gatherSum(gatherSum(std::move(form), OnRow), OnKey);
  };
  llvm::for_each(conjunct.inequalities, gather);
  llvm::for_each(conjunct.equalities, gather);
}

//===----------------------------------------------------------------------===//
// Values that are constant over blocks
//===----------------------------------------------------------------------===//

std::optional<Blocks> MaskRegion::blocksOf(Value value) {
  auto [it, isNew] = blockMemo.try_emplace(value);
  if (!isNew)
    return it->second;
  // The largest part of the tile size in which the value is constant.
  auto find = [&](unsigned index, int64_t size) -> int64_t {
    for (int64_t count = 1; count <= std::min(kMaxBlocks, size); ++count)
      if (size % count == 0 && isConstantOver(value, index, size / count))
        return size / count;
    return 0;
  };
  std::optional<Blocks> result;
  if (int64_t rows = find(row, tileM))
    if (int64_t keys = find(key, tileN))
      if (tileM / rows * (tileN / keys) <= kMaxBlocks)
        result = Blocks{rows, keys};
  blockMemo[value] = result;
  return result;
}

bool MaskRegion::isConstantOver(Value value, unsigned index, int64_t size) {
  unsigned side = index == row ? OnRow : OnKey;
  if (size == 1 || !(dependenceOf(value) & side))
    return true;
  Operation *definition = value.getDefiningOp();
  if (!definition)
    return false;
  std::tuple<void *, unsigned, int64_t> memoKey(value.getAsOpaquePointer(),
                                                index, size);
  auto [it, isNew] = constantMemo.try_emplace(memoKey, false);
  if (!isNew)
    return it->second;
  auto isConstant = [&](Value operand) {
    return isConstantOver(operand, index, size);
  };
  bool result;
  if (auto ifOp = dyn_cast<scf::IfOp>(definition)) {
    unsigned number = cast<OpResult>(value).getResultNumber();
    result = isConstant(ifOp.getCondition()) &&
             isConstant(ifOp.thenYield().getOperand(number)) &&
             isConstant(ifOp.elseYield().getOperand(number));
  } else {
    result = (definition->getNumRegions() == 0 &&
              llvm::all_of(definition->getOperands(), isConstant)) ||
             areQuotientsConstant(value, index, size);
  }
  return constantMemo[memoKey] = result;
}

/// An affine form is constant if all variables in it are.
bool MaskRegion::areQuotientsConstant(Value value, unsigned index,
                                      int64_t size) {
  if (!value.getType().isIntOrIndex() || value.getType().isInteger(1))
    return false;
  std::optional<Cases> cases = translateInt(value);
  if (!cases || cases->size() != 1)
    return false;
  const Case &only = cases->front();
  for (unsigned id = 1; id < only.value.size(); ++id) {
    if (only.value[id] == 0 || !system.isBound(id) ||
        id == (index == row ? key : row))
      continue;
    Value read = system.getVariable(id).value;
    if (id == index || read == value ||
        !(read ? isConstantOver(read, index, size)
               : isQuotientConstant(id, only.when, index, size)))
      return false;
  }
  return true;
}

/// What is left of the block when i and j are eliminated bounds the quotient
/// from both sides: it is constant if these bounds meet.
bool MaskRegion::isQuotientConstant(unsigned quotient, const Conjunct &when,
                                    unsigned index, int64_t size) {
  Conjunct conjunct = when;
  requireWithin(conjunct, index, block, size);
  system.requireZero(conjunct, system.subtract(System::variable(quotient),
                                               System::variable(probe)));
  Projection projection = system.project(conjunct, /*closed=*/false);
  if (projection.contradictory)
    return true;
  // probe >= -low and probe <= high.
  RowList lows, highs;
  for (const Row &bound : projection.rows) {
    int64_t factor = probe < bound.size() ? bound[probe] : 0;
    if (factor == 0)
      continue;
    Row rest =
        system.subtract(bound, system.scale(System::variable(probe), factor));
    (factor > 0 ? lows : highs)
        .push_back(system.floorDiv(rest, std::abs(factor)));
  }
  return llvm::any_of(lows, [&](const Row &low) {
    return llvm::any_of(highs, [&](const Row &high) {
      Row distance = system.add(low, high);
      return system.isContradictory({{system.offset(distance, -1)}});
    });
  });
}

bool MaskRegion::isBetterWhole(Value condition, const Disjunction &translated) {
  if (llvm::none_of(translated,
                    [this](const Conjunct &c) { return isOpaque(c); }))
    return false;
  unsigned sides = dependenceOf(condition) & (OnRow | OnKey);
  return sides != (OnRow | OnKey) || blocksOf(condition);
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

std::optional<Disjunction> MaskRegion::translate(bool attended) {
  if (!op.hasMaskRegion())
    return attended ? Disjunction(1) : Disjunction();
  Value result = op.getMask().front().getTerminator()->getOperand(0);
  std::optional<Disjunction> disjunction = translateBool(result, attended);
  if (system.overflowed())
    return std::nullopt;
  return disjunction;
}

std::optional<Disjunction>
MaskRegion::both(const std::optional<Disjunction> &x,
                 const std::optional<Disjunction> &y) {
  if (!x || !y)
    return std::nullopt;
  Disjunction result;
  for (const Conjunct &left : *x) {
    for (const Conjunct &right : *y) {
      Conjunct conjunct = left;
      system.conjoin(conjunct, right);
      if (conjunct.contradictory)
        continue;
      if (result.size() == kMaxConjuncts)
        return std::nullopt;
      result.push_back(std::move(conjunct));
    }
  }
  return result;
}

std::optional<Disjunction> MaskRegion::either(std::optional<Disjunction> x,
                                              std::optional<Disjunction> y) {
  if (!x || !y || x->size() + y->size() > kMaxConjuncts)
    return std::nullopt;
  x->insert(x->end(), std::make_move_iterator(y->begin()),
            std::make_move_iterator(y->end()));
  return x;
}

std::optional<Disjunction> MaskRegion::choose(Value condition, Value ifTrue,
                                              Value ifFalse, bool wanted) {
  return either(
      both(translateBool(condition, true), translateBool(ifTrue, wanted)),
      both(translateBool(condition, false), translateBool(ifFalse, wanted)));
}

std::optional<Disjunction> MaskRegion::translateBool(Value value, bool wanted) {
  std::pair<Value, unsigned> memoKey(value, wanted);
  if (auto it = boolMemo.find(memoKey); it != boolMemo.end())
    return it->second;
  std::optional<Disjunction> result = computeBool(value, wanted);
  boolMemo[memoKey] = result;
  return result;
}

std::optional<Disjunction> MaskRegion::computeBool(Value value, bool wanted) {
  if (std::optional<int64_t> constant = constantOf(value))
    return (*constant != 0) == wanted ? Disjunction(1) : Disjunction();

  auto asVariable = [&]() {
    Row bit = opaque(value);
    Conjunct conjunct;
    system.requireZero(conjunct, wanted ? system.offset(bit, -1) : bit);
    return Disjunction{conjunct};
  };
  Operation *definition = value.getDefiningOp();
  if (!definition)
    return asVariable();
  return llvm::TypeSwitch<Operation *, std::optional<Disjunction>>(definition)
      .Case([&](arith::AndIOp andOp) {
        auto lhs = translateBool(andOp.getLhs(), wanted);
        auto rhs = translateBool(andOp.getRhs(), wanted);
        return wanted ? both(lhs, rhs) : either(lhs, rhs);
      })
      .Case([&](arith::OrIOp orOp) {
        auto lhs = translateBool(orOp.getLhs(), wanted);
        auto rhs = translateBool(orOp.getRhs(), wanted);
        return wanted ? either(lhs, rhs) : both(lhs, rhs);
      })
      .Case([&](arith::XOrIOp xorOp) {
        Value lhs = xorOp.getLhs(), rhs = xorOp.getRhs();
        return either(
            both(translateBool(lhs, true), translateBool(rhs, !wanted)),
            both(translateBool(lhs, false), translateBool(rhs, wanted)));
      })
      .Case([&](arith::SelectOp select) {
        return choose(select.getCondition(), select.getTrueValue(),
                      select.getFalseValue(), wanted);
      })
      .Case([&](scf::IfOp ifOp) {
        unsigned number = cast<OpResult>(value).getResultNumber();
        return choose(ifOp.getCondition(), ifOp.thenYield().getOperand(number),
                      ifOp.elseYield().getOperand(number), wanted);
      })
      .Case([&](arith::TruncIOp trunc) -> std::optional<Disjunction> {
        // The parity.
        std::optional<Cases> cases = translateInt(trunc.getIn());
        if (!cases)
          return std::nullopt;
        Disjunction result;
        for (Case &entry : *cases) {
          Conjunct conjunct = entry.when;
          Row half = system.quotient(entry.value, 2, conjunct);
          Row bit = system.combine(entry.value, 1, half, -2);
          system.requireZero(conjunct, wanted ? system.offset(bit, -1) : bit);
          if (!conjunct.contradictory)
            result.push_back(std::move(conjunct));
        }
        return isBetterWhole(value, result) ? asVariable() : result;
      })
      .Case([&](arith::CmpIOp cmp) -> std::optional<Disjunction> {
        CmpIPredicate predicate =
            wanted ? cmp.getPredicate()
                   : arith::invertPredicate(cmp.getPredicate());
        std::optional<Disjunction> result =
            compare(predicate, cmp.getLhs(), cmp.getRhs());
        return result && isBetterWhole(value, *result) ? asVariable() : result;
      })
      .Default([&](Operation *) { return asVariable(); });
}

std::optional<Disjunction> MaskRegion::compare(CmpIPredicate predicate,
                                               Value lhs, Value rhs) {
  if (lhs.getType().isInteger(1)) {
    auto equal = [&](bool same) {
      return either(both(translateBool(lhs, true), translateBool(rhs, same)),
                    both(translateBool(lhs, false), translateBool(rhs, !same)));
    };
    switch (predicate) {
    case CmpIPredicate::eq:
      return equal(true);
    case CmpIPredicate::ne:
      return equal(false);
    // The signed values are 0 and -1.
    case CmpIPredicate::slt:
    case CmpIPredicate::ugt:
      return both(translateBool(lhs, true), translateBool(rhs, false));
    case CmpIPredicate::sgt:
    case CmpIPredicate::ult:
      return both(translateBool(lhs, false), translateBool(rhs, true));
    case CmpIPredicate::sle:
    case CmpIPredicate::uge:
      return either(translateBool(lhs, true), translateBool(rhs, false));
    case CmpIPredicate::sge:
    case CmpIPredicate::ule:
      return either(translateBool(lhs, false), translateBool(rhs, true));
    }
  }
  // max(x, y) <= z is a conjunction, min(x, y) <= z a disjunction: fewer cases
  // than the extremes have by themselves.
  if (predicate == CmpIPredicate::sgt || predicate == CmpIPredicate::sge)
    return compare(predicate == CmpIPredicate::sgt ? CmpIPredicate::slt
                                                   : CmpIPredicate::sle,
                   rhs, lhs);
  if (predicate == CmpIPredicate::slt || predicate == CmpIPredicate::sle) {
    auto onLeft = [&](Value x) { return compare(predicate, x, rhs); };
    auto onRight = [&](Value x) { return compare(predicate, lhs, x); };
    if (auto max = lhs.getDefiningOp<arith::MaxSIOp>())
      return both(onLeft(max.getLhs()), onLeft(max.getRhs()));
    if (auto min = lhs.getDefiningOp<arith::MinSIOp>())
      return either(onLeft(min.getLhs()), onLeft(min.getRhs()));
    if (auto max = rhs.getDefiningOp<arith::MaxSIOp>())
      return either(onRight(max.getLhs()), onRight(max.getRhs()));
    if (auto min = rhs.getDefiningOp<arith::MinSIOp>())
      return both(onRight(min.getLhs()), onRight(min.getRhs()));
  }
  auto absolute = lhs.getDefiningOp<math::AbsIOp>();
  bool isBelow =
      absolute && widthOf(lhs) >= kLengthBits &&
      (predicate == CmpIPredicate::slt || predicate == CmpIPredicate::sle);
  std::optional<Cases> left =
      translateInt(isBelow ? absolute.getOperand() : lhs);
  std::optional<Cases> right = translateInt(rhs);
  if (!left || !right)
    return std::nullopt;
  Disjunction result;
  for (const Case &x : *left) {
    for (const Case &y : *right) {
      Conjunct when = x.when;
      system.conjoin(when, y.when);
      // -y <= x <= y says abs(x) <= y.
      if (isBelow)
        system.requireNonNegative(
            when, system.offset(system.add(x.value, y.value),
                                predicate == CmpIPredicate::slt ? -1 : 0));
      if (when.contradictory)
        continue;
      llvm::append_range(result,
                         compareRows(predicate, x.value, y.value, when));
      if (result.size() > kMaxConjuncts)
        return std::nullopt;
    }
  }
  return result;
}

Disjunction MaskRegion::compareRows(CmpIPredicate predicate, const Row &lhs,
                                    const Row &rhs, const Conjunct &when) {
  noteWide(lhs);
  noteWide(rhs);
  Disjunction result;
  // Adds `when`, and that x < y (or x <= y) if both are signed alike.
  auto add = [&](Conjunct conjunct) {
    if (!conjunct.contradictory)
      result.push_back(std::move(conjunct));
  };
  auto less = [&](const Row &x, const Row &y, bool orEqual, Conjunct conjunct) {
    system.requireNonNegative(
        conjunct, system.offset(system.subtract(y, x), orEqual ? 0 : -1));
    add(std::move(conjunct));
  };
  auto lessUnsigned = [&](const Row &x, const Row &y, bool orEqual) {
    // Negative numbers are the largest unsigned ones.
    for (bool xNegative : {false, true}) {
      for (bool yNegative : {false, true}) {
        Conjunct conjunct = when;
        system.requireNonNegative(conjunct, xNegative ? system.negate(x) : x);
        system.requireNonNegative(conjunct, yNegative ? system.negate(y) : y);
        if (xNegative == yNegative)
          less(x, y, orEqual, std::move(conjunct));
        else if (yNegative)
          add(std::move(conjunct));
      }
    }
  };
  switch (predicate) {
  case CmpIPredicate::eq: {
    Conjunct conjunct = when;
    system.requireZero(conjunct, system.subtract(lhs, rhs));
    add(std::move(conjunct));
    break;
  }
  case CmpIPredicate::ne:
    less(lhs, rhs, false, when);
    less(rhs, lhs, false, when);
    break;
  case CmpIPredicate::slt:
    less(lhs, rhs, false, when);
    break;
  case CmpIPredicate::sle:
    less(lhs, rhs, true, when);
    break;
  case CmpIPredicate::sgt:
    less(rhs, lhs, false, when);
    break;
  case CmpIPredicate::sge:
    less(rhs, lhs, true, when);
    break;
  case CmpIPredicate::ult:
    lessUnsigned(lhs, rhs, false);
    break;
  case CmpIPredicate::ule:
    lessUnsigned(lhs, rhs, true);
    break;
  case CmpIPredicate::ugt:
    lessUnsigned(rhs, lhs, false);
    break;
  case CmpIPredicate::uge:
    lessUnsigned(rhs, lhs, true);
    break;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

std::optional<Cases> MaskRegion::translateInt(Value value) {
  if (auto it = intMemo.find(value); it != intMemo.end())
    return it->second;
  constexpr unsigned both = OnRow | OnKey;
  bool isSummarised = summarisesNested &&
                      (dependenceOf(value) & both) != both &&
                      divisionDepthOf(value) > 1;
  std::optional<Cases> result =
      isSummarised ? opaqueCase(value) : computeInt(value);
  if (result && widthOf(value) < 64 &&
      llvm::any_of(*result,
                   [&](const Case &entry) { return mayWrap(entry.value); }))
    result = opaqueCase(value);
  if (result && result->size() > kMaxConjuncts)
    result = std::nullopt;
  intMemo[value] = result;
  return result;
}

__int128 MaskRegion::magnitudeOf(const Row &sum, int64_t maxLength) const {
  __int128 magnitude = 0;
  for (unsigned id = 0; id < sum.size(); ++id) {
    if (sum[id] == 0)
      continue;
    const Variable &variable = system.getVariable(id);
    __int128 most = variable.value || variable.wide ? kWideLimit : maxLength;
    if (variable.kind == VarKind::One)
      most = 1;
    else if (variable.kind == VarKind::Floor)
      most = magnitudeOf(variable.dividend, maxLength) / variable.divisor + 1;
    else if (variable.min && variable.max)
      most = std::max(std::abs(*variable.min), std::abs(*variable.max));
    magnitude += (sum[id] < 0 ? -__int128(sum[id]) : sum[id]) * most;
  }
  return magnitude;
}

bool MaskRegion::mayWrap(const Row &sum) {
  constexpr int64_t mostElements = 1 << 30;
  constexpr __int128 limit = __int128(1) << (kLengthBits - 1);
  if (magnitudeOf(sum, kOrdinaryLength) > limit)
    return true;
  needsOrdinaryLengths |= magnitudeOf(sum, mostElements) > limit;
  return false;
}

void MaskRegion::noteWide(const Row &compared) {
  for (unsigned id = 1; id < compared.size(); ++id)
    if (compared[id] != 0 && !system.isBound(id) && system.getVariable(id).wide)
      comparedWide.insert(id);
}

/// Splits every case on the sign of its value.
std::vector<MaskRegion::SignedCase> MaskRegion::split(const Cases &cases) {
  std::vector<SignedCase> result;
  for (const Case &entry : cases) {
    for (bool negative : {false, true}) {
      Case part = entry;
      system.requireNonNegative(part.when, negative ? system.negate(part.value)
                                                    : part.value);
      if (!part.when.contradictory)
        result.push_back({std::move(part), negative});
    }
  }
  return result;
}

std::optional<Cases> MaskRegion::chooseInt(Value condition, Value ifTrue,
                                           Value ifFalse) {
  Cases result;
  for (bool taken : {true, false}) {
    std::optional<Disjunction> when = translateBool(condition, taken);
    std::optional<Cases> cases = translateInt(taken ? ifTrue : ifFalse);
    if (!when || !cases)
      return std::nullopt;
    for (const Conjunct &conjunct : *when) {
      for (Case entry : *cases) {
        system.conjoin(entry.when, conjunct);
        if (!entry.when.contradictory)
          result.push_back(std::move(entry));
      }
    }
  }
  return result;
}

/// Quotient or remainder by a constant.
std::optional<Cases> MaskRegion::divide(Operation *op) {
  std::optional<int64_t> divisor = constantOf(op->getOperand(1));
  bool isUnsigned = isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp>(op);
  if (!divisor || *divisor == 0 || (isUnsigned && *divisor < 0))
    return opaqueCase(op->getResult(0));
  std::optional<Cases> cases = translateInt(op->getOperand(0));
  if (!cases)
    return std::nullopt;

  int64_t k = std::abs(*divisor);
  Cases result;
  auto add = [&](Case entry, bool negateDividend, bool up, bool negateResult,
                 bool remainder) {
    Row dividend = system.scale(entry.value, negateDividend ? -1 : 1);
    Row quotient = system.quotient(
        up ? system.offset(dividend, k - 1) : dividend, k, entry.when);
    entry.value = system.scale(
        remainder ? system.combine(dividend, 1, quotient, -k) : quotient,
        negateResult ? -1 : 1);
    if (!entry.when.contradictory)
      result.push_back(std::move(entry));
  };

  // Rounding down or up: x / -k is -x / k.
  bool up = isa<arith::CeilDivSIOp>(op);
  if (up || isa<arith::FloorDivSIOp>(op)) {
    for (const Case &entry : *cases)
      add(entry, *divisor < 0, up, false, false);
    return result;
  }
  // Truncation: what is negative is divided as its opposite.
  bool remainder = isa<arith::RemSIOp, arith::RemUIOp>(op);
  for (const SignedCase &part : split(*cases)) {
    if (isUnsigned && part.negative)
      return opaqueCase(op->getResult(0));
    bool flip = part.negative != (*divisor < 0 && !remainder);
    add(part.entry, part.negative, isa<arith::CeilDivUIOp>(op), flip,
        remainder);
  }
  return result;
}

/// One result for each pair of cases of the two operands.
std::optional<Cases> MaskRegion::forPairs(
    Operation *op,
    function_ref<void(Conjunct, const Row &, const Row &, Cases &)> build) {
  std::optional<Cases> left = translateInt(op->getOperand(0));
  std::optional<Cases> right = translateInt(op->getOperand(1));
  if (!left || !right || left->size() * right->size() > 4 * kMaxConjuncts)
    return std::nullopt;
  Cases result;
  for (const Case &x : *left) {
    for (const Case &y : *right) {
      Conjunct when = x.when;
      system.conjoin(when, y.when);
      if (!when.contradictory)
        build(std::move(when), x.value, y.value, result);
    }
  }
  return result;
}

/// One result for each case of the first operand; no more is known of the
/// result if `build` gives none.
std::optional<Cases>
MaskRegion::forEach(Operation *op,
                    function_ref<std::optional<Case>(Case)> build) {
  std::optional<Cases> cases = translateInt(op->getOperand(0));
  if (!cases)
    return std::nullopt;
  Cases result;
  for (Case &entry : *cases) {
    std::optional<Case> built = build(std::move(entry));
    if (!built)
      return opaqueCase(op->getResult(0));
    if (!built->when.contradictory)
      result.push_back(std::move(*built));
  }
  return result;
}

/// Minimum or maximum.
std::optional<Cases> MaskRegion::extreme(Operation *op) {
  bool larger = isa<arith::MaxSIOp>(op);
  return forPairs(
      op, [&](Conjunct when, const Row &x, const Row &y, Cases &result) {
        Row gap = larger ? system.subtract(x, y) : system.subtract(y, x);
        Case first{when, x}, second{std::move(when), y};
        system.requireNonNegative(first.when, gap);
        system.requireNonNegative(second.when, system.negate(gap));
        for (Case *entry : {&first, &second})
          if (!entry->when.contradictory)
            result.push_back(std::move(*entry));
      });
}

std::optional<Cases> MaskRegion::multiply(arith::MulIOp op) {
  bool isAffine = true;
  unsigned width = widthOf(op);
  std::optional<Cases> result = forPairs(
      op, [&](Conjunct when, const Row &x, const Row &y, Cases &products) {
        std::optional<int64_t> factor = System::asConstant(y);
        const Row &other = factor ? x : y;
        if (!factor)
          factor = System::asConstant(x);
        isAffine &= factor && (width >= 64 || std::abs(*factor) <= kMaxFactor);
        if (isAffine)
          products.push_back({std::move(when), system.scale(other, *factor)});
      });
  return isAffine ? result : opaqueCase(op);
}

std::optional<Cases> MaskRegion::absolute(math::AbsIOp op) {
  std::optional<Cases> cases = translateInt(op.getOperand());
  if (!cases)
    return std::nullopt;
  Cases result;
  for (SignedCase &part : split(*cases)) {
    if (part.negative)
      part.entry.value = system.scale(part.entry.value, -1);
    result.push_back(std::move(part.entry));
  }
  return result;
}

/// What holds a narrower number, or a condition as 0 and 1 (signed: -1).
std::optional<Cases> MaskRegion::widen(Operation *cast) {
  bool isSigned = isa<arith::ExtSIOp, arith::IndexCastOp>(cast);
  if (!cast->getOperand(0).getType().isInteger(1))
    return forEach(cast, [&](Case entry) -> std::optional<Case> {
      // As a number without a sign, a negative one is another.
      if (!isSigned && system.minOf(entry.value).value_or(-1) < 0)
        return std::nullopt;
      return entry;
    });
  Cases result;
  for (bool bit : {false, true}) {
    std::optional<Disjunction> when = translateBool(cast->getOperand(0), bit);
    if (!when)
      return std::nullopt;
    for (Conjunct &conjunct : *when)
      result.push_back({std::move(conjunct),
                        System::constant(bit ? (isSigned ? -1 : 1) : 0)});
  }
  return result;
}

/// x and 2^n - 1 is x mod 2^n; shifts multiply and divide by 2^n.
std::optional<Cases> MaskRegion::bitwise(Operation *op) {
  std::optional<int64_t> bits = constantOf(op->getOperand(1));
  bool isAnd = isa<arith::AndIOp>(op);
  if (!bits || *bits < 0 || *bits > (isAnd ? kMaxMask : 30) ||
      (isAnd && !llvm::isPowerOf2_64(*bits + 1)))
    return opaqueCase(op->getResult(0));
  int64_t power = isAnd ? *bits + 1 : int64_t(1) << *bits;
  bool isLeft = isa<arith::ShLIOp>(op);
  if (isLeft && widthOf(op->getResult(0)) < 64 && power > kMaxFactor)
    return opaqueCase(op->getResult(0));
  return forEach(op, [&](Case entry) -> std::optional<Case> {
    if (isLeft) {
      entry.value = system.scale(entry.value, power);
      return entry;
    }
    if (isa<arith::ShRUIOp>(op) && system.minOf(entry.value).value_or(-1) < 0)
      return std::nullopt;
    Row floor = system.quotient(entry.value, power, entry.when);
    entry.value = isAnd ? system.combine(entry.value, 1, floor, -power) : floor;
    return entry;
  });
}

std::optional<Cases> MaskRegion::computeInt(Value value) {
  if (std::optional<int64_t> constant = constantOf(value))
    return Cases{{Conjunct(), System::constant(*constant)}};
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == &op.getMask().front() &&
      argument.getArgNumber() < 4) {
    const Row rows[] = {batch, head, System::variable(row),
                        System::variable(key)};
    return Cases{{Conjunct(), rows[argument.getArgNumber()]}};
  }
  Operation *definition = value.getDefiningOp();
  // Arithmetic of fewer bits than hold what lengths give may wrap anywhere.
  if (!definition || !op.getMask().isAncestor(definition->getParentRegion()) ||
      widthOf(value) < kLengthBits)
    return opaqueCase(value);

  auto combine = [&](int64_t factor) {
    return forPairs(definition, [&](Conjunct when, const Row &x, const Row &y,
                                    Cases &result) {
      result.push_back({std::move(when), system.combine(x, 1, y, factor)});
    });
  };
  return llvm::TypeSwitch<Operation *, std::optional<Cases>>(definition)
      .Case([&](QLenOp) { return Cases{{Conjunct(), queryLength}}; })
      .Case([&](KVLenOp) { return Cases{{Conjunct(), keyLength}}; })
      .Case([&](QOffsetOp) { return Cases{{Conjunct(), queryOffset}}; })
      .Case([&](arith::AddIOp) { return combine(1); })
      .Case([&](arith::SubIOp) { return combine(-1); })
      .Case([&](arith::MulIOp product) { return multiply(product); })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
            arith::FloorDivSIOp, arith::CeilDivSIOp, arith::CeilDivUIOp>(
          [&](Operation *division) { return divide(division); })
      .Case<arith::MinSIOp, arith::MaxSIOp>(
          [&](Operation *extremum) { return extreme(extremum); })
      .Case([&](math::AbsIOp abs) { return absolute(abs); })
      .Case([&](arith::SelectOp select) {
        return chooseInt(select.getCondition(), select.getTrueValue(),
                         select.getFalseValue());
      })
      .Case([&](scf::IfOp ifOp) {
        unsigned number = cast<OpResult>(value).getResultNumber();
        return chooseInt(ifOp.getCondition(),
                         ifOp.thenYield().getOperand(number),
                         ifOp.elseYield().getOperand(number));
      })
      .Case<arith::ExtSIOp, arith::ExtUIOp, arith::IndexCastOp,
            arith::IndexCastUIOp>([&](Operation *cast) { return widen(cast); })
      .Case([&](arith::TruncIOp truncation) {
        return translateInt(truncation.getOperand());
      })
      .Case<arith::AndIOp, arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(
          [&](Operation *shift) { return bitwise(shift); })
      .Default([&](Operation *) { return opaqueCase(value); });
}
