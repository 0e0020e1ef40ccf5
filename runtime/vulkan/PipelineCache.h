// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled kernels, kept in a file from one program to the next: drivers take
// up to a second for one, and not all keep files of their own.
#ifndef ATTN_RUNTIME_VULKAN_PIPELINECACHE_H
#define ATTN_RUNTIME_VULKAN_PIPELINECACHE_H

#include "Loader.h"

#include <mutex>
#include <string>

namespace attn::runtime::vulkan {

class PipelineCache {
public:
  /// Of a device that outlives this. A `path` of NULL stands for a file of the
  /// device and driver in a folder of the user's caches, "" for none.
  void open(const DeviceTable &vk, VkDevice device,
            const VkPhysicalDeviceProperties &properties, const char *path);
  /// Adds what was compiled to the file, where there is something new.
  void save() noexcept;
  void destroy() noexcept;

  VkPipelineCache get() const { return cache; }

private:
  bool read(std::string &problem, std::string &data) const;
  VkPipelineCache create(const std::string &data) const;
  std::string dataOf(VkPipelineCache of) const;
  size_t sizeOf(VkPipelineCache of) const;

  const DeviceTable *vk = nullptr;
  VkDevice device = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties{};
  VkPipelineCache cache = VK_NULL_HANDLE;
  std::string path;
  std::mutex mutex;
  /// Of the cache when it was last the same as the file.
  size_t savedBytes = 0;
};

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_PIPELINECACHE_H
