// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps of making a device.
#include "Creation.h"

#include "Failure.h"

namespace attn::runtime::vulkan {

std::set<std::string> listExtensions(const InstanceTable &table,
                                     VkPhysicalDevice physical) {
  uint32_t count = 0;
  check(table.EnumerateDeviceExtensionProperties(physical, nullptr, &count,
                                                 nullptr),
        "vkEnumerateDeviceExtensionProperties");
  std::vector<VkExtensionProperties> properties(count);
  check(table.EnumerateDeviceExtensionProperties(physical, nullptr, &count,
                                                 properties.data()),
        "vkEnumerateDeviceExtensionProperties");
  std::set<std::string> names;
  for (const VkExtensionProperties &extension : properties)
    names.insert(extension.extensionName);
  return names;
}

std::vector<VkQueueFamilyProperties>
listQueueFamilies(const InstanceTable &table, VkPhysicalDevice physical) {
  uint32_t count = 0;
  table.GetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  table.GetPhysicalDeviceQueueFamilyProperties(physical, &count,
                                               families.data());
  return families;
}

uint32_t
chooseQueueFamily(const std::vector<VkQueueFamilyProperties> &families) {
  size_t best = families.size();
  for (size_t i = 0; i < families.size(); ++i) {
    VkQueueFlags flags = families[i].queueFlags;
    if (!(flags & VK_QUEUE_COMPUTE_BIT))
      continue;
    bool draws = flags & VK_QUEUE_GRAPHICS_BIT;
    if (best == families.size() ||
        (!draws && (families[best].queueFlags & VK_QUEUE_GRAPHICS_BIT)))
      best = i;
  }
  if (best == families.size())
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "the Vulkan device has no queue that computes");
  return uint32_t(best);
}

VkDevice createDevice(const InstanceTable &table, VkPhysicalDevice physical,
                      uint32_t family, const Features &features,
                      const std::vector<const char *> &extensions) {
  float priority = 1;
  auto queues = makeStruct<VkDeviceQueueCreateInfo>(
      VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
  queues.queueFamilyIndex = family;
  queues.queueCount = 1;
  queues.pQueuePriorities = &priority;
  auto info =
      makeStruct<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
  info.pNext = &features.core;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queues;
  info.enabledExtensionCount = uint32_t(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  VkDevice device = VK_NULL_HANDLE;
  check(table.CreateDevice(physical, &info, nullptr, &device),
        "vkCreateDevice");
  return device;
}

} // namespace attn::runtime::vulkan
