//===- MaskSystem.cpp - Integer constraints on tile indices ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows, conjunctions, exact projection with parametric floors, and proofs by
// MLIR's Presburger library.
//
//===----------------------------------------------------------------------===//

#include "MaskSystem.h"

#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "mlir/Analysis/Presburger/Simplex.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>
#include <set>

using namespace mlir;
using namespace attn;
using namespace attn::mask;
using llvm::divideFloorSigned;

/// Limits of the work that one attention op may cost. Past them the answer is
/// coarser, never wrong.
/// Work is counted as the entries of the simplex tableaus times their columns,
/// about 50 ns each, so that the same input gives the same result everywhere.
static constexpr int64_t kMaxWork = 500000;
static constexpr int64_t kMaxIntegerSize = 8000;
static constexpr int64_t kIntegerFactor = 3;
static constexpr int64_t kMaxCombinations = 12000;
static constexpr size_t kMaxRows = 100;

System::System(MaskAxis axis) {
  addVariable({VarKind::One});
  auto addTile = [this](VarKind kind, bool isInner) {
    Variable tile{kind};
    tile.min = 0;
    tile.perInner = isInner;
    return addVariable(tile);
  };
  queryTile = addTile(VarKind::QueryTile, axis == MaskAxis::Queries);
  keyTile = addTile(VarKind::KeyTile, axis == MaskAxis::Keys);
  innerTile = axis == MaskAxis::Keys ? keyTile : queryTile;
}

//===----------------------------------------------------------------------===//
// Variables and rows
//===----------------------------------------------------------------------===//

Row &System::trim(Row &row) {
  while (!row.empty() && row.back() == 0)
    row.pop_back();
  return row;
}

static int64_t coefficient(const Row &row, unsigned id) {
  return id < row.size() ? row[id] : 0;
}

unsigned System::addVariable(Variable variable) {
  variables.push_back(std::move(variable));
  return variables.size() - 1;
}

Row System::constant(int64_t value) {
  Row row{value};
  return trim(row);
}

Row System::variable(unsigned id) {
  Row row(id + 1, 0);
  row[id] = 1;
  return row;
}

/// Entries of rows stay where their opposites fit 64 bits, too.
static bool fitsRow(__int128 value) {
  constexpr int64_t limit = std::numeric_limits<int64_t>::max();
  return value <= limit && value >= -limit;
}

Row System::combine(const Row &x, __int128 a, const Row &y, __int128 b) {
  // Factors are products of two entries at most; those that fit no entry are
  // given up, so that the sums below fit 128 bits.
  overflow |= !fitsRow(a) || !fitsRow(b);
  Row result(std::max(x.size(), y.size()), 0);
  if (overflow)
    return {};
  for (auto [id, entry] : llvm::enumerate(result)) {
    __int128 sum = a * coefficient(x, id) + b * coefficient(y, id);
    if (!fitsRow(sum)) {
      overflow = true;
      return {};
    }
    entry = static_cast<int64_t>(sum);
  }
  return trim(result);
}

__int128 System::magnitudeOf(const Row &row) const {
  __int128 sum = 0;
  for (auto [id, entry] : llvm::enumerate(row)) {
    if (entry == 0)
      continue;
    const Variable &symbol = variables[id];
    // Sizes, indices and 32-bit numbers, unless something else is said.
    __int128 bound = symbol.wide ? kWideLimit : int64_t(1) << 31;
    if (symbol.kind == VarKind::One)
      bound = 1;
    else if (symbol.kind == VarKind::Floor)
      bound = magnitudeOf(symbol.dividend) / symbol.divisor + 1;
    sum += (entry < 0 ? -__int128(entry) : entry) * bound;
  }
  return sum;
}

bool System::isComputable(const Row &row) const {
  return magnitudeOf(row) < __int128(1) << 62;
}

std::optional<int64_t> Symbols::asConstant(const Row &x) {
  if (x.size() > 1)
    return std::nullopt;
  return coefficient(x, 0);
}

bool System::hasBound(const Row &x) const {
  for (unsigned id = 1; id < x.size(); ++id)
    if (x[id] != 0 && isBound(id))
      return true;
  return false;
}

bool Symbols::isPerInner(const Row &x) const {
  for (unsigned id = 1; id < x.size(); ++id)
    if (x[id] != 0 && variables[id].perInner)
      return true;
  return false;
}

bool System::hasInnerTerm(const Row &x) const {
  for (unsigned id = 1; id < x.size(); ++id)
    if (x[id] != 0 && id != innerTile && variables[id].perInner)
      return true;
  return false;
}

bool System::readsInnerSummary(const Row &x) const {
  for (unsigned id = 1; id < x.size(); ++id) {
    const Variable &symbol = variables[id];
    if (x[id] != 0 && symbol.perInner &&
        (symbol.kind == VarKind::Minimum || symbol.kind == VarKind::Maximum ||
         readsInnerSummary(symbol.dividend)))
      return true;
  }
  return false;
}

std::optional<int64_t> Symbols::minOf(const Row &x) const {
  __int128 sum = coefficient(x, 0);
  for (unsigned id = 1; id < x.size(); ++id) {
    if (x[id] == 0)
      continue;
    std::optional<int64_t> end =
        x[id] > 0 ? variables[id].min : variables[id].max;
    if (!end)
      return std::nullopt;
    __int128 term = static_cast<__int128>(x[id]) * *end;
    constexpr __int128 limit = __int128(1) << 126;
    if (sum > limit || sum < -limit || term > limit || term < -limit)
      return std::nullopt;
    sum += term;
  }
  if (!fitsRow(sum))
    return std::nullopt;
  return static_cast<int64_t>(sum);
}

std::optional<int64_t> Symbols::maxOf(const Row &x) const {
  Row negated;
  for (int64_t entry : x)
    negated.push_back(-entry);
  std::optional<int64_t> min = minOf(negated);
  return min ? std::optional<int64_t>(-*min) : std::nullopt;
}

Row System::floorDiv(const Row &x, int64_t k) {
  assert(k > 0 && "floor by a positive constant");
  // k * whole + rest; the floor of the rest is a symbol of its own.
  Row whole(x.size(), 0), rest(x.size(), 0);
  for (unsigned id = 0; id < x.size(); ++id) {
    whole[id] = divideFloorSigned(x[id], k);
    rest[id] = x[id] - whole[id] * k;
    if (id != 0 && rest[id] != 0) {
      // An indivisible coefficient stays whole: it reads better.
      whole[id] = 0;
      rest[id] = x[id];
    }
  }
  trim(whole);
  trim(rest);
  if (asConstant(rest))
    return whole;
  auto [it, isNew] = floors.try_emplace({rest, k}, 0);
  if (isNew) {
    Variable floor{VarKind::Floor};
    floor.dividend = rest;
    floor.divisor = k;
    floor.perInner = isPerInner(rest);
    if (std::optional<int64_t> min = minOf(rest))
      floor.min = divideFloorSigned(*min, k);
    if (std::optional<int64_t> max = maxOf(rest))
      floor.max = divideFloorSigned(*max, k);
    it->second = addVariable(floor);
  }
  return add(whole, variable(it->second));
}

Row System::quotient(const Row &x, int64_t k, Conjunct &when) {
  if (k == 1)
    return x;
  if (!hasBound(x))
    return floorDiv(x, k);
  auto [it, isNew] = quotients.try_emplace({x, k}, 0);
  if (isNew) {
    Variable bound{VarKind::Bound};
    if (std::optional<int64_t> min = minOf(x))
      bound.min = divideFloorSigned(*min, k);
    if (std::optional<int64_t> max = maxOf(x))
      bound.max = divideFloorSigned(*max, k);
    it->second = addVariable(bound);
  }
  Row result = variable(it->second);
  Row remainder = combine(x, 1, result, -k);
  requireNonNegative(when, remainder);
  requireNonNegative(when, offset(scale(remainder, -1), k - 1));
  return result;
}

//===----------------------------------------------------------------------===//
// Conjunctions
//===----------------------------------------------------------------------===//

/// Greatest common divisor of the coefficients of `row` that `take` accepts.
template <typename Predicate>
static int64_t commonFactor(const Row &row, Predicate take) {
  int64_t factor = 0;
  for (unsigned id = 1; id < row.size(); ++id)
    if (row[id] != 0 && take(id))
      factor = std::gcd(factor, row[id]);
  return factor;
}

static int64_t commonFactor(const Row &row) {
  return commonFactor(row, [](unsigned) { return true; });
}

/// The coefficients without the constant; for comparing directions.
static ArrayRef<int64_t> direction(const Row &row) {
  return row.empty() ? ArrayRef<int64_t>()
                     : ArrayRef<int64_t>(row).drop_front();
}

/// Adds `row` >= 0 to `rows` after tightening it to integers. Returns false if
/// it contradicts what is there.
bool System::insert(RowList &rows, Row row) const {
  if (std::optional<int64_t> value = asConstant(row))
    return *value >= 0;
  int64_t factor = commonFactor(row);
  row[0] = divideFloorSigned(row[0], factor);
  for (int64_t &entry : MutableArrayRef<int64_t>(row).drop_front())
    entry /= factor;
  for (Row &other : rows) {
    if (other.size() != row.size())
      continue;
    if (direction(other) == direction(row)) {
      other[0] = std::min(other[0], row[0]);
      return true;
    }
  }
  for (const Row &other : rows)
    if (other.size() == row.size() &&
        llvm::all_of_zip(direction(other), direction(row),
                         [](int64_t a, int64_t b) { return a == -b; }) &&
        static_cast<__int128>(other[0]) + row[0] < 0)
      return false;
  rows.push_back(std::move(row));
  return true;
}

void System::requireNonNegative(Conjunct &conjunct, Row row) const {
  if (conjunct.contradictory)
    return;
  std::optional<int64_t> max = maxOf(row);
  if ((max && *max < 0) || !insert(conjunct.inequalities, std::move(row)))
    conjunct.contradictory = true;
}

void System::requireZero(Conjunct &conjunct, Row row) const {
  if (conjunct.contradictory)
    return;
  std::optional<int64_t> min = minOf(row), max = maxOf(row);
  int64_t factor = commonFactor(row);
  bool isZero = factor == 0 && coefficient(row, 0) == 0;
  if ((min && *min > 0) || (max && *max < 0) ||
      (factor == 0 ? !isZero : row[0] % factor != 0)) {
    conjunct.contradictory = true;
    return;
  }
  if (isZero)
    return;
  for (int64_t &entry : row)
    entry /= factor;
  if (!llvm::is_contained(conjunct.equalities, row))
    conjunct.equalities.push_back(std::move(row));
}

void System::conjoin(Conjunct &conjunct, const Conjunct &other) const {
  conjunct.contradictory |= other.contradictory;
  for (const Row &row : other.equalities)
    requireZero(conjunct, row);
  for (const Row &row : other.inequalities)
    requireNonNegative(conjunct, row);
}

//===----------------------------------------------------------------------===//
// Projection
//===----------------------------------------------------------------------===//

bool System::canFloor(const Row &symbols, int64_t k, bool closed) const {
  if (!closed)
    return true;
  for (unsigned id = 1; id < symbols.size(); ++id)
    if (symbols[id] % k != 0 && variables[id].perInner)
      return false;
  return true;
}

/// Splits a row into its bound and its symbolic part.
static std::pair<Row, Row> split(const System &system, const Row &row) {
  Row bound(row.size(), 0), symbols(row.size(), 0);
  for (unsigned id = 0; id < row.size(); ++id)
    (id != 0 && system.isBound(id) ? bound : symbols)[id] = row[id];
  return {System::trim(bound), System::trim(symbols)};
}

/// g * x + P >= 0 is x + (P floordiv g) >= 0 for integers x: parametric
/// tightening, which upstream's gcdTightenInequalities (version 22) has for
/// constant P only.
bool System::normalize(Row &row, bool closed) {
  int64_t factor =
      commonFactor(row, [this](unsigned id) { return isBound(id); });
  if (factor <= 1)
    return factor != 0;
  auto [bound, symbols] = split(*this, row);
  if (!canFloor(symbols, factor, closed))
    return true;
  for (int64_t &entry : bound)
    entry /= factor;
  row = add(bound, floorDiv(symbols, factor));
  return true;
}

/// The inequalities of a conjunct after its equalities: one with a unit
/// coefficient defines a bound variable, another one is two inequalities.
RowList System::withoutEqualities(const Conjunct &conjunct) {
  RowList rows = conjunct.inequalities;
  RowList equalities = conjunct.equalities;
  for (unsigned next = 0; next < equalities.size();) {
    Row equality = equalities[next];
    unsigned pivot = 0;
    for (unsigned id = 1; id < equality.size() && pivot == 0; ++id)
      if (isBound(id) && (equality[id] == 1 || equality[id] == -1))
        pivot = id;
    if (pivot == 0) {
      ++next;
      continue;
    }
    auto substitute = [&](Row &row) {
      row = combine(row, 1, equality,
                    -__int128(coefficient(row, pivot)) * equality[pivot]);
    };
    equalities.erase(equalities.begin() + next);
    llvm::for_each(rows, substitute);
    llvm::for_each(equalities, substitute);
    next = 0;
  }
  for (const Row &equality : equalities) {
    rows.push_back(equality);
    rows.push_back(scale(equality, -1));
  }
  return rows;
}

System::PairKind System::classify(const Row &lower, const Row &upper,
                                  unsigned x, bool closed) {
  int64_t a = lower[x], b = -upper[x];
  if (a == 1 || b == 1)
    return PairKind::Exact;
  Row sum = combine(lower, b, upper, a);
  std::optional<int64_t> value = asConstant(sum);
  if (value && *value >= __int128(a - 1) * (b - 1))
    return PairKind::Always;
  auto divisible = [&](const Row &row, int64_t k) {
    auto [bound, symbols] = split(*this, row);
    return llvm::all_of(bound, [k](int64_t entry) { return entry % k == 0; }) &&
           canFloor(symbols, k, closed);
  };
  return divisible(lower, a) && divisible(upper, b) ? PairKind::Floors
                                                    : PairKind::Shadow;
}

/// The bound variable to eliminate next: inexact pairs count first, then by
/// how much the rows become more, which is the second result.
std::pair<unsigned, int64_t> System::cheapest(const RowList &rows,
                                              bool closed) {
  unsigned best = 0;
  std::pair<int64_t, int64_t> bestCost;
  for (unsigned x = 1; x < variables.size(); ++x) {
    if (!isBound(x))
      continue;
    int64_t lowers = 0, uppers = 0, shadows = 0;
    for (const Row &row : rows) {
      lowers += coefficient(row, x) > 0;
      uppers += coefficient(row, x) < 0;
    }
    if (lowers + uppers == 0)
      continue;
    for (const Row &lower : rows)
      for (const Row &upper : rows)
        if (coefficient(lower, x) > 0 && coefficient(upper, x) < 0)
          shadows += classify(lower, upper, x, closed) == PairKind::Shadow;
    std::pair<int64_t, int64_t> cost = {shadows,
                                        lowers * uppers - lowers - uppers};
    if (best == 0 || cost < bestCost) {
      best = x;
      bestCost = cost;
    }
  }
  return {best, bestCost.second};
}

/// The rows without the bound variable x. Clears `exact` if they hold for more.
RowList System::eliminate(const RowList &rows, unsigned x, bool closed,
                          bool &exact) {
  RowList next;
  for (const Row &row : rows)
    if (coefficient(row, x) == 0)
      next.push_back(row);
  for (const Row &lower : rows) {
    for (const Row &upper : rows) {
      if (coefficient(lower, x) <= 0 || coefficient(upper, x) >= 0)
        continue;
      int64_t a = lower[x], b = -upper[x];
      PairKind kind = classify(lower, upper, x, closed);
      if (kind == PairKind::Always)
        continue;
      if (kind == PairKind::Floors) {
        // -(e floordiv a) <= x <= f floordiv b.
        auto divided = [&](const Row &row, int64_t k) {
          auto [bound, symbols] = split(*this, row);
          bound[x] = 0;
          for (int64_t &entry : bound)
            entry /= k;
          return add(trim(bound), floorDiv(symbols, k));
        };
        next.push_back(add(divided(lower, a), divided(upper, b)));
        continue;
      }
      int64_t common = std::gcd(a, b);
      next.push_back(combine(lower, b / common, upper, a / common));
      exact &= kind == PairKind::Exact;
    }
  }
  return next;
}

/// Fourier-Motzkin with integer-exact combinations.
Projection System::project(const Conjunct &conjunct, bool closed) {
  Projection result;
  result.contradictory = conjunct.contradictory;
  if (result.contradictory)
    return result;
  RowList rows = withoutEqualities(conjunct);
  while (!overflow) {
    RowList pending;
    for (Row &row : rows) {
      bool isBoundRow = normalize(row, closed);
      if (!insert(isBoundRow ? pending : result.rows, std::move(row))) {
        result.contradictory = true;
        return result;
      }
    }
    if (pending.empty())
      return result;
    if (pending.size() + result.rows.size() > kMaxRows)
      break;
    auto [variable, growth] = cheapest(pending, closed);
    combinations += growth + pending.size();
    if (combinations > kMaxCombinations)
      break;
    rows = eliminate(pending, variable, closed, result.exact);
  }
  // Too much work: nothing is known of this conjunct.
  result.rows.clear();
  result.exact = false;
  return result;
}

//===----------------------------------------------------------------------===//
// Proofs
//===----------------------------------------------------------------------===//

/// The facts, what the symbols in them are known to satisfy, and the order of
/// inner tiles, as a set. Its inequalities begin with the facts.
presburger::IntegerPolyhedron
System::setOf(ArrayRef<Fact> facts,
              ArrayRef<std::pair<unsigned, unsigned>> before) {
  // Columns: a symbol is shared by the inner tiles or has one for each.
  std::map<std::pair<unsigned, unsigned>, unsigned> columns;
  SmallVector<std::pair<unsigned, unsigned>> symbols;
  auto columnOf = [&](unsigned id, unsigned copy) {
    std::pair<unsigned, unsigned> key(id, variables[id].perInner ? copy : 0);
    auto [it, isNew] = columns.try_emplace(key, symbols.size());
    if (isNew)
      symbols.push_back(key);
    return it->second;
  };
  SmallVector<Fact> all(facts);
  for (auto [earlier, later] : before) {
    columnOf(innerTile, earlier);
    columnOf(innerTile, later);
  }
  auto visit = [&](const Fact &fact) {
    for (unsigned id = 1; id < fact.row.size(); ++id)
      if (fact.row[id] != 0)
        columnOf(id, fact.copy);
  };
  for (const Fact &fact : facts)
    visit(fact);
  // What is known of the symbols that occur, until nothing new occurs.
  std::set<std::pair<size_t, unsigned>> used;
  for (size_t defined = 0, size = 0; size != all.size();) {
    size = all.size();
    auto know = [&](Row row, unsigned copy) {
      all.push_back({std::move(row), copy});
      visit(all.back());
    };
    for (; defined < symbols.size(); ++defined) {
      auto [id, copy] = symbols[defined];
      const Variable &symbol = variables[id];
      if (symbol.kind == VarKind::Floor) {
        Row remainder =
            combine(symbol.dividend, 1, variable(id), -symbol.divisor);
        know(remainder, copy);
        know(offset(scale(remainder, -1), symbol.divisor - 1), copy);
        continue;
      }
      if (symbol.min)
        know(offset(variable(id), -*symbol.min), copy);
      if (symbol.max)
        know(offset(scale(variable(id), -1), *symbol.max), copy);
    }
    for (size_t number = 0; number < context.size(); ++number) {
      const Row &row = context[number];
      for (unsigned copy = 0; copy < (isPerInner(row) ? 3 : 1); ++copy) {
        // A fact tells something if all its symbols but one occur.
        unsigned missing = 0, total = 0;
        for (unsigned id = 1; id < row.size(); ++id) {
          if (row[id] == 0)
            continue;
          ++total;
          missing += !columns.count({id, variables[id].perInner ? copy : 0});
        }
        if (missing > 1 || missing == total ||
            !used.insert({number, copy}).second)
          continue;
        know(row, copy);
      }
    }
  }

  presburger::IntegerPolyhedron set(
      presburger::PresburgerSpace::getSetSpace(symbols.size()));
  auto addRow = [&](const Fact &fact) {
    SmallVector<int64_t> entries(symbols.size() + 1, 0);
    for (unsigned id = 1; id < fact.row.size(); ++id)
      if (fact.row[id] != 0)
        entries[columnOf(id, fact.copy)] += fact.row[id];
    entries.back() = coefficient(fact.row, 0);
    set.addInequality(entries);
  };
  llvm::for_each(all, addRow);
  for (auto [earlier, later] : before) {
    SmallVector<int64_t> entries(symbols.size() + 1, 0);
    entries[columnOf(innerTile, earlier)] = -1;
    entries[columnOf(innerTile, later)] = 1;
    entries.back() = -1;
    set.addInequality(entries);
  }
  return set;
}

/// Accounts for a tableau of the set; false if there is no work left.
static bool spend(int64_t &work, const presburger::IntegerPolyhedron &set,
                  int64_t factor, int64_t &size) {
  size = static_cast<int64_t>(set.getNumInequalities()) * set.getNumCols() *
         set.getNumCols();
  work += factor * size;
  return work <= kMaxWork;
}

bool System::isContradictory(ArrayRef<Fact> facts,
                             ArrayRef<std::pair<unsigned, unsigned>> before) {
  if (overflow || work > kMaxWork)
    return false;
  presburger::IntegerPolyhedron set = setOf(facts, before);
  int64_t size = 0;
  if (!spend(work, set, 1, size))
    return false;
  presburger::Simplex simplex(set);
  if (simplex.isEmpty())
    return true;
  // Elimination with GCD tightening: sound, and it terminates soon, while
  // isIntegerEmpty (version 22) may search for a sample without end where
  // symbols are unbounded.
  return size <= kMaxIntegerSize && spend(work, set, kIntegerFactor, size) &&
         set.isEmpty();
}

void System::removeRedundant(RowList &rows, ArrayRef<Row> given) {
  if (overflow || work > kMaxWork)
    return;
  // Guards first, then the rows of many symbols: what is left reads best.
  llvm::sort(rows, [this](const Row &x, const Row &y) {
    auto weight = [this](const Row &row) {
      return std::make_tuple(isPerInner(row),
                             llvm::count(row, 0) -
                                 static_cast<int64_t>(row.size()),
                             ArrayRef<int64_t>(row));
    };
    return weight(x) < weight(y);
  });
  SmallVector<Fact> facts;
  for (const Row &row : rows)
    facts.push_back({row});
  for (const Row &row : given)
    facts.push_back({row});
  presburger::IntegerPolyhedron set = setOf(facts, {});
  int64_t size = 0;
  if (!spend(work, set, 2, size))
    return;
  presburger::Simplex simplex(set);
  if (simplex.isEmpty())
    return;
  simplex.detectRedundant(0, rows.size());
  RowList kept;
  for (auto [index, row] : llvm::enumerate(rows))
    if (!simplex.isMarkedRedundant(index))
      kept.push_back(row);
  rows = std::move(kept);

  // What follows for integers only.
  for (unsigned index = 0; index < rows.size() && size <= kMaxIntegerSize;) {
    facts.clear();
    for (auto [other, row] : llvm::enumerate(rows))
      facts.push_back({other == index ? negate(row) : row});
    for (const Row &row : given)
      facts.push_back({row});
    if (isContradictory(facts))
      rows.erase(rows.begin() + index);
    else
      ++index;
  }
}
