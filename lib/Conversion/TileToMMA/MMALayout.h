//===- MMALayout.h - What a tile kernel needs for mma.sync ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides how many warps a block has and where its tiles live. The decisions
// depend on sizes only, never on what a map computes.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOMMA_MMALAYOUT_H
#define LIB_CONVERSION_TILETOMMA_MMALAYOUT_H

#include "../TensorCore/KernelFrame.h"

namespace attn::mma {
using namespace tensorcore;

/// Of a multiprocessor.
constexpr int64_t maxBlocks = 32;

/// The choices that options switch, and the limit of the chip.
struct Schedule : PointOrder {
  int64_t stages = 0;   // buffers of key and value tiles, 0: chosen
  int64_t blocks = 1;   // of a multiprocessor
  int64_t warpRows = 0; // that one warp computes, 0: chosen
  bool queryInRegisters = true;
  int64_t sharedBytes = 0;
};

/// Rows of the left operand of mma.sync.
constexpr int64_t groupRows = 16;
constexpr int64_t warpSize = 32;

struct MMALayout : KernelStructure {
  Schedule schedule;
  int64_t groups = 1; // of 16 rows that a warp computes
  int64_t warps = 0;
  /// Whether scores and sums leave a thread so few registers that what follows
  /// from others is computed again instead of kept.
  bool sparesRegisters = false;
  /// Offsets in shared memory of q and of the first buffers of k and v.
  int64_t queryOffset = 0, keyOffset = 0, valueOffset = 0;
  int64_t sharedBytes = 0;

  int64_t threads() const { return warps * warpSize; }
  /// What was decided, for people.
  llvm::SmallVector<std::string> describe();
};

/// Fails with the reason in `why` if this lowering cannot take the kernel.
mlir::FailureOr<MMALayout> makeMMALayout(mlir::func::FuncOp kernel,
                                         Schedule schedule, std::string &why);

} // namespace attn::mma

#endif // LIB_CONVERSION_TILETOMMA_MMALAYOUT_H
