//===- MaskSystem.h - Integer constraints on tile indices -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic of mask analysis: affine rows over the symbols of a tile
// (query tile, key tile, sizes, scalars, floors of such rows), conjunctions of
// rows with bound variables (i, j, quotients, table elements), their exact
// projection on the symbols, and proofs about the result by Presburger
// emptiness queries. Internal to lib/Analysis.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_MASKSYSTEM_H
#define ATTN_LIB_ANALYSIS_MASKSYSTEM_H

#include "attn/Analysis/MaskTiles.h"

#include <map>

namespace mlir::presburger {
class IntegerPolyhedron;
} // namespace mlir::presburger

namespace attn::mask {

/// A conjunction: every inequality is >= 0, every equality is == 0.
struct Conjunct {
  RowList inequalities, equalities;
  bool contradictory = false;
};

/// The conditions on the symbols under which a conjunct has a solution.
struct Projection {
  RowList rows;      // each >= 0
  bool exact = true; // false: `rows` hold for more than that
  bool contradictory = false;
};

class System : public Symbols {
public:
  explicit System(MaskAxis axis);

  //===--- Variables and rows ---------------------------------------------===//

  unsigned addVariable(Variable variable);
  void setWide(unsigned id) { variables[id].wide = true; }
  bool isBound(unsigned id) const {
    return variables[id].kind == VarKind::Bound;
  }

  static Row constant(int64_t value);
  static Row variable(unsigned id);
  /// Removes zeros at the end, which no row has.
  static Row &trim(Row &row);
  /// a * x + b * y. Where 64 bits do not hold it, sets the overflow flag, after
  /// which no row means anything and nothing is proved.
  Row combine(const Row &x, __int128 a, const Row &y, __int128 b);
  Row add(const Row &x, const Row &y) { return combine(x, 1, y, 1); }
  Row subtract(const Row &x, const Row &y) { return combine(x, 1, y, -1); }
  Row offset(const Row &x, int64_t k) { return add(x, constant(k)); }
  Row scale(const Row &x, int64_t k) { return combine(x, k, {}, 0); }
  /// The row that is >= 0 where `x` is < 0.
  Row negate(const Row &x) { return combine(x, -1, constant(-1), 1); }

  /// x floordiv k for a row over symbols.
  Row floorDiv(const Row &x, int64_t k);
  /// x floordiv k for any row: a bound variable that `when` defines.
  Row quotient(const Row &x, int64_t k, Conjunct &when);

  bool hasBound(const Row &x) const;
  /// True if x depends on the inner tile other than as a multiple of it.
  bool hasInnerTerm(const Row &x) const;
  /// True if x depends on a summary over inner tiles.
  bool readsInnerSummary(const Row &x) const;
  int64_t coefficientOfInner(const Row &x) const {
    return innerTile < x.size() ? x[innerTile] : 0;
  }

  //===--- Conjunctions ---------------------------------------------------===//

  void requireNonNegative(Conjunct &conjunct, Row row) const;
  void requireZero(Conjunct &conjunct, Row row) const;
  void conjoin(Conjunct &conjunct, const Conjunct &other) const;

  /// Eliminates the bound variables. Integer-exact but for flagged cases. With
  /// `closed`, no floor of the result depends on the inner tile, so that its
  /// rows bound it, at the price of exactness.
  Projection project(const Conjunct &conjunct, bool closed);

  //===--- Proofs ---------------------------------------------------------===//

  /// Facts about the symbols that hold at every tile of the domain.
  void assume(Row row) { context.push_back(std::move(row)); }

  /// A fact about inner tile number `copy` (0, 1 or 2) of one outer tile.
  struct Fact {
    Row row;
    unsigned copy = 0;
  };
  /// True if it is proved that the facts cannot hold together, the first
  /// inner tile of each pair of `before` being before the second. False if they
  /// can, or if the budget of work is spent.
  bool
  isContradictory(llvm::ArrayRef<Fact> facts,
                  llvm::ArrayRef<std::pair<unsigned, unsigned>> before = {});

  /// Removes rows implied by the others, `given` and the context.
  void removeRedundant(RowList &rows, llvm::ArrayRef<Row> given);

  bool overflowed() const { return overflow; }

  /// True if a program can compute the row in 64 bits.
  bool isComputable(const Row &row) const;

  /// The variables t and c, and which of them is enumerated.
  unsigned queryTile, keyTile, innerTile;

private:
  /// How large the row and the sums on the way to it can be.
  __int128 magnitudeOf(const Row &row) const;
  mlir::presburger::IntegerPolyhedron
  setOf(llvm::ArrayRef<Fact> facts,
        llvm::ArrayRef<std::pair<unsigned, unsigned>> before);
  bool insert(RowList &rows, Row row) const;
  /// Divides the row by the common factor of its bound variables.
  bool normalize(Row &row, bool closed);
  bool canFloor(const Row &symbols, int64_t k, bool closed) const;

  /// What the pair (a x + e >= 0, -b x + f >= 0) says without x.
  enum class PairKind { Always, Exact, Floors, Shadow };
  PairKind classify(const Row &lower, const Row &upper, unsigned x,
                    bool closed);
  RowList withoutEqualities(const Conjunct &conjunct);
  std::pair<unsigned, int64_t> cheapest(const RowList &rows, bool closed);
  RowList eliminate(const RowList &rows, unsigned x, bool closed, bool &exact);

  llvm::SmallVector<Row> context;
  std::map<std::pair<Row, int64_t>, unsigned> floors, quotients;
  int64_t work = 0, combinations = 0;
  bool overflow = false;
};

} // namespace attn::mask

#endif // ATTN_LIB_ANALYSIS_MASKSYSTEM_H
