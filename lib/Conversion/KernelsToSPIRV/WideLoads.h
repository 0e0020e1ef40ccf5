//===- WideLoads.h - Loads of 16 bytes --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads of neighbours in a buffer that can be one load of four words.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELSTOSPIRV_WIDELOADS_H
#define LIB_CONVERSION_KERNELSTOSPIRV_WIDELOADS_H

#include "../Pieces.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attn {

/// Loads of elements one after the other, of `kPieceBytes` together. The first
/// in memory is the first in its block.
struct WideLoad {
  llvm::SmallVector<mlir::memref::LoadOp> loads;
  /// The argument that begins at a multiple of `kPieceBytes`, and those that
  /// are multiples of the number of loads, if the first load does.
  mlir::BlockArgument buffer;
  llvm::SmallVector<mlir::BlockArgument> strides;

  /// The condition under which what is loaded is what anybody sees, and zero
  /// otherwise; null if loads have other users than such selects.
  mlir::Value getCondition() const;
};

/// Those of buffers that `function` only reads.
llvm::SmallVector<WideLoad> findWideLoads(mlir::Operation *function);

} // namespace attn

#endif // LIB_CONVERSION_KERNELSTOSPIRV_WIDELOADS_H
