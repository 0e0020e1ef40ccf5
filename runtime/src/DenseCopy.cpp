// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks strided arrays and converts or moves their elements one by one.
#include "DenseCopy.h"

#include "Dtype.h"
#include "Failure.h"
#include "Tensor.h"

#include <cmath>
#include <cstdio>
#include <cstring>

namespace attn::runtime {
namespace {

std::string elementName(const DenseCopy &copy, const int64_t *indices) {
  return copy.name + ": element " +
         shapeToString(indices, size_t(copy.tensor->rank));
}

void narrowElement(const DenseCopy &copy, const int64_t *indices, int64_t value,
                   int32_t &target) {
  if (value < INT32_MIN || value > INT32_MAX)
    fail(ATTN_ERROR_INVALID_ARGUMENT, elementName(copy, indices) + " = " +
                                          std::to_string(value) +
                                          " does not fit i32");
  target = int32_t(value);
}

void narrowElement(const DenseCopy &copy, const int64_t *indices, double value,
                   float &target) {
  // Rounding is what narrowing means; becoming infinite is not. Compared
  // before the conversion, which is undefined for what does not fit.
  constexpr double limit = 0x1.ffffffp127; // rounds to 2^128
  if (std::isfinite(value) && std::fabs(value) >= limit) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         elementName(copy, indices) + " = " + text + " does not fit f32");
  }
  target = float(value);
}

/// Visits the elements of a tensor that has some in row-major order, with their
/// indices and offsets.
template <typename Visit> void walk(const attn_tensor &tensor, Visit visit) {
  int64_t indices[ATTN_MAX_RANK] = {};
  int64_t offset = 0;
  for (;;) {
    visit(indices, offset);
    int32_t axis = tensor.rank;
    while (axis-- > 0) {
      offset += tensor.strides[axis];
      if (++indices[axis] < tensor.dims[axis])
        break;
      offset -= tensor.strides[axis] * tensor.dims[axis];
      indices[axis] = 0;
    }
    if (axis < 0)
      return;
  }
}

template <typename From, typename To>
void narrowAll(const DenseCopy &copy, const From *data, To *target) {
  walk(*copy.tensor, [&](const int64_t *indices, int64_t offset) {
    narrowElement(copy, indices, data[offset], *target++);
  });
}

} // namespace

void gather(const DenseCopy &copy, const void *data, void *target) {
  if (copy.dtype != copy.tensor->dtype) {
    if (copy.dtype == ATTN_DTYPE_I32)
      narrowAll(copy, static_cast<const int64_t *>(data),
                static_cast<int32_t *>(target));
    else
      narrowAll(copy, static_cast<const double *>(data),
                static_cast<float *>(target));
    return;
  }
  size_t size = infoOf(copy.dtype).size;
  auto from = static_cast<const char *>(data);
  auto to = static_cast<char *>(target);
  walk(*copy.tensor, [&](const int64_t *, int64_t offset) {
    std::memcpy(to, from + offset * int64_t(size), size);
    to += size;
  });
}

void scatter(const DenseCopy &copy, const void *source, void *data) {
  size_t size = infoOf(copy.dtype).size;
  auto from = static_cast<const char *>(source);
  auto to = static_cast<char *>(data);
  walk(*copy.tensor, [&](const int64_t *, int64_t offset) {
    std::memcpy(to + offset * int64_t(size), from, size);
    from += size;
  });
}

} // namespace attn::runtime
