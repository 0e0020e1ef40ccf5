//===- Driver.cpp - A Vulkan driver for processors, as Chromium takes it --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver that ATTN_DRIVER names, but for what its device says of itself: it
// is part of a processor's graphics, and what waits for it may be shared with
// other processes. Chromium hands no other device to a page; what a page
// computes with asks for neither.
//
//===----------------------------------------------------------------------===//

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <vulkan/vk_icd.h>
#include <vulkan/vulkan_core.h>

/// A function of the driver behind this one.
template <typename Function> static Function find(const char *name) {
  static void *library = dlopen(std::getenv("ATTN_DRIVER"), RTLD_NOW);
  return reinterpret_cast<Function>(library ? dlsym(library, name) : nullptr);
}

//===----------------------------------------------------------------------===//
// What it says otherwise
//===----------------------------------------------------------------------===//

static PFN_vkGetPhysicalDeviceProperties getProperties;
static PFN_vkGetPhysicalDeviceProperties2 getProperties2;

static VKAPI_ATTR void VKAPI_CALL
sayProperties(VkPhysicalDevice device, VkPhysicalDeviceProperties *properties) {
  getProperties(device, properties);
  properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
}

static VKAPI_ATTR void VKAPI_CALL sayProperties2(
    VkPhysicalDevice device, VkPhysicalDeviceProperties2 *properties) {
  getProperties2(device, properties);
  properties->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
}

static VKAPI_ATTR void VKAPI_CALL
saySemaphores(VkPhysicalDevice /*device*/,
              const VkPhysicalDeviceExternalSemaphoreInfo *info,
              VkExternalSemaphoreProperties *properties) {
  properties->exportFromImportedHandleTypes = info->handleType;
  properties->compatibleHandleTypes = info->handleType;
  properties->externalSemaphoreFeatures =
      VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT |
      VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;
}

/// `function` of the driver, or what stands in for it.
static PFN_vkVoidFunction replace(const char *name,
                                  PFN_vkVoidFunction function) {
  if (!function)
    return nullptr;
  auto is = [&](const char *other) { return std::strcmp(name, other) == 0; };
  if (is("vkGetPhysicalDeviceProperties")) {
    getProperties =
        reinterpret_cast<PFN_vkGetPhysicalDeviceProperties>(function);
    return reinterpret_cast<PFN_vkVoidFunction>(sayProperties);
  }
  if (is("vkGetPhysicalDeviceProperties2") ||
      is("vkGetPhysicalDeviceProperties2KHR")) {
    getProperties2 =
        reinterpret_cast<PFN_vkGetPhysicalDeviceProperties2>(function);
    return reinterpret_cast<PFN_vkVoidFunction>(sayProperties2);
  }
  if (is("vkGetPhysicalDeviceExternalSemaphoreProperties") ||
      is("vkGetPhysicalDeviceExternalSemaphorePropertiesKHR"))
    return reinterpret_cast<PFN_vkVoidFunction>(saySemaphores);
  return function;
}

//===----------------------------------------------------------------------===//
// What Vulkan's loader calls
//===----------------------------------------------------------------------===//

extern "C" {
VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  auto negotiate = find<PFN_vkNegotiateLoaderICDInterfaceVersion>(
      "vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate ? negotiate(version) : VK_ERROR_INITIALIZATION_FAILED;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance instance, const char *name) {
  auto get = find<PFN_vkGetInstanceProcAddr>("vk_icdGetInstanceProcAddr");
  return get ? replace(name, get(instance, name)) : nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name) {
  auto get =
      find<PFN_GetPhysicalDeviceProcAddr>("vk_icdGetPhysicalDeviceProcAddr");
  return get ? replace(name, get(instance, name)) : nullptr;
}
}
