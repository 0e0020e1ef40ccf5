//===- TileInterpreter.h - Executes tile IR as it is defined ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The meaning of the tile dialect: runs functions of tile ops, whole grids or
// outlined kernels with their launches, also of kernels that are lowered to GPU
// ops. Passes are checked by running a program before and after.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_TILEINTERPRETER_H
#define ATTN_REFERENCE_TILEINTERPRETER_H

#include "attn/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attn::reference {

enum class Arithmetic {
  /// Everything in float64; neither tile.convert nor memory round. For passes
  /// that are equal in real numbers only.
  Float64,
  /// Every float op rounds to f32, narrower tiles and memory to their type. A
  /// tile.dot adds exact products, and a tile.reduce elements, from left to
  /// right. For passes that must not change a bit.
  Float32
};

struct TileOptions {
  Arithmetic arithmetic = Arithmetic::Float64;
  /// Reads in tile.map regions may leave the memref, as before
  /// attn-make-total: they read the nearest element. All other accesses are
  /// errors there.
  bool clampMapReads = true;
  /// Lanes of a subgroup, for kernels that are lowered to GPU ops.
  int64_t subgroup = 32;
  /// Tiles narrower than f32 get the neighbor on the other side of what would
  /// be rounded, where that is no neighbor itself: how much hangs on which side
  /// of a tie other code may see a value. Not in float64.
  bool roundsWrong = false;
};

/// What a function leaves.
struct TileResults {
  mlir::SmallVector<Tensor> results;
  /// The arguments in order, memrefs as they were left.
  mlir::SmallVector<Tensor> arguments;
};

/// Runs `function` on `inputs`, one for each argument (rank 0 for scalars; a
/// tile is given as a tensor of its shape). With float64 arithmetic the floats
/// that come back are f64. Memory that the function allocates holds NaN until
/// it is written, and so do the gaps between the rows of an argument whose type
/// leaves its strides open. An access outside of its memref that `valid` does
/// not exclude, a failing check and an unknown op are diagnosed.
mlir::FailureOr<TileResults> interpretTiles(mlir::func::FuncOp function,
                                            mlir::ArrayRef<Tensor> inputs,
                                            const TileOptions &options = {});

} // namespace attn::reference

#endif // ATTN_REFERENCE_TILEINTERPRETER_H
