//===- LoopSlice.h - What an iteration computes of a value ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of a loop's body that values come from, for passes that move it or
// compute it for another iteration.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_LOOPSLICE_H
#define LIB_CONVERSION_LOOPSLICE_H

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attn {

/// The ops of the body that compute `values`, in order, with what regions in
/// them read; what the loop carries and its induction variable are given.
/// Fails on regions of several blocks.
inline mlir::FailureOr<llvm::SmallVector<mlir::Operation *>>
getLoopSlice(mlir::scf::ForOp loop, mlir::ValueRange values) {
  llvm::SetVector<mlir::Operation *> slice;
  mlir::BackwardSliceOptions options;
  options.omitBlockArguments = true;
  options.omitUsesFromAbove = false;
  options.inclusive = true;
  options.filter = [&](mlir::Operation *op) {
    return op->getBlock() == loop.getBody();
  };
  for (mlir::Value value : values)
    if (failed(mlir::getBackwardSlice(value, &slice, options)))
      return mlir::failure();
  llvm::SmallVector<mlir::Operation *> inOrder;
  for (mlir::Operation &op : *loop.getBody())
    if (slice.contains(&op))
      inOrder.push_back(&op);
  return inOrder;
}

} // namespace attn

#endif // LIB_CONVERSION_LOOPSLICE_H
