// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks and helpers on attn_tensor that hold for every backend.
#ifndef ATTN_RUNTIME_SRC_TENSOR_H
#define ATTN_RUNTIME_SRC_TENSOR_H

#include "attn_runtime.h"

#include <cstdint>
#include <string>
#include <vector>

namespace attn::runtime {

/// "[1,8,?,64]"; negative sizes print as "?".
std::string shapeToString(const int64_t *dims, size_t rank);

/// Fails with INVALID_ARGUMENT, its message starting with `who`, unless the
/// tensor is sound by itself: dtype, rank, sizes, extent in bytes, pointer.
/// `written` refuses tensors whose elements share memory through a stride 0.
void checkTensor(const attn_tensor &tensor, bool written,
                 const std::string &who);

/// Number of elements; false when it does not fit 63 bits.
bool elementCount(const int64_t *dims, size_t rank, int64_t &count);

/// The elements of a tensor lie at offsets first ... last from its data, in
/// elements; last is below first if it has none.
struct Span {
  int64_t first = 0, last = 0;
  bool isEmpty() const { return last < first; }
};
Span spanOf(const attn_tensor &tensor);

/// Strides of a dense row-major tensor.
void denseStrides(const int64_t *dims, size_t rank, int64_t *strides);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_TENSOR_H
