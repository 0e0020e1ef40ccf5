//===- MaskBounds.h - How the bounds of ranges are computed -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One description of how the bounds of ranges and the predicate of tiles are
// computed, for IR in kernels and for text that people read.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKBOUNDS_H
#define ATTN_ANALYSIS_MASKBOUNDS_H

#include "attn/Analysis/MaskTiles.h"

#include "llvm/ADT/STLExtras.h"

namespace attn::mask {

/// Computes with a Backend: its Number and Bool are IR values or text.
template <typename Backend> class MaskBounds {
public:
  using Number = typename Backend::Number;
  using Bool = typename Backend::Bool;

  MaskBounds(const MaskTiles &tiles, Backend &backend)
      : tiles(tiles), backend(backend) {}

  Number number(const Row &row) { return backend.affine(row); }

  Bool all(llvm::ArrayRef<Row> rows) {
    Bool result = backend.boolean(true);
    for (const Row &row : rows)
      result = backend.both(result, backend.isNonNegative(row));
    return result;
  }

  Bool any(llvm::ArrayRef<Piece> pieces) {
    Bool result = backend.boolean(false);
    for (const Piece &piece : pieces)
      result = backend.either(result, all(piece.rows));
    return result;
  }

  /// Where the interval of a piece begins, at least 0.
  Number beginOf(const Piece &piece) {
    std::optional<Number> result;
    if (llvm::none_of(piece.begins, [this](const Row &row) {
          return tiles.symbols->minOf(row).value_or(-1) >= 0;
        }))
      result = zero();
    for (const Row &row : piece.begins)
      result = result ? backend.max(*result, number(row)) : number(row);
    return *result;
  }

  /// Where it ends, at most at `limit`.
  Number endOf(const Piece &piece, Number limit) {
    for (const Row &row : piece.ends)
      limit = backend.min(limit, number(row));
    return limit;
  }

  struct Interval {
    Number begin, end;
  };

  /// The bounds of all ranges, four a range.
  llvm::SmallVector<Number> bounds() {
    llvm::SmallVector<Number> result;
    Number visited = zero();
    for (auto [index, range] : llvm::enumerate(tiles.ranges)) {
      Interval interval = extent(range);
      // The order of the begins is proved, that of an end and a begin is not.
      if (range.mayOverlap)
        interval.begin = backend.max(interval.begin, visited);
      if (index + 1 < tiles.ranges.size()) {
        Number end = interval.end;
        if (!beginsAtZero(range) || range.mayOverlap)
          end = backend.select(backend.less(interval.begin, end), end, zero());
        visited = index == 0 ? end : backend.max(visited, end);
      }
      Interval full = fullPart(range, interval);
      result.append({interval.begin, interval.end, full.begin, full.end});
    }
    if (result.empty())
      result.assign(4, zero());
    return result;
  }

  /// How many inner tiles there are.
  Number innerTiles() {
    return backend.ceilDiv(tiles.getInnerLength(), tiles.getInnerSize());
  }

private:
  Number zero() { return backend.affine({}); }

  bool beginsAtZero(const TileRange &range) {
    return llvm::all_of(range.pieces, [this](unsigned number) {
      return tiles.attended[number].begins.empty();
    });
  }

  /// From the first to the last tile of the pieces.
  Interval extent(const TileRange &range) {
    if (range.pieces.empty())
      return {zero(), innerTiles()};
    if (range.pieces.size() == 1 || beginsAtZero(range)) {
      std::optional<Number> end;
      for (unsigned number : range.pieces) {
        const Piece &piece = tiles.attended[number];
        Number own = endOf(piece, innerTiles());
        if (!piece.guards.empty())
          own = backend.select(all(piece.guards), own, zero());
        end = end ? backend.max(*end, own) : own;
      }
      return {beginOf(tiles.attended[range.pieces.front()]), *end};
    }
    Interval result{innerTiles(), zero()};
    for (unsigned number : range.pieces) {
      const Piece &piece = tiles.attended[number];
      Number begin = beginOf(piece), end = endOf(piece, innerTiles());
      Bool present = backend.both(all(piece.guards), backend.less(begin, end));
      result.begin = backend.min(result.begin,
                                 backend.select(present, begin, innerTiles()));
      result.end =
          backend.max(result.end, backend.select(present, end, zero()));
    }
    return result;
  }

  /// What the cuts leave of the range, below kv_len.
  Interval fullPart(const TileRange &range, const Interval &whole) {
    if (!tiles.excludedKnown || tiles.visitPredicate || tiles.fullPredicate ||
        tiles.noneIsFull())
      return {whole.begin, whole.begin};
    Interval full = whole;
    if (tiles.enumeratesKeys())
      full.end =
          backend.min(full.end, backend.floorDiv(tiles.keyLength, tiles.tileN));
    else if (!Symbols::asConstant(tiles.belowKeyLength))
      full.end = backend.select(backend.isNonNegative(tiles.belowKeyLength),
                                full.end, whole.begin);
    for (const Cut &cut : range.cuts) {
      const Piece &piece = tiles.excluded[cut.piece];
      Bool present = all(piece.guards);
      if (cut.fromEnd) {
        Number begin = beginOf(piece);
        if (!piece.ends.empty())
          present = backend.both(present,
                                 backend.less(backend.max(begin, whole.begin),
                                              endOf(piece, whole.end)));
        full.end =
            backend.min(full.end, backend.select(present, begin, whole.end));
      } else {
        Number end = endOf(piece, whole.end);
        if (!piece.begins.empty())
          present = backend.both(present, backend.less(beginOf(piece), end));
        full.begin =
            backend.max(full.begin, backend.select(present, end, whole.begin));
      }
    }
    return full;
  }

  const MaskTiles &tiles;
  Backend &backend;
};
} // namespace attn::mask

#endif // ATTN_ANALYSIS_MASKBOUNDS_H
