// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arguments of launches on devices whose kernels count with 32 bits.
#include "LaunchWords.h"

#include "Dtype.h"
#include "Failure.h"

#include <cstring>

namespace attn::runtime {

uint32_t wordOf(const Description &description, const LaunchArgument &argument,
                uint64_t slot, const char *api) {
  auto narrow = [](auto value) {
    uint32_t word;
    static_assert(sizeof value == sizeof word);
    std::memcpy(&word, &value, sizeof word);
    return word;
  };
  attn_dtype type = argument.kind == LaunchArgument::Scalar
                        ? description.arguments[argument.scalar].dtype
                        : argument.type;
  if (type == ATTN_DTYPE_F32)
    return uint32_t(slot);
  if (type == ATTN_DTYPE_F64) {
    double value;
    std::memcpy(&value, &slot, sizeof value);
    return narrow(float(value));
  }
  auto value = int64_t(slot);
  if (value != int32_t(value)) {
    const Node &root = argument.value.root;
    bool isScalar = argument.kind == LaunchArgument::Scalar;
    size_t scalar = isScalar ? argument.scalar : size_t(root.value);
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         (isScalar || root.op == Op::Scalar
              ? "'" + description.arguments[scalar].name + "'"
              : argument.value.path + ": " + toString(root)) +
             " = " + std::to_string(value) +
             " does not fit the 32 bits that kernels on " + api +
             " count with");
  }
  return narrow(int32_t(value));
}

size_t elementBytes(const Description &description, const BufferRef &buffer) {
  if (buffer.kind == BufferRef::OfTemporary)
    return 0;
  if (buffer.kind == BufferRef::OfResult)
    return infoOf(description.results[buffer.index].dtype).size;
  const Argument &argument = description.arguments[buffer.index];
  return infoOf(argument.narrowed == ATTN_DTYPE_NONE ? argument.dtype
                                                     : argument.narrowed)
      .size;
}

uint32_t gridExtent(const LaunchDescription &launch, int64_t extent) {
  if (extent > INT32_MAX)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "the grid of the kernel '" + launch.kernel + "' would have " +
             std::to_string(extent) +
             " workgroups in a dimension; kernels count up to 2^31 - 1");
  return uint32_t(extent);
}

} // namespace attn::runtime
