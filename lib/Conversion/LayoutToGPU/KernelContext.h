//===- KernelContext.h - What lowerings of ops share ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads, memory and workgroup buffers of a kernel whose tiles have
// layouts, and where the elements of a thread lie.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_LAYOUTTOGPU_KERNELCONTEXT_H
#define ATTN_LIB_CONVERSION_LAYOUTTOGPU_KERNELCONTEXT_H

#include "../FlatMemory.h"
#include "../TileKernels.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Memory of an argument, and what loads of pieces ask of it.
struct MemoryView : FlatView {
  /// Whether all rows begin at multiples of 16 bytes; null where nobody asks.
  mlir::Value aligned;
  /// Where the pieces of rows begin if they do. If not, what lies there means
  /// nothing, but it can be read as the rows can. Null where nobody asks.
  mlir::Value flatPieces;
  mlir::SmallVector<mlir::Value> pieceStrides;
  /// The kernel stores to it: what nobody asks for is not read, since another
  /// thread may be writing it.
  bool isWritten = false;
};

/// Patterns replace ops where they stand: scalars are as they were.
inline mlir::Value itself(mlir::Value value) { return value; }

/// A register of a thread: which element of the tile it is. `inside` is null
/// where every thread has one.
struct ElementPosition {
  mlir::Value row, col, inside;
};

/// Rows (or columns) of the registers of a tile, numbered.
struct RegisterRows {
  /// Of each register, which row it is in.
  mlir::SmallVector<unsigned> rowOf;
  unsigned count = 0;
};

class KernelContext {
public:
  KernelContext(mlir::gpu::GPUFuncOp kernel, mlir::Value lane,
                mlir::Value subgroup, mlir::Value thread, int64_t numLanes,
                int64_t numSubgroups)
      : kernel(kernel), lane(lane), subgroup(subgroup), thread(thread),
        numLanes(numLanes), numSubgroups(numSubgroups) {}

  mlir::MLIRContext *getContext() const { return lane.getContext(); }
  mlir::Value getThread() const { return thread; }
  mlir::Value getLane() const { return lane; }
  mlir::Value getSubgroup() const { return subgroup; }
  int64_t getNumThreads() const { return numLanes * numSubgroups; }
  int64_t getNumLanes() const { return numLanes; }
  int64_t getNumSubgroups() const { return numSubgroups; }
  /// The lane of the machine that is lane 0 of this thread's layout subgroup.
  void setFirstLane(mlir::Value lane_) { firstLane = lane_; }
  /// Lanes exchange through workgroup memory.
  void addExchangeMemory();
  /// Subgroups combine tiles through workgroup memory, if any op does. Each op
  /// has a place of its own there, which nobody waits for, if that takes no
  /// more than `mostBytes` beside tiles.
  void addCombineMemory(int64_t mostBytes, tile::TargetAttr target);
  mlir::Value getCombineMemory() const { return combineMemory; }
  bool combinesInOwnPlaces() const { return combinesApart; }
  int64_t getCombinePlace(mlir::Operation *op) const {
    return combinePlaces.lookup(op);
  }
  /// What the lane that differs by `mask` has in place of `values`.
  mlir::SmallVector<mlir::Value> exchange(mlir::ImplicitLocOpBuilder &b,
                                          mlir::ValueRange values,
                                          int64_t mask) const;
  bool exchangesInMemory() const { return exchanged != nullptr; }
  /// Of each value what all lanes have that differ by bits of `masks`, in an
  /// order that differs between lanes by no more than such bits; through
  /// workgroup memory.
  mlir::SmallVector<mlir::SmallVector<mlir::Value>>
  gather(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values,
         mlir::ArrayRef<int64_t> masks) const;
  /// What lane number `from` of the layout's subgroup has.
  mlir::SmallVector<mlir::Value> exchange(mlir::ImplicitLocOpBuilder &b,
                                          mlir::ValueRange values,
                                          mlir::Value from) const;
  /// A lane holds as n-th element of any fragment what it holds as n-th of one
  /// of another type and use.
  void setElementsAlike(bool alike) { elementsAlike = alike; }
  bool areElementsAlike(kernel::MatrixType lhs, kernel::MatrixType rhs) const {
    return elementsAlike && lhs.getShape() == rhs.getShape();
  }
  /// Memory is read by vectors of four where elements are wide enough.
  void setReadsVectors(bool reads) { vectorReads = reads; }
  bool readsVectors(mlir::Type element) const {
    return vectorReads && (element.isF32() || element.isF16());
  }
  /// Columns of the left factor of matrix units.
  int64_t getMatrixDepth() const { return matrixDepth; }
  void setMatrixDepth(int64_t depth) { matrixDepth = depth; }

  /// Rebuilds the views of the kernel's arguments as flat memory.
  mlir::LogicalResult addViews();
  const MemoryView *getView(mlir::Value memory) const {
    auto it = views.find(memory);
    return it == views.end() ? nullptr : &it->second;
  }
  bool isView(mlir::Value memory) const { return views.contains(memory); }

  /// All other workgroup memory, of `mostBytes` in all: tiles share it if they
  /// are not needed at the same time.
  mlir::LogicalResult addBuffers(int64_t mostBytes, tile::TargetAttr target);
  mlir::Value getBuffer(mlir::Value tile) const {
    return buffers.lookup(tile.getDefiningOp()).memory;
  }
  /// Where element (row, col) of a tile in workgroup memory is in its buffer.
  mlir::Value getSharedOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value tile,
                              tile::TileType type, mlir::Value row,
                              mlir::Value col) const;
  mlir::Value getSharedOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value tile,
                              mlir::Value row, mlir::Value col) const {
    return getSharedOffset(b, tile, mlir::cast<tile::TileType>(tile.getType()),
                           row, col);
  }
  /// Whether a tile in workgroup memory is vectors of neighbours of a row, and
  /// where vector `number` of a row is in its buffer.
  bool isInVectors(mlir::Value tile) const;
  mlir::Value getVectorOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value tile,
                              mlir::Value row, mlir::Value number) const;

  /// Ops that fill buffers one right after the other wait once before and once
  /// after all.
  void joinStages();
  bool waitsBefore(mlir::Operation *op) const {
    return !joinedBefore.contains(op);
  }
  bool waitsAfter(mlir::Operation *op) const {
    return !joinedAfter.contains(op);
  }

  /// Workgroup memory of every subgroup for the rows of one fragment, and for
  /// one value of each; where that of this subgroup begins.
  struct Strip {
    mlir::Value memory, fragment, rows;
  };
  Strip getStrip(mlir::ImplicitLocOpBuilder &b,
                 tile::FragmentAttr layout) const;
  /// Workgroup memory of every subgroup for accumulators that become factors
  /// of this tile, and where that of this subgroup begins.
  struct FactorStrip {
    mlir::Value memory, first;
  };
  FactorStrip getFactorStrip(mlir::ImplicitLocOpBuilder &b,
                             tile::TileType factor) const;
  /// A fragment that holds the row (dim 0) or the column of each of its
  /// elements.
  mlir::Value loadNumbers(mlir::ImplicitLocOpBuilder &b,
                          tile::FragmentAttr layout, unsigned dim) const;

  /// On machines where nobody can look at the elements of a fragment: workgroup
  /// memory of every subgroup through which rows of fragments go to lanes and
  /// back, as vectors; where that of this subgroup begins, how many vectors
  /// rows are apart, and which columns it has.
  struct LaneStrip {
    mlir::Value memory, first;
    int64_t pitch, columns;
  };
  LaneStrip getLaneStrip(mlir::ImplicitLocOpBuilder &b) const;
  void setOpaqueMatrices(bool opaque) { opaqueMatrices = opaque; }
  bool areMatricesOpaque() const { return opaqueMatrices; }
  /// Whether a thread of the workgroup has `flag`; all threads ask together.
  mlir::Value vote(mlir::ImplicitLocOpBuilder &b, mlir::Value flag) const;

  /// Workgroup memory of kernel.arrive.
  mlir::Value getTold() const { return told; }

  /// Where the elements of a thread begin; of another lane if one is given.
  ElementPosition getThreadPosition(mlir::ImplicitLocOpBuilder &b,
                                    const tile::LinearLayout &layout,
                                    mlir::Value ofLane = {}) const;
  ElementPosition getPosition(mlir::ImplicitLocOpBuilder &b,
                              const tile::LinearLayout &layout, int64_t reg,
                              mlir::Value ofLane = {}) const;
  /// Whether this thread is the first of those that hold the same; null: all.
  mlir::Value isFirstReplica(mlir::ImplicitLocOpBuilder &b,
                             const tile::LinearLayout &layout) const;

  /// Remembers what tiles are called, before they are gone.
  void nameTiles();
  llvm::StringRef getName(mlir::Value tile) const {
    auto it = names.find(tile);
    return it == names.end() ? llvm::StringRef("tile") : it->second;
  }
  /// Calls what holds a tile after it, by number; what it shares with another
  /// one keeps its name.
  void nameValues(mlir::Value tile, mlir::ValueRange values) const;

  /// Numbers the rows of a thread's registers as those of the row layout are.
  static RegisterRows getRows(const tile::LinearLayout &layout);
  static RegisterRows getCols(const tile::LinearLayout &layout);

private:
  mlir::Value addWorkgroupMemory(int64_t numElements, mlir::Type type,
                                 llvm::StringRef name);
  /// Of the workgroup memory that there is so far.
  int64_t countBytes(tile::TargetAttr target);
  void addFragmentMemory(tile::FragmentAttr layout);
  /// `layout` is of accumulators.
  void addLaneStrips(tile::FragmentAttr layout);
  void addFactorStrips();
  /// Lanes of a subgroup exchange `values` by the machine's instruction.
  mlir::SmallVector<mlir::Value> shuffle(mlir::ImplicitLocOpBuilder &b,
                                         mlir::ValueRange values,
                                         mlir::Value offset,
                                         mlir::gpu::ShuffleMode mode) const;
  /// What each thread of `threads` has, one list of values a thread.
  mlir::SmallVector<mlir::SmallVector<mlir::Value>>
  readThreads(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values,
              mlir::ValueRange threads) const;

  mlir::gpu::GPUFuncOp kernel;
  mlir::Value lane, subgroup, thread, firstLane;
  int64_t numLanes, numSubgroups, matrixDepth = 0;
  bool elementsAlike = false, vectorReads = false, opaqueMatrices = false;
  bool combinesApart = false;
  mlir::DenseMap<mlir::Operation *, int64_t> combinePlaces;
  mlir::Value strips, numbers, exchanged, votes, told, combineMemory;
  int64_t stripColumns = 0;
  mlir::DenseMap<mlir::Value, MemoryView> views;
  /// Tiles of one element type share a buffer, at different places if they are
  /// needed at the same time.
  struct Place {
    mlir::Value memory;
    int64_t first = 0;
  };
  mlir::DenseMap<mlir::Operation *, Place> buffers;
  mlir::DenseSet<mlir::Operation *> joinedBefore, joinedAfter;
  mlir::DenseMap<mlir::Value, std::string> names;
  /// By element type.
  llvm::MapVector<mlir::Type, mlir::Value> factorStrips;
};

/// The matrix type of the fragments of a tile.
kernel::MatrixType getMatrixType(tile::TileType tile);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_LAYOUTTOGPU_KERNELCONTEXT_H
