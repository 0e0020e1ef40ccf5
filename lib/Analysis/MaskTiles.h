//===- MaskTiles.h - Sets of key tiles --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The result of mask analysis: the key tiles that a query tile visits and
// those that are full, as unions of conjunctions and, where it is exact, as
// ranges in closed form. Internal to lib/Analysis.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_MASKTILES_H
#define ATTN_LIB_ANALYSIS_MASKTILES_H

#include "MaskRegion.h"
#include "MaskSystem.h"

#include "attn/Analysis/MaskAnalysis.h"

namespace attn::mask {

/// The key tiles c that satisfy a conjunction of rows over the symbols.
struct Piece {
  RowList rows; // each >= 0
  /// An interval that contains the piece: if the guards are >= 0, from the
  /// maximum of `begins` to before the minimum of `ends`, none of which depends
  /// on c. Rows of `hull` are the same conditions as rows >= 0.
  RowList hull, guards, begins, ends;
  bool closed = false; // the interval is the piece
};

/// An excluded piece, cut off from one end of a range.
struct Cut {
  unsigned piece; // of MaskTiles::excluded
  bool fromEnd;
};

/// A range of key tiles: from the first to the last tile of its pieces, all
/// tiles if none are given.
struct TileRange {
  llvm::SmallVector<unsigned> pieces; // of MaskTiles::attended
  llvm::SmallVector<Cut> cuts;
  bool mayOverlap = false; // with the ranges before it
};

} // namespace attn::mask

struct attn::MaskAnalysis::Impl {
  Impl(AttentionOp op, int64_t tileM, int64_t tileN);

  /// The keys that some row of the problem attends, as `attended` for key tiles
  /// of one key; no pieces if that may be every key.
  struct Keys {};
  Impl(AttentionOp op, Keys);

  AttentionOp op;
  int64_t tileM, tileN;
  mask::System system;
  mask::MaskRegion region;

  /// Tiles with an attended element, and tiles below kv_len with an element
  /// that is not attended.
  std::vector<mask::Piece> attended, excluded;
  bool excludedKnown = true;

  std::vector<mask::TileRange> ranges;
  bool visitPredicate = false, fullPredicate = false;

  bool exact = true;
  /// Why there is a predicate, or why the result is not exact.
  std::string reason;

  /// The tile lies below kv_len: N * c + N <= kv_len.
  mask::Row belowKeyLength;

  std::unique_ptr<Impl> keys;

private:
  std::vector<mask::Piece> findPieces(const mask::Disjunction &disjunction,
                                      bool excluded);
  void findInterval(mask::Piece &piece, const mask::Conjunct &conjunct,
                    llvm::ArrayRef<mask::Row> given);
  void absorb(std::vector<mask::Piece> &pieces,
              llvm::ArrayRef<mask::Row> given);
  /// True if a program can compute all conditions in 64 bits.
  bool fitsSixtyFourBits() const;
  bool findRanges();
  bool findCuts(mask::TileRange &range);
  bool touch(const mask::Piece &x, const mask::Piece &y);
  bool beginsBefore(const mask::Piece &x, const mask::Piece &y);
  void note(llvm::StringRef text);
};

#endif // ATTN_LIB_ANALYSIS_MASKTILES_H
