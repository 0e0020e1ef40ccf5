// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocating, importing and copying Vulkan buffers.
#include "Memory.h"

#include "Failure.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>

namespace attn::runtime::vulkan {
namespace {

constexpr VkDeviceSize pageBytes = 4096;
constexpr VkDeviceSize stagingBytes = 16 << 20;
/// Vulkan counts storage in words of this many bytes.
constexpr VkDeviceSize wordBytes = 4;

constexpr VkMemoryPropertyFlags visible =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

std::string sizeText(size_t bytes) { return std::to_string(bytes) + " bytes"; }

} // namespace

Memory::~Memory() {
  device.waitQuietly();
  for (auto &[address, block] : blocks)
    destroy(block);
  destroy(stagingBlock);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// The best type of memory among `allowed`; UINT32_MAX if none will do.
uint32_t Memory::chooseType(uint32_t allowed, HostAccess access) const {
  uint32_t best = UINT32_MAX;
  int bestScore = -1;
  for (uint32_t type = 0; type < device.memory.memoryTypeCount; ++type) {
    VkMemoryPropertyFlags flags = device.memory.memoryTypes[type].propertyFlags;
    bool isMapped = access != HostAccess::None;
    if (!(allowed >> type & 1) || (isMapped && (flags & visible) != visible) ||
        (flags & (VK_MEMORY_PROPERTY_PROTECTED_BIT |
                  VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT)))
      continue;
    bool isLocal = flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    bool isCached = flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    // The host reads uncached memory slowly.
    int score = int(isLocal) + (access == HostAccess::Full ? 2 * isCached : 0);
    if (score > bestScore)
      best = type, bestScore = score;
  }
  return best;
}

/// Memory of the best type that has room: of what is the device's and the
/// host's there may be little.
void Memory::provide(Block &block, HostAccess access,
                     const std::string &failure) {
  VkMemoryRequirements needs;
  device.vk.GetBufferMemoryRequirements(device.device, block.buffer, &needs);
  uint32_t allowed = needs.memoryTypeBits;
  uint32_t type = chooseType(allowed, access);
  if (type == UINT32_MAX)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         device.name + " has no memory that the host sees");
  auto allocation =
      makeStruct<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
  allocation.allocationSize = needs.size;
  VkResult result;
  do {
    allocation.memoryTypeIndex = type;
    result = device.vk.AllocateMemory(device.device, &allocation, nullptr,
                                      &block.memory);
    allowed &= ~(uint32_t(1) << type);
    type = chooseType(allowed, access);
  } while (result == VK_ERROR_OUT_OF_DEVICE_MEMORY && type != UINT32_MAX &&
           access == HostAccess::Writes);
  check(result, failure);
  check(
      device.vk.BindBufferMemory(device.device, block.buffer, block.memory, 0),
      "vkBindBufferMemory");
  VkMemoryPropertyFlags flags =
      device.memory.memoryTypes[allocation.memoryTypeIndex].propertyFlags;
  if ((flags & visible) != visible)
    return;
  void *host = nullptr;
  check(device.vk.MapMemory(device.device, block.memory, 0, VK_WHOLE_SIZE, 0,
                            &host),
        "vkMapMemory");
  block.host = static_cast<char *>(host);
}

void Memory::create(Block &block, size_t bytes, HostAccess access) {
  std::string what = "no memory for " + sizeText(bytes) + " on " + device.name;
  if (bytes > device.capabilities.mostAllocation)
    fail(ATTN_ERROR_OUT_OF_MEMORY,
         what + ", which allocates at most " +
             sizeText(device.capabilities.mostAllocation) + " at once");
  auto info =
      makeStruct<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
  info.size = (bytes + wordBytes - 1) / wordBytes * wordBytes;
  info.usage =
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  check(device.vk.CreateBuffer(device.device, &info, nullptr, &block.buffer),
        what);
  provide(block, access, what);
  block.bytes = info.size;
  block.usage = info.usage;
}

void Memory::destroy(Block &block) noexcept {
  if (block.memory) {
    device.vk.DestroyBuffer(device.device, block.buffer, nullptr);
    device.vk.FreeMemory(device.device, block.memory, nullptr);
  } else if (block.buffer && !block.reservation) {
    // Its memory could not be had.
    device.vk.DestroyBuffer(device.device, block.buffer, nullptr);
  }
  if (block.reservation)
    munmap(block.reservation, block.reserved);
  block = Block();
}

/// Reserves addresses that are congruent to offsets in the buffer: what is
/// aligned in one is aligned in the other.
char *Memory::add(Block &block) {
  size_t ahead = size_t(block.offset % pageBytes);
  block.reserved = ahead + size_t(block.bytes);
  void *reservation = mmap(nullptr, block.reserved, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reservation == MAP_FAILED)
    fail(ATTN_ERROR_OUT_OF_MEMORY,
         "no addresses for " + sizeText(size_t(block.bytes)));
  block.reservation = reservation;
  char *address = static_cast<char *>(reservation) + ahead;
  std::lock_guard<std::mutex> lock(mutex);
  blocks.emplace(reinterpret_cast<uintptr_t>(address), block);
  return address;
}

char *Memory::allocate(size_t bytes, HostAccess access) {
  Block block;
  try {
    create(block, bytes, access);
    return add(block);
  } catch (...) {
    destroy(block);
    throw;
  }
}

char *Memory::import(const attn_vulkan_buffer &given) {
  constexpr VkBufferUsageFlags needed = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  if (!given.buffer)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "buffer->buffer is VK_NULL_HANDLE");
  if ((given.usage & needed) != needed)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "buffer->usage lacks VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, which "
         "kernels need");
  if (given.bytes == 0)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "buffer->bytes is 0");
  if (given.offset % wordBytes || given.bytes % wordBytes)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "buffer->offset " + std::to_string(given.offset) +
             " and buffer->bytes " + std::to_string(given.bytes) +
             " must be multiples of 4: kernels read and write whole words");
  // Drivers need more than the buffer's size only to align it.
  auto handle = reinterpret_cast<VkBuffer>(given.buffer);
  VkMemoryRequirements needs;
  device.vk.GetBufferMemoryRequirements(device.device, handle, &needs);
  if (given.offset > needs.size || given.bytes > needs.size - given.offset)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "buffer->offset " + std::to_string(given.offset) +
             " + buffer->bytes " + std::to_string(given.bytes) +
             " lie outside of the buffer, which "
             "has " +
             std::to_string(needs.size));
  Block block;
  block.buffer = handle;
  block.offset = given.offset;
  block.bytes = given.bytes;
  block.usage = given.usage;
  return add(block);
}

bool Memory::release(void *address) noexcept {
  Block block;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto it = blocks.find(reinterpret_cast<uintptr_t>(address));
    if (it == blocks.end())
      return false;
    block = it->second;
    blocks.erase(it);
  }
  ++releaseCount;
  device.waitQuietly();
  destroy(block);
  return true;
}

std::optional<Place> Memory::find(const void *address) const {
  auto number = reinterpret_cast<uintptr_t>(address);
  std::lock_guard<std::mutex> lock(mutex);
  auto it = blocks.upper_bound(number);
  if (it == blocks.begin())
    return std::nullopt;
  --it;
  const Block &block = it->second;
  VkDeviceSize distance = number - it->first;
  if (distance >= block.bytes)
    return std::nullopt;
  return Place{block.buffer, block.offset + distance, block.bytes - distance,
               block.host ? block.host + distance : nullptr, block.usage};
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

Place Memory::requirePlace(const void *address, size_t bytes,
                           VkBufferUsageFlags usage) const {
  std::optional<Place> place = find(address);
  if (!place)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "this is no memory of " + device.name +
             ": attn_memory_allocate or attn_vulkan_import_buffer makes some");
  if (bytes > place->bytes)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         sizeText(bytes) + " are copied where the memory has " +
             sizeText(size_t(place->bytes)) + " left");
  if ((place->usage & usage) != usage)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         std::string("the imported buffer's usage lacks VK_BUFFER_USAGE_"
                     "TRANSFER_") +
             (usage == VK_BUFFER_USAGE_TRANSFER_DST_BIT ? "DST" : "SRC") +
             "_BIT, which copies need");
  return *place;
}

Memory::Block &Memory::staging() {
  if (stagingBlock.memory)
    return stagingBlock;
  try {
    create(stagingBlock, stagingBytes, HostAccess::Full);
  } catch (...) {
    destroy(stagingBlock);
    throw;
  }
  return stagingBlock;
}

void Memory::copyIn(void *target, const void *source, size_t bytes) {
  Place place = requirePlace(target, bytes, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
  if (place.host) {
    device.wait();
    std::memcpy(place.host, source, bytes);
    return;
  }
  std::lock_guard<std::mutex> lock(stagingMutex);
  Block &block = staging();
  for (size_t done = 0; done < bytes;) {
    size_t piece = std::min(bytes - done, size_t(stagingBytes));
    std::memcpy(block.host, static_cast<const char *>(source) + done, piece);
    VkBufferCopy region{0, place.offset + done, piece};
    device.run([&](VkCommandBuffer commands) {
      device.vk.CmdCopyBuffer(commands, block.buffer, place.buffer, 1, &region);
    });
    done += piece;
  }
}

void Memory::copyOut(void *target, const void *source, size_t bytes) {
  Place place = requirePlace(source, bytes, VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
  if (place.host) {
    device.wait();
    std::memcpy(target, place.host, bytes);
    return;
  }
  std::lock_guard<std::mutex> lock(stagingMutex);
  Block &block = staging();
  for (size_t done = 0; done < bytes;) {
    size_t piece = std::min(bytes - done, size_t(stagingBytes));
    VkBufferCopy region{place.offset + done, 0, piece};
    device.run([&](VkCommandBuffer commands) {
      device.vk.CmdCopyBuffer(commands, place.buffer, block.buffer, 1, &region);
    });
    std::memcpy(static_cast<char *>(target) + done, block.host, piece);
    done += piece;
  }
}

} // namespace attn::runtime::vulkan
