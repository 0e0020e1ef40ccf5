// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/* A Vulkan loader and driver without a GPU: device memory is host memory,
 * kernels are named host functions that run when they are submitted, and what
 * happened can be asked. Handles that are freed twice or never are counted. */
#ifndef ATTN_TEST_UNIT_RUNTIME_FAKEVULKAN_H
#define ATTN_TEST_UNIT_RUNTIME_FAKEVULKAN_H

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <vulkan/vulkan_core.h>

#define ATTN_FAKE __attribute__((visibility("default")))

struct FakeDevice {
  std::string name = "Fake GPU";
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  uint32_t version = VK_API_VERSION_1_3;
  bool float16 = true;
  bool matrices = false;
  uint32_t minSubgroup = 32, maxSubgroup = 32;
  VkQueueFlags queue = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
  uint32_t timestampBits = 64;
  /// Whether all memory is seen by the host.
  bool sharesMemory = false;
  /// The device's own memory that the host sees, beside what it does not see.
  VkDeviceSize windowBytes = 0;
  VkDeviceSize offsetAlignment = 256;
  uint32_t storageRange = 1u << 27;
  std::array<uint32_t, 3> groups{65535, 65535, 65535};
  uint32_t invocations = 1024, sharedBytes = 32768, storageBuffers = 16;
  VkDeviceSize mostAllocation = 1u << 30;
};

/// The state of the driver; tests read and change it.
struct FakeVulkan {
  uint32_t loaderVersion = VK_API_VERSION_1_3;
  VkResult instanceResult = VK_SUCCESS;
  std::vector<FakeDevice> devices = {FakeDevice()};
  bool hasValidation = true;
  /// The version of Vulkan that the validation layer was written for.
  uint32_t layerVersion = VK_MAKE_API_VERSION(0, 1, 3, 239);
  /// What the validation layer says at the next submission.
  std::string complaint;
  VkResult submitResult = VK_SUCCESS, waitResult = VK_SUCCESS,
           memoryResult = VK_SUCCESS, pipelineResult = VK_SUCCESS;
  /// The stages before and after barriers that were recorded.
  std::vector<std::array<VkPipelineStageFlags, 2>> barriers;
  int submissions = 0, dispatches = 0, fills = 0, copies = 0, waits = 0,
      pipelines = 0, locks = 0;
  /// Pipelines are not ready until so many are being made, and how often that
  /// was awaited in vain.
  int pipelinesAtOnce = 1, pipelinesAlone = 0;
  /// Whether lanes hold the same elements of accumulators and left factors.
  bool elementsAlike = true;
  /// Objects of all kinds that were made and not destroyed.
  int alive = 0;
  /// Extensions and subgroup size that were asked for.
  std::vector<std::string> extensions;
  uint32_t requiredSubgroup = 0;
  bool fullSubgroups = false;
  bool float16Enabled = false;
  std::string cacheGiven;
  /// The ranges and offsets of the descriptors of the last kernel, and its push
  /// constants.
  std::vector<VkDescriptorBufferInfo> bound;
  std::vector<uint32_t> pushed, uniform;
  /// The type of the memory behind `uniform`.
  uint32_t uniformType = UINT32_MAX;
};
ATTN_FAKE extern FakeVulkan fakeVulkan;

/// For devices that a program makes itself.
extern "C" ATTN_FAKE PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance,
                                                              const char *name);

#endif /* ATTN_TEST_UNIT_RUNTIME_FAKEVULKAN_H */
