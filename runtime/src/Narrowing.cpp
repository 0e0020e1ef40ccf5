// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks strided arrays and converts their elements one by one.
#include "Narrowing.h"

#include "Failure.h"
#include "Tensor.h"

#include <cmath>
#include <cstdio>

namespace attn::runtime {
namespace {

std::string elementName(const Narrowing &narrowing, const int64_t *indices) {
  return "argument " + std::to_string(narrowing.index) + " '" +
         narrowing.argument->name + "': element " +
         shapeToString(indices, size_t(narrowing.source->rank));
}

void narrowElement(const Narrowing &narrowing, const int64_t *indices,
                   int64_t value, int32_t &target) {
  if (value < INT32_MIN || value > INT32_MAX)
    fail(ATTN_ERROR_INVALID_ARGUMENT, elementName(narrowing, indices) + " = " +
                                          std::to_string(value) +
                                          " does not fit i32");
  target = int32_t(value);
}

void narrowElement(const Narrowing &narrowing, const int64_t *indices,
                   double value, float &target) {
  // Rounding is what narrowing means; becoming infinite is not. Compared
  // before the conversion, which is undefined for what does not fit.
  constexpr double limit = 0x1.ffffffp127; // rounds to 2^128
  if (std::isfinite(value) && std::fabs(value) >= limit) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         elementName(narrowing, indices) + " = " + text + " does not fit f32");
  }
  target = float(value);
}

template <typename From, typename To>
void narrowAll(const Narrowing &narrowing, const From *data, To *target) {
  const attn_tensor &source = *narrowing.source;
  int64_t indices[ATTN_MAX_RANK] = {};
  int64_t offset = 0;
  for (;;) {
    narrowElement(narrowing, indices, data[offset], *target++);
    int32_t axis = source.rank;
    while (axis-- > 0) {
      offset += source.strides[axis];
      if (++indices[axis] < source.dims[axis])
        break;
      offset -= source.strides[axis] * source.dims[axis];
      indices[axis] = 0;
    }
    if (axis < 0)
      return;
  }
}

} // namespace

void narrow(const Narrowing &narrowing, const void *data, void *target) {
  if (narrowing.argument->narrowed == ATTN_DTYPE_I32)
    narrowAll(narrowing, static_cast<const int64_t *>(data),
              static_cast<int32_t *>(target));
  else
    narrowAll(narrowing, static_cast<const double *>(data),
              static_cast<float *>(target));
}

} // namespace attn::runtime
