//===- LinearLayout.h - Who holds which element of a tile -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts of registers as linear maps over the field of two elements: from the
// bits of (register, lane, subgroup) to the bits of (row, column). Which lanes
// share a row, and what it takes to get from one layout to another, follow by
// elimination.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TILE_LINEARLAYOUT_H
#define ATTN_DIALECT_TILE_LINEARLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <cstdint>
#include <optional>

namespace attn::tile {

/// A linear map on words of bits: bit k of the argument contributes column k,
/// and contributions are added without carry.
class BitMap {
public:
  BitMap() = default;
  explicit BitMap(llvm::ArrayRef<uint64_t> columns)
      : columns(columns.begin(), columns.end()) {}
  static BitMap identity(unsigned bits);

  llvm::ArrayRef<uint64_t> getColumns() const { return columns; }
  unsigned getNumInputs() const { return columns.size(); }
  uint64_t operator()(uint64_t input) const;
  /// `this(inner(x))`.
  BitMap compose(const BitMap &inner) const;
  /// How many outputs there are, as a power of two.
  unsigned getRank() const;
  /// A basis of the arguments that give 0.
  llvm::SmallVector<uint64_t> getKernel() const;
  /// Some x with `this(x) == value`, made of as low bits as possible.
  std::optional<uint64_t> solve(uint64_t value) const;
  /// A map r with `this(r(y)) == y` for every y of `numOutputs` bits.
  std::optional<BitMap> getRightInverse(unsigned numOutputs) const;
  bool operator==(const BitMap &other) const {
    return columns == other.columns;
  }

private:
  llvm::SmallVector<uint64_t> columns;
};

/// What a bit of a register, lane or subgroup number adds to (row, column).
using Basis = std::array<int64_t, 2>;
using Bases = llvm::SmallVector<Basis>;

/// A place where elements live.
struct Place {
  int64_t reg = 0, lane = 0, subgroup = 0;
  bool operator==(const Place &other) const {
    return reg == other.reg && lane == other.lane && subgroup == other.subgroup;
  }
};

/// An element of a tile.
struct TilePosition {
  int64_t row = 0, col = 0;
  bool operator==(const TilePosition &other) const {
    return row == other.row && col == other.col;
  }
};

/// Threads (as lane and subgroup) that differ by `lane` and `subgroup`, bit by
/// bit.
struct ThreadMask {
  int64_t lane = 0, subgroup = 0;
  bool operator==(const ThreadMask &other) const {
    return lane == other.lane && subgroup == other.subgroup;
  }
};

/// The layout of a tile with `rows` and `cols`. The bases span a block, whose
/// sizes are powers of two; further blocks cover the tile row by row in further
/// registers. Positions past the tile hold nothing.
class LinearLayout {
public:
  LinearLayout(Bases registers, Bases lanes, Bases subgroups, int64_t rows,
               int64_t cols);

  int64_t getRows() const { return rows; }
  int64_t getCols() const { return cols; }
  int64_t getBlockRows() const { return blockRows; }
  int64_t getBlockCols() const { return blockCols; }
  /// Whether every element of a block has a place.
  bool isSurjective() const;

  int64_t getNumRegisters() const;
  int64_t getNumLanes() const { return int64_t(1) << lanes.size(); }
  int64_t getNumSubgroups() const { return int64_t(1) << subgroups.size(); }
  int64_t getNumThreads() const { return getNumLanes() * getNumSubgroups(); }

  TilePosition getPosition(Place place) const;
  /// What the register adds to the position of a thread: by `^` within the
  /// block, by `+` between blocks.
  struct RegisterPosition {
    TilePosition inBlock, block;
  };
  RegisterPosition getRegisterPosition(int64_t reg) const;
  /// The place of an element with the lowest register, lane and subgroup.
  Place find(TilePosition position) const;

  /// The same with one value a row: columns are forgotten, and registers that
  /// then hold nothing new.
  LinearLayout getRowLayout() const;
  /// Masks by which threads differ that hold the same elements.
  llvm::SmallVector<ThreadMask> getReplicas() const;
  /// Masks by which threads differ that hold other columns of the same rows:
  /// combining over each of them in turn reduces rows. None where registers of
  /// a thread hold an element twice, or rows of its registers lie in other
  /// threads, too, shifted: no fixed partners have what is missing.
  std::optional<llvm::SmallVector<ThreadMask>> getRowSharers() const;

  const Bases &getRegisters() const { return registers; }
  const Bases &getLanes() const { return lanes; }
  const Bases &getSubgroups() const { return subgroups; }

  /// The same map with a block that covers `blockRows` x `blockCols`, powers of
  /// two that this block divides: further blocks are registers.
  LinearLayout extendBlock(int64_t blockRows, int64_t blockCols) const;
  /// From the bits of (register, lane, subgroup) to those of (row, column).
  BitMap getBlockMap() const;

private:
  Bases registers, lanes, subgroups;
  int64_t rows, cols, blockRows = 1, blockCols = 1;
};

/// How elements get from one layout to another.
enum class Exchange { None, Registers, Shuffles, Memory };

struct Conversion {
  Exchange kind;
  /// From the bits of a place of the target to those of a place of the source
  /// that has the element; both in a common block.
  BitMap places;
  /// Registers that a thread moves, and values that it gets from other lanes.
  int64_t moves = 0, shuffles = 0;
};

/// `from` and `to` have the same tile, lanes and subgroups.
Conversion getConversion(const LinearLayout &from, const LinearLayout &to);

} // namespace attn::tile

#endif // ATTN_DIALECT_TILE_LINEARLAYOUT_H
