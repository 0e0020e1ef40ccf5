//===- Plan.h - What a tile kernel needs on Hopper --------------*- C++ -*-===//
//
// Finds the parts of an outlined kernel (the two matrix products, the tiles
// they read, what the loop carries) and decides where each tile lives. The
// decisions depend on sizes and dependences only, never on what a map computes.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_PLAN_H
#define LIB_CONVERSION_TILETOHOPPER_PLAN_H

#include "dialects/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

#include <string>

namespace attn::hopper {

/// The schedule choices that options switch one by one.
struct Schedule {
  bool oneBehind = true;
  bool pingPong = false;
  bool persistent = true;
  bool longestFirst = true;
  bool tmaStore = true;
  int64_t stages = 2;
  int64_t headGroup = 8;
};

/// Bytes of a row of a swizzled block, and 16-bit elements in it.
constexpr int64_t swizzleBytes = 128;
constexpr int64_t swizzleColumns = 64;
/// Rows that one warpgroup computes.
constexpr int64_t groupRows = 64;

/// A memref as outlining rebuilds it: a base pointer, sizes and strides.
struct View {
  mlir::Value base; // the rank-0 argument
  llvm::SmallVector<mlir::OpFoldResult> sizes, strides;
};
/// The view behind `memref`, if outlining made it.
std::optional<View> getView(mlir::Value memref);

/// A tile in swizzled shared memory: blocks of 64 columns, each [rows][64].
struct SharedTile {
  tile::LoadOp load;
  int64_t blocks() const { return llvm::divideCeil(type().getCols(), 64); }
  int64_t bytes() const { return blocks() * blockBytes(); }
  int64_t blockBytes() const { return type().getRows() * swizzleBytes; }
  tile::TileType type() const { return tile::LoadOp(load).getType(); }
};

/// A ring of buffers of one tile, with a full and an empty barrier each.
struct Ring {
  int64_t data = 0;     // offset of buffer 0 in shared memory
  int64_t barriers = 0; // offset of full[0]; empty[0] is 8 further; 16 a stage
  int64_t bytes = 0;
  int64_t stages = 1;
};

struct SharedMemory {
  Ring query, key, value;
  int64_t staging = 0; // the output on its way to a TMA store
  int64_t stagingBlocks = 0;
  int64_t scheduler = 0; // next tile, its full and empty barriers
  int64_t zeroing = 0;   // barrier of a tile whose tail the producer clears
  int64_t bytes = 0;
};

struct Plan {
  mlir::func::FuncOp kernel;
  Schedule schedule;

  mlir::scf::ForOp loop;
  tile::RangeAtOp rangeAt; // null: the loop has no ranges
  tile::DotOp scoreDot, valueDot;
  SharedTile query, key, value;
  llvm::SmallVector<tile::StoreOp> tmaStores;

  /// The iteration argument that valueDot accumulates into.
  unsigned accumulator = 0;
  /// Which row sums stay partial (one a lane) until the loop is left.
  llvm::SmallVector<bool> partialSum;
  /// Operations of the loop that prepare valueDot: those that only its left
  /// operand needs, and those on the accumulator.
  llvm::SetVector<mlir::Operation *> conversions, accumulatorMaps;
  /// Whether the trip count depends on the query tile.
  bool unevenWork = false;

  int64_t consumers = 2; // warpgroups
  int64_t consumerRegisters = 240, producerRegisters = 24;
  SharedMemory memory;

  int64_t consumerWarps() const { return consumers * 4; }
  int64_t threads() const { return (consumers + 1) * 128; }
  mlir::Value grid(unsigned dim) {
    return kernel.getArgument(kernel.getNumArguments() - 3 + dim);
  }
  mlir::Value point(unsigned dim) {
    return kernel.getArgument(kernel.getNumArguments() - 6 + dim);
  }
};

/// Fails with the reason in `why` if this lowering cannot take the kernel.
mlir::FailureOr<Plan> makePlan(mlir::func::FuncOp kernel, Schedule schedule,
                               std::string &why);

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_PLAN_H
