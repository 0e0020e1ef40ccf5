//===- MaskRegion.h - A mask region as constraints --------------*- C++ -*-===//
//
// Translates the mask region of an attn.attention, or its complement, to a
// disjunction of conjunctions of affine rows. Internal to lib/Analysis.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_MASKREGION_H
#define ATTN_LIB_ANALYSIS_MASKREGION_H

#include "MaskSystem.h"

#include "dialects/Attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseMap.h"

namespace attn::mask {

/// What a value of the region is a function of.
enum Dependence : unsigned {
  OnRow = 1,   // i
  OnKey = 2,   // j
  OnBatch = 4, // b, or a size or offset of the batch
  OnHead = 8,  // h
};

/// An integer value: `value` where `when` holds, a list of cases.
struct Case {
  Conjunct when;
  Row value;
};
using Cases = std::vector<Case>;
using Disjunction = std::vector<Conjunct>;

/// A function of one of i and j (and b, h) known by its extremes over a tile.
struct Summary {
  mlir::Value value;
  bool overKeys; // of j, else of i
  unsigned minimum, maximum;
};

class MaskRegion {
public:
  MaskRegion(System &system, AttentionOp op);

  /// The (i, j) that are attended, or those that are not, as a disjunction.
  /// What cannot be translated counts as true in both. Fails if there would be
  /// too many conjuncts.
  std::optional<Disjunction> translate(bool attended);

  /// Rows that bind i and j to the query tile and the key tile.
  /// `wholeTile`: the key tile is known to lie below kv_len.
  Conjunct tileDomain(int64_t tileM, int64_t tileN, bool wholeTile);

  /// Bounds the table elements of the conjunct by their summaries. Returns
  /// false if it has table elements: what is derived from it is a bound.
  bool bindOpaque(Conjunct &conjunct);

  /// What a summarised value depends on.
  unsigned getDependence(mlir::Value value) const {
    return dependences.lookup(value);
  }
  llvm::ArrayRef<Summary> getSummaries() const { return summaries; }
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
  std::optional<Cases> divide(mlir::Operation *op);
  struct SignedCase {
    Case entry;
    bool negative;
  };
  std::vector<SignedCase> split(const Cases &cases);

  unsigned dependenceOf(mlir::Value value);

  /// A variable for a value of which no more is known.
  Row opaque(mlir::Value value);
  Cases opaqueCase(mlir::Value value) { return {{Conjunct(), opaque(value)}}; }
  bool isOpaque(const Conjunct &conjunct) const;

  System &system;
  AttentionOp op;
  unsigned row, key; // the variables i and j
  Row batch, head, queryLength, keyLength, queryOffset;
  llvm::DenseMap<mlir::Value, unsigned> dependences;
  llvm::DenseMap<mlir::Value, Row> opaques;
  llvm::DenseMap<mlir::Value, std::optional<Cases>> intMemo;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, std::optional<Disjunction>>
      boolMemo;
  llvm::DenseMap<mlir::Value, unsigned> summaryOf;
  llvm::SmallVector<Summary> summaries;
};

} // namespace attn::mask

#endif // ATTN_LIB_ANALYSIS_MASKREGION_H
