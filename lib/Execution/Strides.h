//===- Strides.h - Where elements of bound tensors lie ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The strides that a type asks for, and any where it asks for none.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_EXECUTION_STRIDES_H
#define LIB_EXECUTION_STRIDES_H

#include "attn/Reference/Tensor.h"

namespace attn::execution {

/// A block of memory that holds a strided tensor.
struct StridedBlock {
  mlir::SmallVector<int64_t> shape, strides;
  /// Elements of the block, and which of them is the first of the tensor.
  int64_t size = 1, first = 0;

  /// Memory for a tensor of `type`, a memref or tensor type. Strides that it
  /// leaves open are dense; random, of either sign and with gaps, if `seed` is
  /// not 0.
  StridedBlock(mlir::Type type, mlir::ArrayRef<int64_t> shape, uint64_t seed);

  /// The bytes of the block: those between the elements are all ones.
  std::vector<char> scatter(const reference::Tensor &dense) const;
  /// Fills `dense` from the bytes of the block.
  void gather(mlir::ArrayRef<char> bytes, reference::Tensor &dense) const;

private:
  /// Whether elements lie in row-major order, with nothing between them.
  bool isDense() const;
  /// Visits the position in the block of every element, in row-major order.
  void walk(llvm::function_ref<void(int64_t)> visit) const;
};

} // namespace attn::execution

#endif // LIB_EXECUTION_STRIDES_H
