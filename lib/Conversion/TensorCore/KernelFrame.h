//===- KernelFrame.h - What tensor-core kernels have in common --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters, thread numbers, the point of the grid a block computes, and the
// walk over key tiles. Lowerings add how tiles are loaded and multiplied.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_KERNELFRAME_H
#define LIB_CONVERSION_TENSORCORE_KERNELFRAME_H

#include "Emitter.h"
#include "ScalarEmitter.h"
#include "Structure.h"

namespace attn::tensorcore {

/// Heads in a group, times query tiles, must fit 32 bits.
constexpr int64_t maxHeadGroup = 16;

/// In which order blocks take the points of the grid.
struct PointOrder {
  bool longestFirst = true;
  int64_t headGroup = 8;
};

/// What the order is, for people.
std::string explainOrder(KernelStructure &structure, const PointOrder &order);

class KernelFrame {
public:
  KernelFrame(Emitter &emit, KernelStructure &structure)
      : emit(emit), structure(structure) {}

  /// The address of byte `offset` of shared memory.
  Value address(int64_t offset) { return emit.add(base, offset); }

  /// Creates the kernel with the source's parameters, the grid's extents and
  /// `more`, whose values are returned; moves into its entry block. `choices`
  /// say what was chosen and why, for people.
  Values createKernel(llvm::ArrayRef<Parameter> more, int64_t threads,
                      int64_t blocks, tile::LaunchInfoAttr launchInfo,
                      llvm::ArrayRef<std::string> choices);
  /// Binds the point of the grid that number `tile` stands for.
  void bindPoint(Value tile, const PointOrder &order, Scope &scope);
  /// Emits all scalars of the kernel's top level, and what maps of the loop
  /// compute or read that is the same for all elements and key tiles.
  void emitTopLevel(Scope &scope);
  /// Moves to a block whose argument is the first position from `position` on
  /// that the loop must visit, or its end.
  Value advance(Value position, Value end, Scope &scope);
  /// Binds what the loop body knows of a position; `full`: it is known already.
  KeyTile bindPosition(Value position, Scope &scope, Value full = {});

  Emitter &emit;
  KernelStructure &structure;

  Scope arguments{emit, nullptr};
  Value extents[3];
  Value tiles;              // product of the extents
  Value base;               // shared memory
  Value thread, warp, lane; // in the block; lane in the warp
};

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_KERNELFRAME_H
