// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Vulkan device of the caller's own, and a command buffer on it: launches
// that are recorded one after the other and submitted together, as an engine
// submits a step of a model.
#ifndef ATTN_BENCH_VULKANRECORDER_H
#define ATTN_BENCH_VULKANRECORDER_H

#include "Creation.h"

#include "attn_runtime.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace attn::bench {

/// Throws runtime::Failure where something is missing.
class VulkanRecorder {
public:
  /// `name` is a part of the device's.
  explicit VulkanRecorder(const std::string &name) {
    createInstance();
    choose(name);
    createDevice();
    auto pools = runtime::vulkan::makeStruct<VkCommandPoolCreateInfo>(
        VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pools.queueFamilyIndex = family;
    check(vk.CreateCommandPool(device, &pools, nullptr, &pool),
          "vkCreateCommandPool");
    auto buffers = runtime::vulkan::makeStruct<VkCommandBufferAllocateInfo>(
        VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    buffers.commandPool = pool;
    buffers.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    buffers.commandBufferCount = 1;
    check(vk.AllocateCommandBuffers(device, &buffers, &commands),
          "vkAllocateCommandBuffers");
  }
  VulkanRecorder(const VulkanRecorder &) = delete;
  VulkanRecorder &operator=(const VulkanRecorder &) = delete;
  ~VulkanRecorder() {
    vk.DestroyCommandPool(device, pool, nullptr);
    vk.DestroyDevice(device, nullptr);
    table.DestroyInstance(instance, nullptr);
  }

  /// For attn_context_create_vulkan.
  attn_vulkan_device describe() const {
    attn_vulkan_device given{};
    given.struct_size = sizeof given;
    given.instance = instance;
    given.physical_device = physical;
    given.device = device;
    given.queue = queue;
    given.queue_family = family;
    given.api_version = version;
    given.features = &features.core;
    given.extensions = extensions.data();
    given.extension_count = uint32_t(extensions.size());
    return given;
  }

  /// What to record into, until `end`.
  void *begin() {
    auto info = runtime::vulkan::makeStruct<VkCommandBufferBeginInfo>(
        VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    check(vk.BeginCommandBuffer(commands, &info), "vkBeginCommandBuffer");
    return commands;
  }
  void end() { check(vk.EndCommandBuffer(commands), "vkEndCommandBuffer"); }
  /// Runs all of it, and returns when that is over.
  void run() {
    auto info = runtime::vulkan::makeStruct<VkSubmitInfo>(
        VK_STRUCTURE_TYPE_SUBMIT_INFO);
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    check(vk.QueueSubmit(queue, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
    check(vk.QueueWaitIdle(queue), "vkQueueWaitIdle");
  }

private:
  static void check(VkResult result, const char *what) {
    runtime::vulkan::check(result, what);
  }

  void createInstance() {
    auto application = runtime::vulkan::makeStruct<VkApplicationInfo>(
        VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.apiVersion = version;
    auto info = runtime::vulkan::makeStruct<VkInstanceCreateInfo>(
        VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    info.pApplicationInfo = &application;
    const auto &loader = runtime::vulkan::Loader::get();
    check(loader.CreateInstance(&info, nullptr, &instance), "vkCreateInstance");
    table.load(loader, instance);
  }

  void choose(const std::string &name) {
    uint32_t count = 0;
    check(table.EnumeratePhysicalDevices(instance, &count, nullptr),
          "vkEnumeratePhysicalDevices");
    std::vector<VkPhysicalDevice> all(count);
    check(table.EnumeratePhysicalDevices(instance, &count, all.data()),
          "vkEnumeratePhysicalDevices");
    for (VkPhysicalDevice one : all) {
      VkPhysicalDeviceProperties properties;
      table.GetPhysicalDeviceProperties(one, &properties);
      if (physical || !std::strstr(properties.deviceName, name.c_str()))
        continue;
      physical = one;
      version = std::min(version, properties.apiVersion);
    }
    check(physical ? VK_SUCCESS : VK_ERROR_INITIALIZATION_FAILED,
          "no such device");
    family = runtime::vulkan::chooseQueueFamily(
        runtime::vulkan::listQueueFamilies(table, physical));
  }

  /// With what kernels may use, and nothing else.
  void createDevice() {
    features.chain(version, runtime::vulkan::listExtensions(table, physical),
                   extensions);
    table.GetPhysicalDeviceFeatures2(physical, &features.core);
    features.keepKnown();
    device = runtime::vulkan::createDevice(table, physical, family, features,
                                           extensions);
    vk.load(table, device);
    vk.GetDeviceQueue(device, family, 0, &queue);
  }

  uint32_t version = VK_API_VERSION_1_3;
  runtime::vulkan::InstanceTable table;
  runtime::vulkan::DeviceTable vk;
  runtime::vulkan::Features features;
  std::vector<const char *> extensions;
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  uint32_t family = 0;
  VkDevice device = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkCommandBuffer commands = VK_NULL_HANDLE;
};

} // namespace attn::bench

#endif // ATTN_BENCH_VULKANRECORDER_H
