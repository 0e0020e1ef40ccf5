// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks and helpers on attn_tensor.
#include "Tensor.h"

#include "Dtype.h"
#include "Failure.h"

namespace attn::runtime {

std::string shapeToString(const int64_t *dims, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? "," : "") + (dims[i] < 0 ? "?" : std::to_string(dims[i]));
  return text + "]";
}

bool elementCount(const int64_t *dims, size_t rank, int64_t &count) {
  // A zero anywhere makes the tensor empty, whatever the other sizes multiply
  // to.
  for (size_t i = 0; i < rank; ++i) {
    if (dims[i] == 0) {
      count = 0;
      return true;
    }
  }
  count = 1;
  for (size_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(count, dims[i], &count))
      return false;
  return true;
}

Span spanOf(const attn_tensor &tensor) {
  Span span;
  for (int32_t axis = 0; axis < tensor.rank; ++axis) {
    if (tensor.dims[axis] == 0)
      return {0, -1};
    int64_t reach = (tensor.dims[axis] - 1) * tensor.strides[axis];
    (reach < 0 ? span.first : span.last) += reach;
  }
  return span;
}

void denseStrides(const int64_t *dims, size_t rank, int64_t *strides) {
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    strides[i] = stride;
    // Where sizes multiply past 63 bits, so does the extent of the tensor,
    // which is refused; or it is empty, and its strides are never used.
    if (__builtin_mul_overflow(stride, dims[i], &stride))
      stride = INT64_MAX;
  }
}

void checkTensor(const attn_tensor &tensor, bool written,
                 const std::string &who) {
  auto bad = [&](const std::string &message) {
    fail(ATTN_ERROR_INVALID_ARGUMENT, who + ": " + message);
  };
  size_t size = infoOf(tensor.dtype).size;
  if (size == 0 || tensor.dtype == ATTN_DTYPE_INDEX)
    bad("dtype " + std::to_string(int(tensor.dtype)) +
        " is not an element type");
  if (tensor.rank < 0 || tensor.rank > ATTN_MAX_RANK)
    bad("rank " + std::to_string(tensor.rank) + " is not in 0 .. " +
        std::to_string(ATTN_MAX_RANK));
  bool empty = false;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    if (tensor.dims[i] < 0)
      bad("dimension " + std::to_string(i) + " has the negative size " +
          std::to_string(tensor.dims[i]));
    empty |= tensor.dims[i] == 0;
  }
  if (empty)
    return;

  // Byte distance of the farthest elements from data, on either side.
  int64_t before = 0, after = 0, bytes;
  bool overflows = false;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    int64_t extent;
    overflows |=
        __builtin_mul_overflow(tensor.dims[i] - 1, tensor.strides[i], &extent);
    if (overflows)
      break;
    int64_t &side = extent < 0 ? before : after;
    overflows |= __builtin_add_overflow(side, extent, &side);
    if (written && tensor.dims[i] > 1 && tensor.strides[i] == 0)
      bad("dimension " + std::to_string(i) + " of size " +
          std::to_string(tensor.dims[i]) +
          " has stride 0, but the tensor is written");
  }
  overflows = overflows ||
              __builtin_mul_overflow(after, int64_t(size), &bytes) ||
              __builtin_mul_overflow(before, int64_t(size), &bytes);
  if (overflows)
    bad("its extent in bytes does not fit 63 bits (shape " +
        shapeToString(tensor.dims, size_t(tensor.rank)) + ")");
  if (!tensor.data)
    bad("the data pointer is NULL, but the tensor has elements (shape " +
        shapeToString(tensor.dims, size_t(tensor.rank)) + ")");
  if (reinterpret_cast<uintptr_t>(tensor.data) % size)
    bad(std::string("the data pointer is not aligned to the ") +
        std::to_string(size) + " bytes of " + infoOf(tensor.dtype).name);
}

} // namespace attn::runtime
