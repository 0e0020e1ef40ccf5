//===- MaskTiles.h - The tiles that a mask leaves ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The result of mask analysis as data: for each outer tile, which inner tiles
// have attended elements and which are full, as unions of conjunctions of
// affine rows over symbols and, where there is a closed form, as ranges.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKTILES_H
#define ATTN_ANALYSIS_MASKTILES_H

#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Dialect/Attn/Hole.h"

#include "llvm/ADT/SmallVector.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace attn::mask {

/// Coefficients of an affine form: entry 0 is the constant, entry v the
/// coefficient of variable v. Trailing zeros are trimmed.
using Row = llvm::SmallVector<int64_t, 8>;
using RowList = llvm::SmallVector<Row, 0>;

/// Numbers (captures, elements of tables) of 64 bits, and of 32 where a region
/// computes with fewer than 64, enter the arithmetic of bounds if they are at
/// most this large; a tile for which one is larger is visited and not full.
/// Sums of two and a length have 32 bits.
constexpr int64_t kWideLimit = int64_t(1) << 29;

/// Of more rows or keys than this, bounds that take arithmetic of 32 bits not
/// to wrap are not used, either. As much times the largest factor of a product,
/// and something added to it, is within 32 bits.
constexpr int64_t kOrdinaryLength = int64_t(1) << 18;

enum class VarKind {
  One,         // entry 0 of a row
  QueryTile,   // t
  KeyTile,     // c
  Batch,       // b
  Head,        // h
  QueryLength, // attn.q_len
  KeyLength,   // attn.kv_len
  QueryOffset, // attn.q_offset
  Scalar,      // an integer of the region that depends on neither i nor j
  Minimum,     // smallest element of a summary at this tile
  Maximum,     // largest element of a summary at this tile
  Element,     // a value of j alone at key c, where a key tile is one key
  Floor,       // dividend floordiv divisor
  Bound,       // existentially quantified
};

struct Variable {
  VarKind kind;
  /// Scalar, Element: the value. Bound: the value it stands for if nothing is
  /// known about it (a table element), else null.
  mlir::Value value = {};
  /// Minimum, Maximum: number of the summary.
  unsigned summary = 0;
  /// Floor.
  Row dividend = {};
  int64_t divisor = 1;
  /// Bound: the sum of i, or of j, and table elements that it stands for.
  Row sum = {};
  /// True if it differs between the inner tiles of an outer one.
  bool perInner = false;
  /// What is known of its value in the domain of the mask.
  std::optional<int64_t> min = {}, max = {};
  /// True if it is a number of the region or of a table that may exceed
  /// kWideLimit and must not.
  bool wide = false;
};

/// The variables that rows are over.
class Symbols {
public:
  const Variable &getVariable(unsigned id) const { return variables[id]; }
  /// Bounds of a row, if they are known and fit 64 bits.
  std::optional<int64_t> minOf(const Row &x) const;
  std::optional<int64_t> maxOf(const Row &x) const;
  /// True if x differs between the inner tiles of an outer one.
  bool isPerInner(const Row &x) const;
  static std::optional<int64_t> asConstant(const Row &x);

protected:
  llvm::SmallVector<Variable> variables;
};

/// The inner tiles x that satisfy a conjunction of rows over the symbols.
struct Piece {
  RowList rows; // each >= 0
  /// An interval that contains the piece: if the guards are >= 0, from the
  /// maximum of `begins` to before the minimum of `ends`, none of which depends
  /// on x. Rows of `hull` are the same conditions as rows >= 0.
  RowList hull, guards, begins, ends;
  bool closed = false; // the interval is the piece
};

/// An excluded piece, cut off from one end of a range.
struct Cut {
  unsigned piece; // of MaskTiles::excluded
  bool fromEnd;
};

/// A range of inner tiles: from the first to the last tile of its pieces, all
/// tiles if none are given.
struct TileRange {
  llvm::SmallVector<unsigned> pieces; // of MaskTiles::attended
  llvm::SmallVector<Cut> cuts;
  bool mayOverlap = false; // with the ranges before it
};

/// What a value of the region is a function of.
enum Dependence : unsigned {
  OnRow = 1,   // i
  OnKey = 2,   // j
  OnBatch = 4, // b, or a size or offset of the batch
  OnHead = 8,  // h
};

/// Blocks of a tile over which a value is constant.
struct Blocks {
  int64_t rows, keys;
};

/// A function of i and j (and b, h) known by its extremes over a tile. One of i
/// alone or of j alone is tabulated before the main grid; one of both that is
/// constant over few blocks of a tile is computed for each of them where it is
/// asked for.
struct Summary {
  enum Over { Rows, Keys, TileBlocks };
  mlir::Value value;
  /// Not empty: not of `value`, but of this sum of i, or of j, and of values,
  /// cut off where 32 bits end.
  Row sum;
  Over over;
  Blocks blocks;             // TileBlocks
  unsigned minimum, maximum; // variables
  unsigned dependence;
};

/// What is known of the tiles of one mask. With MaskAxis::Keys the outer tile
/// is a query tile t and the inner ones are key tiles c, with MaskAxis::Queries
/// it is the other way around.
struct MaskTiles {
  MaskAxis axis;
  int64_t tileM, tileN;
  const Symbols *symbols;
  Row queryLength = {}, keyLength = {};

  /// Tiles with an attended element, and tiles below kv_len with an element
  /// that is not attended.
  std::vector<Piece> attended = {}, excluded = {};
  bool excludedKnown = true;

  std::vector<TileRange> ranges = {};
  bool visitPredicate = false, fullPredicate = false;

  bool exact = true;
  /// Why there is a predicate, or why the result is not exact.
  std::string reason = {};

  /// The tile lies below kv_len: N * c + N <= kv_len. A constant if it is
  /// proved that every tile does.
  Row belowKeyLength = {};

  llvm::SmallVector<Summary> summaries = {};

  /// Factors of the mask with functions that test a tile (attn.hole): where one
  /// of them is false, the tile is empty.
  llvm::SmallVector<HoleOp> tileTests = {};

  /// What all of this takes for granted: lengths up to kOrdinaryLength, and
  /// these variables within kWideLimit, also where they cancelled out.
  bool needsOrdinaryLengths = false;
  llvm::SmallVector<unsigned> limited = {};
  bool isConditional() const {
    return needsOrdinaryLengths || !limited.empty();
  }

  /// Every tile may have an element that is not attended.
  bool noneIsFull() const {
    return excluded.size() == 1 && excluded.front().rows.empty();
  }

  bool enumeratesKeys() const { return axis == MaskAxis::Keys; }
  int64_t getInnerSize() const { return enumeratesKeys() ? tileN : tileM; }
  const Row &getInnerLength() const {
    return enumeratesKeys() ? keyLength : queryLength;
  }
};

} // namespace attn::mask

#endif // ATTN_ANALYSIS_MASKTILES_H
