//===- RowLowering.h - Kernels whose threads hold rows ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// State of the lowering of one kernel: where its tiles, views and scalars are,
// and loops over the elements of a thread.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOGPU_ROWLOWERING_H
#define LIB_CONVERSION_TILETOGPU_ROWLOWERING_H

#include "../FlatMemory.h"
#include "../TileKernels.h"
#include "TilePlacement.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// One element of a tile as its thread sees it.
struct Element {
  mlir::Value position; ///< in the private buffer
  mlir::Value pass;     ///< in the private buffer of a row statistic
  mlir::Value row, col; ///< in the tile
  mlir::Value inside;   ///< i1; null if every position is an element
};

/// True if no value of `tile` is needed after `op`: its buffer may be
/// overwritten by the results of `op`.
bool isLastUse(mlir::Value tile, mlir::Operation *op);

/// True if the tile is only stored, or what products start from: it needs no
/// buffer.
bool isOnlyNumber(tile::SplatOp op);

/// Lowers one kernel, whose threads hold rows of tiles in private buffers.
class RowLowering {
public:
  RowLowering(mlir::func::FuncOp source, const TilePlacement &placement)
      : source(source), placement(placement),
        b(source.getLoc(), source.getContext()) {}

  mlir::FailureOr<mlir::gpu::GPUFuncOp> lower(mlir::gpu::GPUModuleOp module);

private:
  // TileToGPU.cpp
  mlir::LogicalResult lowerBlock(mlir::Block &block);
  mlir::LogicalResult lowerOp(mlir::Operation &op);
  mlir::LogicalResult lowerFor(mlir::scf::ForOp op);
  mlir::LogicalResult lowerIf(mlir::scf::IfOp op);
  void mapGridArguments();
  std::pair<mlir::Value, mlir::Value> getThreadRow(const RowLayout &layout);
  /// A loop from `lower` by `step`; `body` is built inside of it.
  void loop(llvm::StringRef name, mlir::Value lower, mlir::Value upper,
            mlir::Value step, llvm::function_ref<void(mlir::Value)> body);
  /// Runs `body` below `condition`, or always if there is none.
  void guarded(mlir::Value condition, llvm::function_ref<void()> body);

  // RowMemory.cpp
  mlir::LogicalResult addView(mlir::memref::ReinterpretCastOp op);
  mlir::FailureOr<mlir::Value>
  addressOf(mlir::Operation *op, mlir::Value memory, mlir::ValueRange indices);
  mlir::Value readTileElement(tile::LoadOp op, mlir::Value row, mlir::Value col,
                              mlir::Value inside, bool rowIsValid = false);
  mlir::Value rowCounts(tile::LoadOp op, mlir::Value row);

  mlir::LogicalResult lowerLoad(tile::LoadOp op);
  mlir::LogicalResult lowerStore(tile::StoreOp op);
  void
  stage(mlir::Value tile,
        llvm::function_ref<mlir::Value(mlir::Value row, mlir::Value col)> read);
  void define(mlir::Value tile, mlir::Value buffer);
  mlir::Value createBuffer(tile::TileType type, llvm::StringRef name);
  mlir::Value takeBuffer(mlir::Value tile, mlir::Operation *op,
                         llvm::StringRef name,
                         llvm::ArrayRef<mlir::Value> inUse);
  void copyBuffer(mlir::Value from, mlir::Value to);
  void forEachElement(tile::TileType type,
                      llvm::function_ref<void(const Element &)> body);
  mlir::Value positionOf(tile::TileType type, const Element &element);

  // RowComputation.cpp
  void lowerSplat(tile::SplatOp op);
  void lowerConvert(tile::ConvertOp op);
  void lowerReduce(tile::ReduceOp op);
  void lowerDot(tile::DotOp op);
  mlir::LogicalResult lowerMap(tile::MapOp op);

  // Scalars.
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  template <typename Op> mlir::Value fold(mlir::Value lhs, mlir::Value rhs) {
    return b.createOrFold<Op>(lhs, rhs);
  }
  mlir::Value less(mlir::Value lhs, mlir::Value rhs) {
    return isLess(b, lhs, rhs);
  }
  mlir::Value both(mlir::Value lhs, mlir::Value rhs) {
    return attn::both(b, lhs, rhs);
  }
  mlir::Value widen(mlir::Value value) { return attn::widen(b, value); }
  mlir::Value load(mlir::Value buffer, mlir::Value position) {
    return mlir::memref::LoadOp::create(b, buffer, position);
  }
  void store(mlir::Value value, mlir::Value buffer, mlir::Value position) {
    mlir::memref::StoreOp::create(b, value, buffer, position);
  }
  mlir::Location named(llvm::StringRef name) {
    return mlir::NameLoc::get(b.getStringAttr(name), source.getLoc());
  }

  mlir::func::FuncOp source;
  const TilePlacement &placement;
  mlir::ImplicitLocOpBuilder b;
  mlir::gpu::GPUFuncOp kernel;
  mlir::IRMapping scalars;
  std::function<mlir::Value(mlir::Value)> lookup = [this](mlir::Value value) {
    return scalars.lookup(value);
  };
  llvm::DenseMap<mlir::Value, FlatView> views;
  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
  llvm::SmallVector<mlir::Value> workgroupBuffers;
  mlir::Value exchange;
  mlir::Value thread;
  llvm::DenseMap<int64_t, std::pair<mlir::Value, mlir::Value>> threadRows;
};

} // namespace attn

#endif // LIB_CONVERSION_TILETOGPU_ROWLOWERING_H
