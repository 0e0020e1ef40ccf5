//===- Values.h - What the interpreter computes with ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strided arrays of doubles or 64-bit integers, scalars, and the mapping from
// SSA values to them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_VALUES_H
#define ATTN_LIB_REFERENCE_VALUES_H

#include "attn/Reference/Tensor.h"

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

#include <memory>
#include <variant>
#include <vector>

namespace attn::reference {

/// The numbers of an array: one of the two vectors is used.
struct Buffer {
  std::vector<double> floats;
  std::vector<int64_t> ints;
  /// Of what attention or merge wrote here (members of Tensor).
  double magnitude = 0, logitMagnitude = 0;
};

/// A strided view of a buffer: a tensor or a memref.
struct Array {
  mlir::Type elementType;
  std::shared_ptr<Buffer> buffer;
  /// Where the first element lies, and where its offset is counted from.
  int64_t offset = 0, origin = 0;
  mlir::SmallVector<int64_t> sizes, strides;

  bool isFloat() const { return mlir::isa<mlir::FloatType>(elementType); }
  int64_t getRank() const { return sizes.size(); }
  int64_t getNumElements() const { return *countElements(sizes); }

  /// Position in the buffer of an element given by its indices.
  int64_t at(mlir::ArrayRef<int64_t> indices) const {
    int64_t position = offset;
    for (auto [index, stride] : llvm::zip_equal(indices, strides))
      position += index * stride;
    return position;
  }
  /// Whether there is an element with these indices.
  bool contains(mlir::ArrayRef<int64_t> indices) const {
    return llvm::all_of_zip(indices, sizes, [](int64_t index, int64_t size) {
      return index >= 0 && index < size;
    });
  }
  /// The same, each index clamped into the array, as lowerings do: a masked or
  /// padded element never faults (rule 8). -1: the array is empty.
  int64_t atClamped(mlir::ArrayRef<int64_t> indices) const;

  /// Calls `fn` with the indices of every element in row-major order.
  void
  forEach(llvm::function_ref<void(mlir::ArrayRef<int64_t> indices)> fn) const;

  /// A dense array of zeros; fails where the size does not fit.
  static mlir::FailureOr<Array> zeros(mlir::Type elementType,
                                      mlir::ArrayRef<int64_t> sizes);
  static Array from(const Tensor &tensor);
  /// Dense copy with its own buffer.
  Array copy() const;
  /// As a host tensor; floats as f64 if `widen`, else rounded to their type.
  Tensor toTensor(bool widen) const;
};

/// A scalar integer, a scalar float, or an array.
using RuntimeValue = std::variant<int64_t, double, Array>;

using Environment = llvm::DenseMap<mlir::Value, RuntimeValue>;

} // namespace attn::reference

#endif // ATTN_LIB_REFERENCE_VALUES_H
