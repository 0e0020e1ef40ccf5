//===- Fragment.h - Tiles in the registers of a warp -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a warp holds its rows of tile values, and the tile ops on them. A matrix
// has the layout of the accumulators of wgmma and mma.sync: of every 16 rows
// and 8 columns, lane l holds columns 2(l mod 4) and +1 of rows l/4 and +8. A
// row statistic is the values of a lane's rows.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_FRAGMENT_H
#define LIB_CONVERSION_TENSORCORE_FRAGMENT_H

#include "Emitter.h"
#include "ScalarEmitter.h"
#include "Structure.h"

namespace attn::tensorcore {

struct Fragment {
  enum Kind {
    uniform, // one value for all elements
    rows,    // a value a row
    matrix,  // a value an element
    packed,  // a register for two 16-bit elements beside each other
  };
  Kind kind = uniform;
  Values values;
  Type elementType; // of packed values
  /// A row sum of which every lane holds the part of its own columns.
  bool partial = false;
};

/// Where a thread's elements are in the query tile. They are numbered by
/// 8 columns, then by 16 rows, then as accumulators are.
struct LanePosition {
  Value firstRow;
  Value firstColumn; // 2 (lane mod 4)
  /// The same number for comparisons in the second group of rows, where
  /// assemblers do not see that it is the same: they would keep the predicates
  /// of the first group's columns, of which there are more than seven.
  Value comparedColumn;
  int64_t groups = 1; // of 16 rows that a warp has

  size_t numRows() const { return 2 * groups; }
  /// Of row number `row`, relative to the first.
  static int64_t rowOffset(size_t row) {
    return 16 * (row / 2) + 8 * (row % 2);
  }
  /// The number of the row that an element is in, and a number of one in a row.
  size_t rowOf(size_t element) const {
    return 2 * groupOf(element) + element / 2 % 2;
  }
  size_t groupOf(size_t element) const { return element / 4 % groups; }
  static size_t elementOfRow(size_t row) { return 2 * row; }
  /// Its column, relative to the lane's first.
  int64_t columnOf(size_t element) const {
    return 8 * (element / (4 * groups)) + element % 2;
  }
};

class FragmentEmitter {
public:
  explicit FragmentEmitter(Emitter &emit) : emit(emit) {}

  /// The value of `source`, which must be in registers.
  const Fragment &get(Value source) const { return tiles.find(source)->second; }
  bool knows(Value source) const { return tiles.contains(source); }
  void bind(Value source, Fragment fragment) {
    tiles[source] = std::move(fragment);
  }
  /// All values of a tile of `type`, uniform ones repeated.
  Values spread(const Fragment &fragment, tile::TileType type);
  /// The inverse of spread.
  Fragment gather(ValueRange values, tile::TileType type, bool partial);
  size_t spreadSize(tile::TileType type) const {
    return lane.groups * (type.getRank() == 1 ? 2 : type.getCols() / 2);
  }
  /// The value of an element of a matrix, or of what is alike for a row or all.
  Value element(const Fragment &fragment, size_t number) const {
    return fragment.kind == Fragment::uniform ? fragment.values[0]
           : fragment.kind == Fragment::rows
               ? fragment.values[lane.rowOf(number)]
               : fragment.values[number];
  }

  void emitSplat(tile::SplatOp op, Scope &scope);
  void emitMap(tile::MapOp op, Scope &scope);
  /// `partial`: leave a row sum unreduced across lanes.
  void emitReduce(tile::ReduceOp op, bool partial);
  void emitConvert(tile::ConvertOp op);
  /// condition ? a : b, element by element.
  Fragment select(Value condition, const Fragment &a, const Fragment &b,
                  tile::TileType type);
  /// Adds up the parts of a partial row sum.
  Fragment complete(Fragment fragment);

  const LanePosition &getLane() const { return lane; }
  void setLane(LanePosition position) { lane = position; }

private:
  Value reduceLanes(Value value, tile::ReduceKind kind);

  Emitter &emit;
  LanePosition lane;
  llvm::DenseMap<Value, Fragment> tiles;
};

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_FRAGMENT_H
