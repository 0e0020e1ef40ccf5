//===- TilePlacement.h - Where a workgroup keeps its tiles ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides for every tile of a kernel whether its elements live with the
// threads, in workgroup memory or nowhere (read from memory for each use), so
// that the workgroup memory of the target suffices.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOGPU_TILEPLACEMENT_H
#define ATTN_LIB_CONVERSION_TILETOGPU_TILEPLACEMENT_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attn {

/// How the threads of a workgroup share the tiles that have a given number of
/// rows. A thread holds column `lane`, `lane + lanes`, ... of row
/// `thread / lanes` and of the rows `rowsAtOnce` further on.
struct RowLayout {
  int64_t lanes;      ///< threads that share a row, a power of two
  int64_t rowsAtOnce; ///< rows that the workgroup holds at once
  int64_t passes;     ///< rows of one thread

  bool hasExcessRows(int64_t rows) const { return passes * rowsAtOnce != rows; }
  int64_t getColumns(int64_t cols) const { return (cols + lanes - 1) / lanes; }
};

/// Tiles that share a piece of workgroup memory because no two of them are
/// live at once.
struct WorkgroupBuffer {
  mlir::Type elementType;
  int64_t numElements;
  mlir::Value firstTile;
};

class TilePlacement {
public:
  struct Limits {
    int64_t workgroupBytes;
    int64_t maxThreads;
    int64_t threads; ///< 0: chosen, one a row if there are several rows
    int64_t elementBytes = 1; ///< that the smallest element takes
    bool lacksSmall = false;  ///< elements that the target lacks take words
  };

  /// Plans `kernel`; a diagnostic if its tiles cannot fit.
  static mlir::FailureOr<TilePlacement> compute(mlir::func::FuncOp kernel,
                                                const Limits &limits);

  int64_t getNumThreads() const { return numThreads; }
  RowLayout getRowLayout(int64_t rows) const;

  /// True if the threads hold the elements of the tile.
  bool isFragment(mlir::Value tile) const { return fragments.contains(tile); }
  /// The workgroup buffer of the tile, if it has one.
  std::optional<unsigned> getBuffer(mlir::Value tile) const;
  llvm::ArrayRef<WorkgroupBuffer> getBuffers() const { return buffers; }
  unsigned getNumStaged() const { return bufferOf.size(); }
  /// True if a product reads operand `a` from the thread's own elements.
  bool readsOwnRow(tile::DotOp dot) const;

private:
  /// A tile in workgroup memory, live from op number `begin` to `end`.
  struct Staged {
    mlir::Value tile;
    int64_t begin, end;
  };

  void findFragments(mlir::func::FuncOp kernel);
  llvm::SmallVector<Staged> findStaged(mlir::func::FuncOp kernel) const;
  int64_t assignBuffers(llvm::ArrayRef<Staged> staged);
  int64_t getBytes(mlir::Type elementType, int64_t numElements) const;

  int64_t numThreads = 0, elementBytes = 1;
  bool lacksSmall = false;
  llvm::DenseSet<mlir::Value> fragments;
  llvm::DenseMap<mlir::Value, unsigned> bufferOf;
  llvm::SmallVector<WorkgroupBuffer> buffers;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILETOGPU_TILEPLACEMENT_H
