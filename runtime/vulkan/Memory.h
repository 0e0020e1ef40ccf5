// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses for Vulkan's buffers. The C API passes pointers; a buffer gets a
// range of addresses that nothing else in the process has and that the host
// can neither read nor write, so that pointers into it can be reckoned with.
#ifndef ATTN_RUNTIME_VULKAN_MEMORY_H
#define ATTN_RUNTIME_VULKAN_MEMORY_H

#include "Device.h"

#include <atomic>
#include <map>
#include <optional>

namespace attn::runtime::vulkan {

/// A place in a buffer.
struct Place {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceSize offset = 0;
  VkDeviceSize bytes = 0; // from there to the end of what may be used
  char *host = nullptr;   // the same place for the host, if it sees it
  VkBufferUsageFlags usage = 0;
};

/// What the host does with memory besides copying to and from it.
enum class HostAccess { None, Writes, Full };

class Memory {
public:
  explicit Memory(Device &device) : device(device) {}
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  /// Memory of the device, such that the host sees if it wants to: what it only
  /// writes is the device's own, where there is such memory. Throws Failure.
  char *allocate(size_t bytes, HostAccess access);
  /// Addresses for a part of a caller's buffer.
  char *import(const attn_vulkan_buffer &given);
  /// What `address` was allocated or imported as; false if nothing begins
  /// there. Waits until the device is done with it.
  bool release(void *address) noexcept;
  /// How often something was released.
  uint64_t releases() const { return releaseCount; }

  std::optional<Place> find(const void *address) const;

  /// Copies through a buffer that the host sees, in pieces, waiting for each.
  void copyIn(void *target, const void *source, size_t bytes);
  void copyOut(void *target, const void *source, size_t bytes);

private:
  struct Block {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE; // null: the caller's
    VkDeviceSize offset = 0, bytes = 0;
    char *host = nullptr;
    VkBufferUsageFlags usage = 0;
    void *reservation = nullptr;
    size_t reserved = 0;
  };

  void create(Block &block, size_t bytes, HostAccess access);
  void provide(Block &block, HostAccess access, const std::string &failure);
  uint32_t chooseType(uint32_t allowed, HostAccess access) const;
  char *add(Block &block);
  void destroy(Block &block) noexcept;
  Place requirePlace(const void *address, size_t bytes,
                     VkBufferUsageFlags usage) const;
  Block &staging();

  Device &device;
  mutable std::mutex mutex;
  std::map<uintptr_t, Block> blocks; // by their first addresses
  std::atomic<uint64_t> releaseCount = 0;
  std::mutex stagingMutex;
  Block stagingBlock;
};

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_MEMORY_H
