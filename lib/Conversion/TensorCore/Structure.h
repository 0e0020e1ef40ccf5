//===- Structure.h - The parts of a fused attention kernel ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the parts of an outlined kernel that lowerings to tensor cores share:
// the two matrix products, the tiles they read, what the loop carries. It looks
// at sizes and dependences only, never at what a map computes.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_STRUCTURE_H
#define LIB_CONVERSION_TENSORCORE_STRUCTURE_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

#include <string>

namespace attn::tensorcore {

/// Bytes of a row of a swizzled block, and 16-bit elements in it.
constexpr int64_t swizzleBytes = 128;
constexpr int64_t swizzleColumns = 64;
constexpr int64_t elementBytes = 2;
/// Two 16-bit columns are stored at once.
constexpr int64_t pairBytes = 4;

bool isSixteenBit(mlir::Type type);

/// A memref as outlining rebuilds it: a base pointer, sizes and strides.
struct View {
  mlir::Value base; // the rank-0 argument
  llvm::SmallVector<mlir::OpFoldResult> sizes, strides;
};
/// The view behind `memref`, if outlining made it.
std::optional<View> getView(mlir::Value memref);
/// Bytes (16, 8, 4 or 2) by which 16-bit elements of a row can be read and
/// written: a power of two that divides all strides but the last, which must be
/// 1. Strides that are not known count as those of dense rows; the launch
/// checks them.
int64_t getUnit(const View &view);

/// A tile in swizzled shared memory: blocks of 64 columns, each [rows][64].
struct SharedTile {
  tile::LoadOp load;
  /// Bytes of a copy by a thread.
  int64_t unit = 16;

  int64_t blocks() const {
    return llvm::divideCeil(type().getCols(), swizzleColumns);
  }
  int64_t bytes() const { return blocks() * blockBytes(); }
  int64_t blockBytes() const { return type().getRows() * swizzleBytes; }
  tile::TileType type() const { return tile::LoadOp(load).getType(); }
};

struct KernelStructure {
  mlir::func::FuncOp kernel;

  mlir::scf::ForOp loop;
  tile::RangeAtOp rangeAt; // null: the loop has no ranges
  tile::DotOp scoreDot, valueDot;
  SharedTile query, key, value;

  /// The iteration argument that valueDot accumulates into.
  unsigned accumulator = 0;
  /// Which row sums stay partial (one a lane) until the loop is left.
  llvm::SmallVector<bool> partialSum;
  /// Operations of the loop that prepare valueDot: those that only its left
  /// operand needs, and those on the accumulator.
  llvm::SetVector<mlir::Operation *> conversions, accumulatorMaps;
  /// Those that only the next key tile asks for, as sums of rows are.
  llvm::DenseSet<mlir::Operation *> afterProducts;
  /// Whether the key tiles to visit depend on the query tile.
  bool unevenWork = false;
  /// Whether all points of the grid visit as many key tiles.
  bool equalWork = false;

  /// What rangeAt asks.
  tile::RangesOp ranges() {
    return rangeAt ? rangeAt.getRanges().getDefiningOp<tile::RangesOp>()
                   : tile::RangesOp();
  }
  /// Whether a computed predicate excludes key tiles.
  bool hasPredicate() { return ranges() && !ranges().getWhere().empty(); }

  mlir::Value grid(unsigned dim) {
    return tile::KernelArguments(kernel).extents[dim];
  }
  mlir::Value point(unsigned dim) {
    return tile::KernelArguments(kernel).point[dim];
  }
};

/// What decides whether a kernel fits says in `why` that it does not.
class FitCheck {
protected:
  explicit FitCheck(std::string &why) : why(why) {}
  mlir::LogicalResult fail(const llvm::Twine &reason) {
    why = reason.str();
    return mlir::failure();
  }

  std::string &why;
};

/// Fills in `structure` for `kernel`; fails with the reason in `why` if the
/// kernel has another form.
mlir::LogicalResult findStructure(mlir::func::FuncOp kernel,
                                  KernelStructure &structure, std::string &why);

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_STRUCTURE_H
