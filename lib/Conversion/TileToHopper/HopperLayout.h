//===- HopperLayout.h - What a tile kernel needs on Hopper ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides where the tiles of a kernel live and which roles the warps have. The
// decisions depend on sizes only, never on what a map computes.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_HOPPERLAYOUT_H
#define LIB_CONVERSION_TILETOHOPPER_HOPPERLAYOUT_H

#include "../TensorCore/KernelFrame.h"

namespace attn::hopper {
using namespace tensorcore;

/// Of keys and values in shared memory.
constexpr int64_t maxStages = 8;

/// The schedule choices that options switch one by one.
struct Schedule : PointOrder {
  bool oneBehind = true;
  bool pingPong = true;
  bool persistent = true;
  bool dealEqual = true;
  bool tmaStore = true;
  int64_t stages = 2;
  int64_t sharedBytes = 0; // that a block may use
};

/// Rows that one warpgroup computes.
constexpr int64_t groupRows = 64;

/// A ring of buffers of one tile, with a full and an empty barrier each.
struct Ring {
  int64_t data = 0;     // offset of buffer 0 in shared memory
  int64_t barriers = 0; // offset of full[0]; empty[0] is 8 further; 16 a stage
  int64_t bytes = 0;
  int64_t stages = 1;
  int64_t words = 0; // offset of a word a stage (see HopperEmitter::following)
};

struct SharedMemory {
  Ring query, key, value;
  std::array<Ring *, 3> rings() { return {&query, &key, &value}; }
  int64_t staging = 0; // the output on its way to a TMA store
  int64_t stagingBlocks = 0;
  int64_t scheduler = 0; // next tile, its full and empty barriers
  int64_t zeroing = 0;   // barrier of a tile whose tail the producer clears
  int64_t bytes = 0;
};

struct HopperLayout : KernelStructure {
  Schedule schedule;
  /// Why TMA cannot bring q, k and v, so that threads gather them; else empty.
  std::array<std::string, 3> whyGathered;
  llvm::SmallVector<tile::StoreOp> tmaStores;

  int64_t consumers = 2; // warpgroups
  /// Registers of a thread after setmaxnreg; 0 for no change.
  int64_t consumerRegisters = 240, producerRegisters = 24;
  SharedMemory memory;

  std::array<SharedTile *, 3> sharedTiles() { return {&query, &key, &value}; }
  bool isGathered(const SharedTile &tile) const {
    return !whyGathered[&tile == &query ? 0 : &tile == &key ? 1 : 2].empty();
  }
  bool gathers() const {
    return isGathered(query) || isGathered(key) || isGathered(value);
  }
  /// Whether blocks fetch query tiles from a counter: those of equal work are
  /// dealt out in turn.
  bool fetchesTiles() const {
    return schedule.persistent && !(schedule.dealEqual && equalWork);
  }
  /// One warp issues bulk copies; a warpgroup gathers.
  int64_t producerWarps() const { return gathers() ? 4 : 1; }
  int64_t consumerWarps() const { return consumers * 4; }
  int64_t threads() const { return (consumers + 1) * 128; }
  /// What was decided, for people.
  llvm::SmallVector<std::string> describe();
};

/// What diagnostics call the shared tiles.
constexpr std::array<llvm::StringLiteral, 3> tileNames = {"q", "k", "v"};

/// Fails with the reason in `why` if this lowering cannot take the kernel.
mlir::FailureOr<HopperLayout> makeHopperLayout(mlir::func::FuncOp kernel,
                                               Schedule schedule,
                                               std::string &why);

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_HOPPERLAYOUT_H
