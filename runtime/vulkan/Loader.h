// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Vulkan API, loaded at run time: headers are needed to build, nothing to
// link, and a machine without a loader gets an error message. Entry points are
// tables: those that need no instance, those of an instance, those of a device.
#ifndef ATTN_RUNTIME_VULKAN_LOADER_H
#define ATTN_RUNTIME_VULKAN_LOADER_H

#define VK_NO_PROTOTYPES
#include "Extensions.h"

#include "attn_runtime.h"

#include <string>

namespace attn::runtime::vulkan {

#define ATTN_VK_GLOBAL(X)                                                      \
  X(EnumerateInstanceVersion)                                                  \
  X(EnumerateInstanceLayerProperties)                                          \
  X(CreateInstance)

#define ATTN_VK_INSTANCE(X)                                                    \
  X(DestroyInstance)                                                           \
  X(EnumeratePhysicalDevices)                                                  \
  X(GetPhysicalDeviceProperties)                                               \
  X(GetPhysicalDeviceProperties2)                                              \
  X(GetPhysicalDeviceFeatures2)                                                \
  X(GetPhysicalDeviceMemoryProperties)                                         \
  X(GetPhysicalDeviceQueueFamilyProperties)                                    \
  X(EnumerateDeviceExtensionProperties)                                        \
  X(CreateDevice)                                                              \
  X(GetDeviceProcAddr)

/// Of extensions: null where they are not enabled.
#define ATTN_VK_INSTANCE_OPTIONAL(X)                                           \
  X(GetPhysicalDeviceCooperativeMatrixPropertiesKHR)                           \
  X(CreateDebugUtilsMessengerEXT)                                              \
  X(DestroyDebugUtilsMessengerEXT)

#define ATTN_VK_DEVICE(X)                                                      \
  X(DestroyDevice)                                                             \
  X(GetDeviceQueue)                                                            \
  X(QueueSubmit)                                                               \
  X(QueueWaitIdle)                                                             \
  X(AllocateMemory)                                                            \
  X(FreeMemory)                                                                \
  X(MapMemory)                                                                 \
  X(CreateBuffer)                                                              \
  X(DestroyBuffer)                                                             \
  X(GetBufferMemoryRequirements)                                               \
  X(BindBufferMemory)                                                          \
  X(CreateShaderModule)                                                        \
  X(DestroyShaderModule)                                                       \
  X(CreateDescriptorSetLayout)                                                 \
  X(DestroyDescriptorSetLayout)                                                \
  X(CreatePipelineLayout)                                                      \
  X(DestroyPipelineLayout)                                                     \
  X(CreatePipelineCache)                                                       \
  X(DestroyPipelineCache)                                                      \
  X(GetPipelineCacheData)                                                      \
  X(MergePipelineCaches)                                                       \
  X(CreateComputePipelines)                                                    \
  X(DestroyPipeline)                                                           \
  X(CreateDescriptorPool)                                                      \
  X(DestroyDescriptorPool)                                                     \
  X(AllocateDescriptorSets)                                                    \
  X(UpdateDescriptorSets)                                                      \
  X(CreateCommandPool)                                                         \
  X(DestroyCommandPool)                                                        \
  X(AllocateCommandBuffers)                                                    \
  X(BeginCommandBuffer)                                                        \
  X(EndCommandBuffer)                                                          \
  X(CreateQueryPool)                                                           \
  X(DestroyQueryPool)                                                          \
  X(GetQueryPoolResults)                                                       \
  X(CmdResetQueryPool)                                                         \
  X(CmdWriteTimestamp)                                                         \
  X(CmdBindPipeline)                                                           \
  X(CmdBindDescriptorSets)                                                     \
  X(CmdPushConstants)                                                          \
  X(CmdDispatch)                                                               \
  X(CmdFillBuffer)                                                             \
  X(CmdCopyBuffer)                                                             \
  X(CmdPipelineBarrier)

#define ATTN_VK_MEMBER(NAME) PFN_vk##NAME NAME = nullptr;

/// What needs no instance.
struct Loader {
  /// The loader of this process. Throws Failure where there is none.
  static const Loader &get();
  /// Entry points by way of the caller's own vkGetInstanceProcAddr.
  explicit Loader(PFN_vkGetInstanceProcAddr getInstanceProcAddr);

  PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
  ATTN_VK_GLOBAL(ATTN_VK_MEMBER)
};

struct InstanceTable {
  /// Throws Failure if an entry point is missing.
  void load(const Loader &loader, VkInstance instance);
  ATTN_VK_INSTANCE(ATTN_VK_MEMBER)
  ATTN_VK_INSTANCE_OPTIONAL(ATTN_VK_MEMBER)
};

struct DeviceTable {
  void load(const InstanceTable &instance, VkDevice device);
  ATTN_VK_DEVICE(ATTN_VK_MEMBER)
};

#undef ATTN_VK_MEMBER

/// "VK_ERROR_DEVICE_LOST"
std::string resultName(VkResult result);

/// Throws Failure if `result` is an error; `what` says what could not be done.
void check(VkResult result, const std::string &what);

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_LOADER_H
