//===- MaskRegion.h - A mask region as constraints --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translates the mask region of an attn.attention, or its complement, to a
// disjunction of conjunctions of affine rows. Internal to lib/Analysis.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_MASKREGION_H
#define ATTN_LIB_ANALYSIS_MASKREGION_H

#include "MaskSystem.h"

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace attn::mask {

/// An integer value: `value` where `when` holds, a list of cases.
struct Case {
  Conjunct when;
  Row value;
};
using Cases = std::vector<Case>;
using Disjunction = std::vector<Conjunct>;

class MaskRegion {
public:
  /// With `allRows`, i is any row of the problem and no row of a query tile.
  /// With `summarisesNested`, quotients of quotients of rows alone or of keys
  /// alone are values of which only extremes over a tile are known.
  MaskRegion(System &system, AttentionOp op, int64_t tileM, int64_t tileN,
             bool allRows, bool summarisesNested = false);

  /// The (i, j) that are attended, or those that are not, as a disjunction.
  /// What cannot be translated counts as true in both. Fails if there would be
  /// too many conjuncts.
  std::optional<Disjunction> translate(bool attended);

  /// Rows that bind i and j to the query tile and the key tile.
  /// `wholeTile`: the key tile is known to lie below kv_len.
  Conjunct tileDomain(bool wholeTile);

  /// Bounds the table elements of the conjunct by their summaries; with
  /// `allRows` those of j alone are known, the others may be anything. Returns
  /// false if it has table elements: what is derived from it is a bound.
  bool bindOpaque(Conjunct &conjunct);

  llvm::ArrayRef<Summary> getSummaries() const { return summaries; }
  /// What was taken for granted, see MaskTiles.
  bool getNeedsOrdinaryLengths() const { return needsOrdinaryLengths; }
  llvm::ArrayRef<unsigned> getLimited() const {
    return comparedWide.getArrayRef();
  }
  const Row &getKeyLength() const { return keyLength; }
  const Row &getQueryLength() const { return queryLength; }

private:
  Row symbol(VarKind kind, std::optional<int64_t> known, int64_t min,
             std::optional<int64_t> max = std::nullopt);

  std::optional<Disjunction> translateBool(mlir::Value value, bool wanted);
  std::optional<Disjunction> computeBool(mlir::Value value, bool wanted);
  std::optional<Disjunction> compare(mlir::arith::CmpIPredicate predicate,
                                     mlir::Value lhs, mlir::Value rhs);
  Disjunction compareRows(mlir::arith::CmpIPredicate predicate, const Row &lhs,
                          const Row &rhs, const Conjunct &when);
  std::optional<Disjunction> both(const std::optional<Disjunction> &x,
                                  const std::optional<Disjunction> &y);
  static std::optional<Disjunction> either(std::optional<Disjunction> x,
                                           std::optional<Disjunction> y);
  std::optional<Disjunction> choose(mlir::Value condition, mlir::Value ifTrue,
                                    mlir::Value ifFalse, bool wanted);

  std::optional<Cases> translateInt(mlir::Value value);
  std::optional<Cases> computeInt(mlir::Value value);
  std::optional<Cases> chooseInt(mlir::Value condition, mlir::Value ifTrue,
                                 mlir::Value ifFalse);
  std::optional<Cases>
  forPairs(mlir::Operation *op,
           llvm::function_ref<void(Conjunct, const Row &, const Row &, Cases &)>
               build);
  std::optional<Cases>
  forEach(mlir::Operation *op,
          llvm::function_ref<std::optional<Case>(Case)> build);
  std::optional<Cases> extreme(mlir::Operation *op);
  std::optional<Cases> multiply(mlir::arith::MulIOp op);
  std::optional<Cases> absolute(mlir::math::AbsIOp op);
  std::optional<Cases> widen(mlir::Operation *cast);
  std::optional<Cases> bitwise(mlir::Operation *op);
  std::optional<Cases> divide(mlir::Operation *op);
  struct SignedCase {
    Case entry;
    bool negative;
  };
  std::vector<SignedCase> split(const Cases &cases);

  /// What no sum of lengths up to `maxLength` and of other numbers that are not
  /// too large exceeds, and whether 32 bits may not hold it for ordinary ones.
  __int128 magnitudeOf(const Row &sum, int64_t maxLength) const;
  bool mayWrap(const Row &sum);
  /// Notes numbers that are compared as if sums of them did not wrap.
  void noteWide(const Row &compared);

  unsigned dependenceOf(mlir::Value value);
  /// How many divisions of i or j are within one another in `value`.
  unsigned divisionDepthOf(mlir::Value value);

  /// The largest blocks, if they are few, over which `value` is constant.
  std::optional<Blocks> blocksOf(mlir::Value value);
  /// True if it is proved that `value` is the same for all numbers from x *
  /// size to x * size + size - 1 of `index`, the variable i or j.
  bool isConstantOver(mlir::Value value, unsigned index, int64_t size);
  bool areQuotientsConstant(mlir::Value value, unsigned index, int64_t size);
  bool isQuotientConstant(unsigned quotient, const Conjunct &when,
                          unsigned index, int64_t size);
  /// True if the condition is better known by its own extremes over a tile than
  /// by those of what it compares.
  bool isBetterWhole(mlir::Value condition, const Disjunction &translated);

  /// True if the same computes both, from operands of which each pair is known
  /// to be alike or is alike.
  bool areAlike(mlir::Value x, mlir::Value y,
                llvm::function_ref<bool(mlir::Value, mlir::Value)> isKnown);
  /// True if the values are proved to be the same, by what computes them.
  bool isSame(mlir::Value x, mlir::Value y);
  /// True if `x` is computed from `argumentX` as `y` is from `argumentY`.
  bool areCongruent(mlir::Value x, mlir::Value y, mlir::Value argumentX,
                    mlir::Value argumentY);
  using Pairs = llvm::SmallVector<std::pair<unsigned, unsigned>>;
  /// Where the conjunct has f(x), f(y) and x = y, removes f(x) - f(y). What is
  /// said of either alone stays: one has extremes over rows, the other over
  /// keys. Returns the pairs of variables that are equal.
  Pairs cancelCongruent(Conjunct &conjunct);
  /// Requires that the variables be equal, where the conjunct has both.
  void equate(Conjunct &conjunct, const Pairs &equal);
  /// Replaces sums of i and table elements of rows, and those of j and of keys,
  /// by one variable each: its extremes over a tile say more than theirs.
  void gatherSums(Conjunct &conjunct);
  Row gatherSum(Row row, unsigned side);
  bool isOrdinary(const Row &rest, int64_t factor) const;
  void addSummary(unsigned id, std::optional<Blocks> blocks);
  unsigned sidesOf(unsigned id);
  /// The variables of the conjunct that stand for values.
  llvm::SmallVector<unsigned> getOpaque(const Conjunct &conjunct) const;

  /// A variable for a value of which no more is known.
  Row opaque(mlir::Value value);
  Cases opaqueCase(mlir::Value value) { return {{Conjunct(), opaque(value)}}; }
  bool isOpaque(const Conjunct &conjunct) const {
    return !getOpaque(conjunct).empty();
  }

  /// size * tile <= index < size * tile + size.
  void requireWithin(Conjunct &conjunct, unsigned index, unsigned tile,
                     int64_t size);

  System &system;
  AttentionOp op;
  int64_t tileM, tileN;
  bool allRows, summarisesNested;
  /// Whether something is computed with fewer than 64 bits.
  bool wraps;
  bool needsOrdinaryLengths = false;
  llvm::SmallSetVector<unsigned, 4> comparedWide;
  unsigned row, key;     // the variables i and j
  unsigned block, probe; // symbols of the proofs about blocks
  Row batch, head, queryLength, keyLength, queryOffset;
  llvm::DenseMap<mlir::Value, unsigned> dependences, divisionDepths;
  llvm::DenseMap<mlir::Value, Row> opaques;
  llvm::DenseMap<mlir::Value, std::optional<Cases>> intMemo;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, std::optional<Disjunction>>
      boolMemo;
  llvm::DenseMap<mlir::Value, unsigned> elementOf;
  llvm::DenseMap<unsigned, unsigned> summaryOf; // by variable
  std::map<Row, unsigned> sums;
  unsigned numCompared = 0; // ops
  llvm::DenseMap<mlir::Value, std::optional<Blocks>> blockMemo;
  std::map<std::tuple<void *, unsigned, int64_t>, bool> constantMemo;
  llvm::SmallVector<Summary> summaries;
};

} // namespace attn::mask

#endif // ATTN_LIB_ANALYSIS_MASKREGION_H
