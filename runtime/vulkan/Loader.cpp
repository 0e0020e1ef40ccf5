// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the entry points of Vulkan in the machine's loader, or by way of a
// program that uses Vulkan itself.
#include "Loader.h"
#include "Failure.h"

#include <dlfcn.h>

namespace attn::runtime::vulkan {
namespace {

PFN_vkGetInstanceProcAddr openLoader() {
  void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    fail(ATTN_ERROR_NOT_FOUND,
         std::string("the vulkan backend needs a Vulkan loader: ") +
             (reason ? reason : "libvulkan.so.1 cannot be loaded"));
  }
  auto entry = reinterpret_cast<PFN_vkGetInstanceProcAddr>(
      dlsym(library, "vkGetInstanceProcAddr"));
  if (!entry)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "libvulkan.so.1 is no Vulkan loader: it has no vkGetInstanceProcAddr");
  return entry;
}

template <typename Function>
void require(Function &function, PFN_vkVoidFunction found, const char *name) {
  if (!found)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         std::string("Vulkan is too old here: it has no ") + name +
             "; version 1.1 is needed");
  function = reinterpret_cast<Function>(found);
}

} // namespace

Loader::Loader(PFN_vkGetInstanceProcAddr getInstanceProcAddr)
    : GetInstanceProcAddr(getInstanceProcAddr) {
#define ATTN_VK_FIND(NAME)                                                     \
  require(NAME, GetInstanceProcAddr(nullptr, "vk" #NAME), "vk" #NAME);
  ATTN_VK_GLOBAL(ATTN_VK_FIND)
#undef ATTN_VK_FIND
}

const Loader &Loader::get() {
  // A constructor that throws is tried again by the next caller.
  static const Loader loader(openLoader());
  return loader;
}

void InstanceTable::load(const Loader &loader, VkInstance instance) {
#define ATTN_VK_FIND(NAME)                                                     \
  require(NAME, loader.GetInstanceProcAddr(instance, "vk" #NAME), "vk" #NAME);
  ATTN_VK_INSTANCE(ATTN_VK_FIND)
#undef ATTN_VK_FIND
#define ATTN_VK_FIND(NAME)                                                     \
  NAME = reinterpret_cast<PFN_vk##NAME>(                                       \
      loader.GetInstanceProcAddr(instance, "vk" #NAME));
  ATTN_VK_INSTANCE_OPTIONAL(ATTN_VK_FIND)
#undef ATTN_VK_FIND
}

void DeviceTable::load(const InstanceTable &instance, VkDevice device) {
#define ATTN_VK_FIND(NAME)                                                     \
  require(NAME, instance.GetDeviceProcAddr(device, "vk" #NAME), "vk" #NAME);
  ATTN_VK_DEVICE(ATTN_VK_FIND)
#undef ATTN_VK_FIND
}

std::string resultName(VkResult result) {
  switch (result) {
#define ATTN_VK_NAME(NAME)                                                     \
  case NAME:                                                                   \
    return #NAME;
    ATTN_VK_NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
    ATTN_VK_NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
    ATTN_VK_NAME(VK_ERROR_INITIALIZATION_FAILED)
    ATTN_VK_NAME(VK_ERROR_DEVICE_LOST)
    ATTN_VK_NAME(VK_ERROR_MEMORY_MAP_FAILED)
    ATTN_VK_NAME(VK_ERROR_LAYER_NOT_PRESENT)
    ATTN_VK_NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
    ATTN_VK_NAME(VK_ERROR_FEATURE_NOT_PRESENT)
    ATTN_VK_NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
    ATTN_VK_NAME(VK_ERROR_TOO_MANY_OBJECTS)
    ATTN_VK_NAME(VK_ERROR_FRAGMENTED_POOL)
    ATTN_VK_NAME(VK_ERROR_OUT_OF_POOL_MEMORY)
    ATTN_VK_NAME(VK_ERROR_INVALID_SHADER_NV)
    ATTN_VK_NAME(VK_ERROR_UNKNOWN)
#undef ATTN_VK_NAME
  default:
    return "VkResult " + std::to_string(int(result));
  }
}

void check(VkResult result, const std::string &what) {
  if (result >= VK_SUCCESS)
    return;
  bool isFull = result == VK_ERROR_OUT_OF_HOST_MEMORY ||
                result == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
                result == VK_ERROR_OUT_OF_POOL_MEMORY;
  std::string message = what + ": " + resultName(result);
  if (result == VK_ERROR_DEVICE_LOST)
    message += ": the device was lost and runs nothing more; create another "
               "context";
  fail(isFull ? ATTN_ERROR_OUT_OF_MEMORY : ATTN_ERROR_DEVICE_ERROR,
       std::move(message));
}

} // namespace attn::runtime::vulkan
