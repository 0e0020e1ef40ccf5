//===- Values.cpp - What the interpreter computes with --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strided arrays: traversal, copies, conversion from and to host tensors.
//
//===----------------------------------------------------------------------===//

#include "Values.h"

using namespace mlir;
using namespace attn::reference;

static SmallVector<int64_t> denseStrides(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> strides(sizes.size(), 1);
  for (int64_t dim = static_cast<int64_t>(sizes.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * std::max<int64_t>(sizes[dim + 1], 1);
  return strides;
}

int64_t Array::atClamped(ArrayRef<int64_t> indices) const {
  int64_t position = offset;
  for (auto [index, size, stride] : llvm::zip_equal(indices, sizes, strides)) {
    if (size == 0)
      return -1;
    position += std::clamp<int64_t>(index, 0, size - 1) * stride;
  }
  return position;
}

void Array::forEach(function_ref<void(ArrayRef<int64_t>)> fn) const {
  int64_t count = getNumElements();
  SmallVector<int64_t> indices(sizes.size(), 0);
  for (int64_t n = 0; n < count; ++n) {
    fn(indices);
    for (int64_t dim = getRank() - 1; dim >= 0; --dim) {
      if (++indices[dim] < sizes[dim])
        break;
      indices[dim] = 0;
    }
  }
}

FailureOr<Array> Array::zeros(Type elementType, ArrayRef<int64_t> sizes) {
  std::optional<int64_t> count = countElements(sizes);
  // Strides of an empty array must not overflow either; it has none in use.
  if (!count || *count > std::numeric_limits<int64_t>::max() / 8)
    return failure();
  Array array;
  array.elementType = elementType;
  array.sizes.assign(sizes.begin(), sizes.end());
  array.strides =
      *count ? denseStrides(sizes) : SmallVector<int64_t>(sizes.size(), 0);
  array.buffer = std::make_shared<Buffer>();
  if (array.isFloat())
    array.buffer->floats.resize(*count);
  else
    array.buffer->ints.resize(*count);
  return array;
}

Array Array::from(const Tensor &tensor) {
  Array array = *zeros(tensor.elementType, tensor.shape);
  for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n) {
    if (array.isFloat())
      array.buffer->floats[n] = tensor.getFloat(n);
    else
      array.buffer->ints[n] = tensor.getInt(n);
  }
  return array;
}

Array Array::copy() const {
  Array result = *zeros(elementType, sizes);
  result.buffer->magnitude = buffer->magnitude;
  result.buffer->logitMagnitude = buffer->logitMagnitude;
  int64_t n = 0;
  forEach([&](ArrayRef<int64_t> indices) {
    if (isFloat())
      result.buffer->floats[n++] = buffer->floats[at(indices)];
    else
      result.buffer->ints[n++] = buffer->ints[at(indices)];
  });
  return result;
}

Tensor Array::toTensor(bool widen) const {
  Type type = widen && isFloat() ? Float64Type::get(elementType.getContext())
                                 : elementType;
  Tensor result(type, sizes);
  result.magnitude = buffer->magnitude;
  result.logitMagnitude = buffer->logitMagnitude;
  int64_t n = 0;
  forEach([&](ArrayRef<int64_t> indices) {
    if (isFloat())
      result.setFloat(n++, buffer->floats[at(indices)]);
    else
      result.setInt(n++, buffer->ints[at(indices)]);
  });
  return result;
}
