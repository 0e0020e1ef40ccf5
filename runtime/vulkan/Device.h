// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One Vulkan device with one queue: chosen and created here, or the caller's.
// Owns what all programs on it share: the pipeline cache, what the validation
// layer says, whether the device is lost.
#ifndef ATTN_RUNTIME_VULKAN_DEVICE_H
#define ATTN_RUNTIME_VULKAN_DEVICE_H

#include "Capabilities.h"
#include "PipelineCache.h"

#include <functional>
#include <memory>
#include <mutex>

namespace attn::runtime::vulkan {

class Device {
public:
  /// The device that `options` ask for. Throws Failure where there is none.
  explicit Device(const attn_context_options &options);
  /// A device of the caller.
  Device(const attn_vulkan_device &given, const attn_context_options &options);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  /// Submits to the queue, behind all that it was given before.
  void submit(VkCommandBuffer commands);
  /// Waits until the queue has nothing left to do.
  void wait();
  /// The same for destructors: a device that is lost has nothing left to do.
  void waitQuietly() noexcept;
  /// Records `commands`, submits them and waits.
  void run(const std::function<void(VkCommandBuffer)> &record);
  /// Throws Failure with what the validation layer had to say since the last
  /// time.
  void checkValidation();

  VkCommandPool createCommandPool() const;
  VkCommandBuffer allocateCommands(VkCommandPool pool) const;
  /// What is written before is there for all that comes after.
  void barrier(VkCommandBuffer commands) const;
  /// What kernels write before is there for kernels after: the host, for which
  /// caches would be written back, is not waiting.
  void barrierOfKernels(VkCommandBuffer commands) const;
  /// The same of kernels and transfers.
  void barrierOfCommands(VkCommandBuffer commands) const;

  std::string name; // with the driver's version
  DeviceTable vk;
  VkDevice device = VK_NULL_HANDLE;
  PipelineCache cache;
  Capabilities capabilities;
  VkPhysicalDeviceMemoryProperties memory{};
  /// Bits of timestamps on the queue; 0: it has none.
  uint32_t timestampBits = 0;

private:
  class QueueLock;

  void createInstance(const Loader &loader, bool validates);
  void listenToValidation();
  void hideFromOldLayer(std::set<std::string> &extensions);
  void choose(const attn_context_options &options);
  void create();
  void finish(const attn_context_options &options);
  void destroy() noexcept;
  static VKAPI_ATTR VkBool32 VKAPI_CALL
  hear(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
       VkDebugUtilsMessageTypeFlagsEXT types,
       const VkDebugUtilsMessengerCallbackDataEXT *data, void *self);

  bool isOwn = true;
  VkInstance instance = VK_NULL_HANDLE;
  InstanceTable table;
  uint32_t apiVersion = 0;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  uint32_t family = 0;
  std::mutex queueMutex;
  void (*lockQueue)(void *user) = nullptr;
  void (*unlockQueue)(void *user) = nullptr;
  void *user = nullptr;

  uint32_t layerVersion = 0; // of the validation layer; 0: it does not watch
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  std::mutex messagesMutex;
  std::string messages;
};

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_DEVICE_H
