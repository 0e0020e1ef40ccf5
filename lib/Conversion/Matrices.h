//===- Matrices.h - Kernels for matrix units --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether the cooperative matrices of a machine can compute a kernel. Passes
// that prepare kernels for them ask the same question as the one that decides.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_MATRICES_H
#define LIB_CONVERSION_MATRICES_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MathExtras.h"

#include <string>

namespace attn {

/// Fragments of m x k times k x n, and over how many subgroups rows are split.
struct Matrices {
  int64_t m, n, k, subgroups;
  /// Where lanes cannot look into fragments, the columns of the strips through
  /// which these become registers and registers fragments; else 0.
  int64_t stripColumns = 0;

  bool areOpaque() const { return stripColumns != 0; }
};

/// What the rows and columns of tiles become multiples of (tile-pad-tiles):
/// those of fragments of any use.
struct Padding {
  int64_t rows, cols;

  /// For a target with units.
  static Padding of(tile::TargetAttr target);
  int64_t padRows(int64_t number) const { return llvm::alignTo(number, rows); }
  int64_t padCols(int64_t number) const { return llvm::alignTo(number, cols); }
};

/// What subgroups have for themselves in workgroup memory, and the numbers of
/// rows and columns; or what opaque fragments vote by.
int64_t getStripBytes(const Matrices &matrices, tile::TargetAttr target);

/// What products of halves in fragments need of a thread's registers: by the
/// numbers of a schedule, or of a block of a kernel.
struct FragmentNeeds {
  /// Elements of sums, and of left factors two a word; and of these words,
  /// those of factors that a loop only reads.
  int64_t words = 0, readWords = 0;
  /// Elements of right factors that wait for the next iteration, of each tile.
  llvm::SmallVector<int64_t> waiting;

  /// Registers of each of so many threads; without what is only read, `stays`.
  int64_t getRegisters(int64_t threads, bool areOpaque, bool stays) const;
};

/// Most registers of a thread for fragments and what waits.
int64_t getMostRegisters(bool areOpaque);

/// Whether a loop that only reads left factors has no registers for their
/// fragments: if workgroup memory has room, they stay there and it reads them
/// each time.
bool exceedsRegisters(mlir::func::FuncOp kernel, tile::TargetAttr target,
                      const Matrices &matrices);

/// Gives the tiles of a kernel layouts of fragments, if a workgroup has the
/// memory that these ask for (tile-assign-layouts).
bool assignFragments(mlir::func::FuncOp kernel, tile::TargetAttr target,
                     const Matrices &matrices);

/// Workgroup memory that fragments are read from and written to.
tile::SharedAttr getStagedLayout(tile::TileType tile);

/// A left factor from memory that a loop only reads.
bool isReadByLoop(mlir::OpOperand &use);

/// A use of a tile as one of the two that a product multiplies.
bool isFactor(mlir::OpOperand &use);

/// A right factor of products that is the same number everywhere.
bool isConstantFactor(mlir::Value tile);

/// A tile that is read for products only: it need not go through registers.
bool isStaged(mlir::Value tile);

/// The target of a kernel whose products its units multiply, if they fit: null
/// for a kernel without products or with few rows, which lanes share, for a
/// machine without units, and where there is no kernel or no target.
tile::TargetAttr getMatrixTarget(mlir::func::FuncOp kernel);

/// The matrices that compute the products of a kernel, if there is the memory,
/// which is not asked for: nothing if it has none, or if the machine has no
/// units. Otherwise `reason` says what does not fit.
std::optional<Matrices> findMatrices(mlir::func::FuncOp kernel,
                                     tile::TargetAttr target,
                                     int64_t mostThreads, std::string &reason);

/// The same for a pass that prepares a kernel: nothing, too, if there is not
/// the memory.
std::optional<Matrices> findMatrices(mlir::func::FuncOp kernel);

} // namespace attn

#endif // LIB_CONVERSION_MATRICES_H
