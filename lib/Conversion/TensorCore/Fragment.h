//===- Fragment.h - Tiles in the registers of a warp -----------*- C++ -*-===//
//
// How a warp holds its 16 rows of tile values, and the tile ops on them. A
// matrix has the layout of the accumulators of wgmma and mma.sync: of every 8
// columns, lane l holds columns 2(l mod 4) and +1 of rows l/4 and +8. A row
// statistic is the two values of a lane's rows.
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
    rows,    // two values
    matrix,  // columns / 2 values
    packed,  // columns / 4 registers of two 16-bit elements
  };
  Kind kind = uniform;
  Values values;
  Type elementType; // of packed values
  /// A row sum of which every lane holds the part of its own columns.
  bool partial = false;

  Value element(size_t index) const {
    return kind == uniform ? values[0]
           : kind == rows  ? values[rowOf(index)]
                           : values[index];
  }
  /// Which of the lane's two rows an element of a matrix is in.
  static size_t rowOf(size_t index) { return (index / 2) % 2; }
  /// Its column, relative to the lane's first.
  static int64_t columnOf(size_t index) { return 8 * (index / 4) + index % 2; }
};

/// Where a thread's elements are in the query tile.
struct LanePosition {
  Value firstRow;    // of the lane's two rows; the other is 8 further
  Value firstColumn; // 2 (lane mod 4)
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
  static size_t spreadSize(tile::TileType type) {
    return type.getRank() == 1 ? 2 : type.getCols() / 2;
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
