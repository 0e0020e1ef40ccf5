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

/// What subgroups have for themselves in workgroup memory, and the numbers of
/// rows and columns.
int64_t getStripBytes(const Matrices &matrices, tile::TargetAttr target);

/// What products of halves in fragments need of a thread's registers and of
/// workgroup memory: by the numbers of a schedule, or of a block of a kernel.
struct FragmentNeeds {
  /// Elements of sums, and of left factors two a word; and of these words,
  /// those of factors that a loop only reads.
  int64_t words = 0, readWords = 0;
  /// Elements of right factors that wait for the next iteration, of each tile.
  llvm::SmallVector<int64_t> waiting;
  /// Bytes of factors that a loop only reads, of the largest right factor and,
  /// where fragments are opaque, of the largest left one that is computed.
  int64_t readBytes = 0, rightBytes = 0, computedBytes = 0;

  /// Registers of each of so many threads; without what is only read, `stays`.
  int64_t getRegisters(int64_t threads, bool areOpaque, bool stays) const;
  /// What the loop has in workgroup memory if that stays there.
  int64_t getBytes() const { return readBytes + rightBytes + computedBytes; }
};

/// Bytes of a factor of halves in workgroup memory.
int64_t getFactorBytes(int64_t rows, int64_t cols);

/// Most registers of a thread for fragments and what waits.
int64_t getMostRegisters(bool areOpaque);

/// Whether left factors that a loop only reads stay in workgroup memory, from
/// where it reads them each time: because there are no registers for their
/// fragments, and the memory has room.
bool leavesFactors(mlir::func::FuncOp kernel, tile::TargetAttr target,
                   const Matrices &matrices);

/// A left factor from memory that a loop only reads.
bool isReadByLoop(mlir::OpOperand &use);

/// A use of a tile as one of the two that a product multiplies.
bool isFactor(mlir::OpOperand &use);

/// A tile that is read for products only: it need not go through registers.
bool isStaged(mlir::Value tile);

/// The target of a kernel whose products its units may compute, if they fit:
/// null for a kernel without products or with few rows, which lanes share, for
/// a machine without units, and where there is no kernel or no target.
tile::TargetAttr getMatrixTarget(mlir::func::FuncOp kernel);

/// The matrices that compute the products of a kernel: nothing if it has none,
/// or if the machine has no units. Otherwise `reason` says what does not fit.
std::optional<Matrices> findMatrices(mlir::func::FuncOp kernel,
                                     tile::TargetAttr target,
                                     int64_t mostThreads, std::string &reason);

/// The same for a pass that has nothing to say where they do not fit.
std::optional<Matrices> findMatrices(mlir::func::FuncOp kernel);

} // namespace attn

#endif // LIB_CONVERSION_MATRICES_H
