// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where compiled kernels are kept, and how several processes share a file.
#include "PipelineCache.h"

#include "Failure.h"
#include "File.h"

#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

namespace attn::runtime::vulkan {

/// Files only grow: one that is larger is begun anew.
static constexpr size_t mostBytes = 64 << 20;

/// What another driver or device wrote is left aside: drivers may trust their
/// caches.
static bool fits(const std::string &data,
                 const VkPhysicalDeviceProperties &properties) {
  VkPipelineCacheHeaderVersionOne header;
  if (data.size() < sizeof header || data.size() > mostBytes)
    return false;
  std::memcpy(&header, data.data(), sizeof header);
  return header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
         header.vendorID == properties.vendorID &&
         header.deviceID == properties.deviceID &&
         !std::memcmp(header.pipelineCacheUUID, properties.pipelineCacheUUID,
                      VK_UUID_SIZE);
}

/// Where a user's programs keep what they can make again; "" if nobody says.
static std::string findFolder() {
  auto get = [](const char *name) {
    const char *value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (std::string folder = get("ATTN_CACHE"); !folder.empty())
    return folder;
  std::string caches = get("XDG_CACHE_HOME");
  if (std::string home = get("HOME"); caches.empty() && !home.empty())
    caches = home + "/.cache";
  if (caches.empty())
    return "";
  ::mkdir(caches.c_str(), 0700);
  return caches + "/attn";
}

/// A file a driver of a device: its name has what the header of the file has.
static std::string findFile(const VkPhysicalDeviceProperties &properties) {
  std::string folder = findFolder();
  if (folder.empty())
    return "";
  ::mkdir(folder.c_str(), 0700);
  char name[2 * (4 + 4 + VK_UUID_SIZE) + sizeof "/vulkan---"];
  int length = std::snprintf(name, sizeof name, "/vulkan-%x-%x-",
                             properties.vendorID, properties.deviceID);
  for (uint8_t byte : properties.pipelineCacheUUID)
    length += std::snprintf(name + length, sizeof name - size_t(length), "%02x",
                            byte);
  return folder + name;
}

/// False where there is a file and it cannot be read; what does not fit is
/// nothing.
bool PipelineCache::read(std::string &problem, std::string &data) const {
  bool missing = false;
  if (!path.empty() && !readFile(path, data, problem, &missing)) {
    data.clear();
    return missing;
  }
  if (!fits(data, properties))
    data.clear();
  return true;
}

VkPipelineCache PipelineCache::create(const std::string &data) const {
  auto info = makeStruct<VkPipelineCacheCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  VkPipelineCache created = VK_NULL_HANDLE;
  check(vk->CreatePipelineCache(device, &info, nullptr, &created),
        "vkCreatePipelineCache");
  return created;
}

size_t PipelineCache::sizeOf(VkPipelineCache of) const {
  size_t size = 0;
  check(vk->GetPipelineCacheData(device, of, &size, nullptr),
        "vkGetPipelineCacheData");
  return size;
}

std::string PipelineCache::dataOf(VkPipelineCache of) const {
  size_t size = sizeOf(of);
  std::string data(size, '\0');
  check(vk->GetPipelineCacheData(device, of, &size, data.data()),
        "vkGetPipelineCacheData");
  data.resize(size);
  return data;
}

void PipelineCache::open(const DeviceTable &table, VkDevice owner,
                         const VkPhysicalDeviceProperties &of,
                         const char *given) {
  vk = &table, device = owner, properties = of;
  path = given ? given : findFile(of);
  std::string data, problem;
  if (!read(problem, data) && given)
    fail(ATTN_ERROR_DEVICE_ERROR, "options->pipeline_cache: " + problem);
  cache = create(data);
  savedBytes = sizeOf(cache);
}

/// A cache that cannot be kept costs time the next time, nothing else. What
/// others added to the file stays there, but for what two write at the same
/// moment; a file is always a whole one.
void PipelineCache::save() noexcept {
  if (path.empty() || !cache)
    return;
  VkPipelineCache merged = VK_NULL_HANDLE;
  try {
    std::lock_guard<std::mutex> lock(mutex);
    size_t size = sizeOf(cache);
    if (size == savedBytes)
      return;
    std::string data, problem;
    read(problem, data);
    merged = create(data);
    check(vk->MergePipelineCaches(device, merged, 1, &cache),
          "vkMergePipelineCaches");
    data = dataOf(merged);
    if (writeFileAtomically(path, {data}, problem))
      savedBytes = size;
  } catch (...) {
  }
  if (merged)
    vk->DestroyPipelineCache(device, merged, nullptr);
}

void PipelineCache::destroy() noexcept {
  if (cache)
    vk->DestroyPipelineCache(device, cache, nullptr);
  cache = VK_NULL_HANDLE;
}

} // namespace attn::runtime::vulkan
