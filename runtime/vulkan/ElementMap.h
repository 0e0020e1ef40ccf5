// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which lane holds which element of a cooperative matrix is a driver's secret,
// but can be asked: one kernel loads a matrix of numbers for each use and
// writes down what its lanes hold.
#ifndef ATTN_RUNTIME_VULKAN_ELEMENTMAP_H
#define ATTN_RUNTIME_VULKAN_ELEMENTMAP_H

#include "Memory.h"

#include <string>

namespace attn::runtime::vulkan {

/// Whether lanes hold the same elements, by number, of an accumulator of f32
/// and of a left factor of f16 or bf16; `shape` is "16x16x16:f16:f32", which
/// the device has, and a subgroup has `lanes`.
bool areElementsAlike(Device &device, Memory &memory, const std::string &shape,
                      uint32_t lanes);

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_ELEMENTMAP_H
