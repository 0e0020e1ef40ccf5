// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Choosing, creating and taking over Vulkan devices.
#include "Device.h"

#include "Creation.h"
#include "Failure.h"

#include <algorithm>
#include <cstring>

namespace attn::runtime::vulkan {
namespace {

constexpr const char *validationLayer = "VK_LAYER_KHRONOS_validation";

/// GPUs with memory of their own come first, processors last.
int orderOf(VkPhysicalDeviceType type) {
  switch (type) {
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    return 0;
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
    return 1;
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
    return 2;
  case VK_PHYSICAL_DEVICE_TYPE_CPU:
    return 4;
  default:
    return 3;
  }
}

void checkVersion(uint32_t version, const std::string &what) {
  if (version < VK_API_VERSION_1_1)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE, what + " has Vulkan " +
                                            versionName(version) +
                                            "; version 1.1 is needed");
}

} // namespace

/// The version of Vulkan that the validation layer was written for; 0: there is
/// no such layer.
static uint32_t findLayer(const Loader &loader) {
  uint32_t count = 0;
  check(loader.EnumerateInstanceLayerProperties(&count, nullptr),
        "vkEnumerateInstanceLayerProperties");
  std::vector<VkLayerProperties> layers(count);
  check(loader.EnumerateInstanceLayerProperties(&count, layers.data()),
        "vkEnumerateInstanceLayerProperties");
  for (const VkLayerProperties &layer : layers)
    if (!std::strcmp(layer.layerName, validationLayer))
      return layer.specVersion;
  return 0;
}

//===----------------------------------------------------------------------===//
// Instance
//===----------------------------------------------------------------------===//

void Device::createInstance(const Loader &loader, bool validates) {
  uint32_t version = 0;
  check(loader.EnumerateInstanceVersion(&version),
        "vkEnumerateInstanceVersion");
  checkVersion(version, "the Vulkan loader");
  apiVersion = std::min(version, uint32_t(VK_API_VERSION_1_3));
  auto application =
      makeStruct<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
  application.pApplicationName = "attn";
  application.apiVersion = apiVersion;
  auto info =
      makeStruct<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  info.pApplicationInfo = &application;
  const char *extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  if (validates) {
    layerVersion = findLayer(loader);
    info.enabledLayerCount = 1, info.ppEnabledLayerNames = &validationLayer;
    info.enabledExtensionCount = 1, info.ppEnabledExtensionNames = &extension;
  }
  VkResult result = loader.CreateInstance(&info, nullptr, &instance);
  if (result == VK_ERROR_LAYER_NOT_PRESENT)
    fail(ATTN_ERROR_NOT_FOUND, std::string("options->validation needs the "
                                           "layer ") +
                                   validationLayer +
                                   ", which is not installed");
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    fail(ATTN_ERROR_NOT_FOUND,
         "there is a Vulkan loader, but no Vulkan driver: "
         "VK_ERROR_INCOMPATIBLE_DRIVER");
  check(result, "vkCreateInstance");
  table.load(loader, instance);
  if (validates)
    listenToValidation();
}

void Device::listenToValidation() {
  auto info = makeStruct<VkDebugUtilsMessengerCreateInfoEXT>(
      VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
  info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = hear;
  info.pUserData = this;
  if (!table.CreateDebugUtilsMessengerEXT ||
      !table.DestroyDebugUtilsMessengerEXT)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "options->validation: the loader has no VK_EXT_debug_utils");
  check(
      table.CreateDebugUtilsMessengerEXT(instance, &info, nullptr, &messenger),
      "vkCreateDebugUtilsMessengerEXT");
}

VkBool32 Device::hear(VkDebugUtilsMessageSeverityFlagBitsEXT,
                      VkDebugUtilsMessageTypeFlagsEXT,
                      const VkDebugUtilsMessengerCallbackDataEXT *data,
                      void *self) {
  auto &device = *static_cast<Device *>(self);
  std::lock_guard<std::mutex> lock(device.messagesMutex);
  device.messages += device.messages.empty() ? "" : "\n";
  device.messages += data->pMessage ? data->pMessage : "";
  return VK_FALSE;
}

void Device::checkValidation() {
  std::lock_guard<std::mutex> lock(messagesMutex);
  if (messages.empty())
    return;
  std::string text = "the Vulkan validation layer says: " + messages;
  messages.clear();
  fail(ATTN_ERROR_DEVICE_ERROR, std::move(text));
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

void Device::choose(const attn_context_options &options) {
  uint32_t count = 0;
  check(table.EnumeratePhysicalDevices(instance, &count, nullptr),
        "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> handles(count);
  check(table.EnumeratePhysicalDevices(instance, &count, handles.data()),
        "vkEnumeratePhysicalDevices");
  struct Candidate {
    VkPhysicalDevice handle;
    size_t index; // as the loader lists them
    VkPhysicalDeviceProperties properties;
    std::pair<int, size_t> order() const {
      return {orderOf(properties.deviceType), index};
    }
  };
  std::vector<Candidate> candidates;
  for (VkPhysicalDevice handle : handles) {
    candidates.push_back({handle, candidates.size(), {}});
    table.GetPhysicalDeviceProperties(handle, &candidates.back().properties);
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate &a, const Candidate &b) {
              return a.order() < b.order();
            });
  std::string known;
  std::string wanted = options.device_name ? options.device_name : "";
  int32_t skip = options.device;
  for (const Candidate &candidate : candidates) {
    std::string called = candidate.properties.deviceName;
    known += (known.empty() ? "" : ", ") + called;
    if (called.find(wanted) == std::string::npos || skip-- != 0)
      continue;
    checkVersion(candidate.properties.apiVersion, "the device " + called);
    physical = candidate.handle;
    return;
  }
  fail(ATTN_ERROR_NOT_FOUND,
       "there is no Vulkan device " +
           (wanted.empty() ? "" : "'" + wanted + "' number ") +
           std::to_string(options.device) +
           "; there are: " + (known.empty() ? "none" : known));
}

/// A layer takes structs that it does not know for errors.
void Device::hideFromOldLayer(std::set<std::string> &extensions) {
  struct {
    const char *extension;
    uint32_t since;
  } constexpr young[] = {
      {VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME,
       VK_MAKE_API_VERSION(0, 1, 3, 255)},
      {VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME,
       VK_MAKE_API_VERSION(0, 1, 4, 317)},
  };
  for (auto [extension, since] : young) {
    if (!layerVersion || layerVersion >= since || !extensions.erase(extension))
      continue;
    capabilities.note +=
        capabilities.note.empty()
            ? "the validation layer is of Vulkan " + versionName(layerVersion) +
                  "." + std::to_string(VK_API_VERSION_PATCH(layerVersion)) +
                  " and does not know "
            : " and ";
    capabilities.note += extension;
  }
}

void Device::create() {
  std::vector<VkQueueFamilyProperties> families =
      listQueueFamilies(table, physical);
  family = chooseQueueFamily(families);
  timestampBits = families[family].timestampValidBits;
  VkPhysicalDeviceProperties properties;
  table.GetPhysicalDeviceProperties(physical, &properties);
  std::set<std::string> available = listExtensions(table, physical);
  hideFromOldLayer(available);
  std::vector<const char *> extensions;
  Features features;
  features.chain(std::min(properties.apiVersion, apiVersion), available,
                 extensions);
  table.GetPhysicalDeviceFeatures2(physical, &features.core);
  features.keepKnown();

  device = createDevice(table, physical, family, features, extensions);
  vk.load(table, device);
  vk.GetDeviceQueue(device, family, 0, &queue);
  capabilities.query(table, physical, apiVersion, available, features);
}

void Device::finish(const attn_context_options &options) {
  table.GetPhysicalDeviceMemoryProperties(physical, &memory);
  name = capabilities.properties.deviceName;
  cache.open(vk, device, capabilities.properties, options.pipeline_cache);
}

Device::Device(const attn_context_options &options) {
  try {
    createInstance(Loader::get(), options.validation != 0);
    choose(options);
    create();
    finish(options);
  } catch (...) {
    destroy();
    throw;
  }
}

static void requireHandle(const void *handle, const char *what) {
  if (!handle)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         std::string("device->") + what + " is NULL");
}

Device::Device(const attn_vulkan_device &given,
               const attn_context_options &options)
    : isOwn(false), instance(static_cast<VkInstance>(given.instance)),
      apiVersion(given.api_version ? given.api_version : VK_API_VERSION_1_1),
      physical(static_cast<VkPhysicalDevice>(given.physical_device)),
      queue(static_cast<VkQueue>(given.queue)), family(given.queue_family),
      lockQueue(given.lock_queue), unlockQueue(given.unlock_queue),
      user(given.user) {
  requireHandle(given.instance, "instance");
  requireHandle(given.physical_device, "physical_device");
  requireHandle(given.device, "device");
  requireHandle(given.queue, "queue");
  checkVersion(apiVersion, "device->api_version");
  auto entry =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(given.get_instance_proc_addr);
  if (entry)
    table.load(Loader(entry), instance);
  else
    table.load(Loader::get(), instance);
  device = static_cast<VkDevice>(given.device);
  vk.load(table, device);
  std::vector<VkQueueFamilyProperties> families =
      listQueueFamilies(table, physical);
  if (family >= families.size())
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "device->queue_family is " + std::to_string(family) +
             "; the device has " + std::to_string(families.size()) +
             " families");
  if (!(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT))
    fail(ATTN_ERROR_INVALID_ARGUMENT, "queues of device->queue_family " +
                                          std::to_string(family) +
                                          " do not compute");
  timestampBits = families[family].timestampValidBits;
  Features features;
  features.read(given.features);
  std::set<std::string> extensions;
  for (uint32_t i = 0; i < given.extension_count; ++i)
    extensions.insert(given.extensions[i]);
  capabilities.query(table, physical, apiVersion, extensions, features);
  finish(options);
}

Device::~Device() {
  cache.save();
  destroy();
}

void Device::destroy() noexcept {
  cache.destroy();
  if (!isOwn)
    return;
  if (device && vk.DestroyDevice)
    vk.DestroyDevice(device, nullptr);
  if (messenger)
    table.DestroyDebugUtilsMessengerEXT(instance, messenger, nullptr);
  if (instance && table.DestroyInstance)
    table.DestroyInstance(instance, nullptr);
}

//===----------------------------------------------------------------------===//
// Queue and commands
//===----------------------------------------------------------------------===//

/// A queue belongs to one thread at a time, those of its owner included.
class Device::QueueLock {
public:
  explicit QueueLock(Device &device) : device(device), lock(device.queueMutex) {
    if (device.lockQueue)
      device.lockQueue(device.user);
  }
  ~QueueLock() {
    if (device.unlockQueue)
      device.unlockQueue(device.user);
  }

private:
  Device &device;
  std::lock_guard<std::mutex> lock;
};

void Device::submit(VkCommandBuffer commands) {
  auto info = makeStruct<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  QueueLock lock(*this);
  check(vk.QueueSubmit(queue, 1, &info, VK_NULL_HANDLE),
        "cannot submit to " + name);
}

void Device::wait() {
  {
    QueueLock lock(*this);
    check(vk.QueueWaitIdle(queue), "cannot wait for " + name);
  }
  checkValidation();
}

void Device::waitQuietly() noexcept {
  QueueLock lock(*this);
  vk.QueueWaitIdle(queue);
}

VkCommandPool Device::createCommandPool() const {
  auto info = makeStruct<VkCommandPoolCreateInfo>(
      VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
  info.queueFamilyIndex = family;
  VkCommandPool pool = VK_NULL_HANDLE;
  check(vk.CreateCommandPool(device, &info, nullptr, &pool),
        "vkCreateCommandPool");
  return pool;
}

VkCommandBuffer Device::allocateCommands(VkCommandPool pool) const {
  auto info = makeStruct<VkCommandBufferAllocateInfo>(
      VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
  info.commandPool = pool;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  check(vk.AllocateCommandBuffers(device, &info, &commands),
        "vkAllocateCommandBuffers");
  return commands;
}

static void addBarrier(const DeviceTable &vk, VkCommandBuffer commands,
                       VkPipelineStageFlags stages, VkAccessFlags before,
                       VkAccessFlags after) {
  auto memoryBarrier =
      makeStruct<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
  memoryBarrier.srcAccessMask = before;
  memoryBarrier.dstAccessMask = after;
  vk.CmdPipelineBarrier(commands, stages, stages, 0, 1, &memoryBarrier, 0,
                        nullptr, 0, nullptr);
}

void Device::barrier(VkCommandBuffer commands) const {
  addBarrier(vk, commands,
             VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                 VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
             VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                 VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                 VK_ACCESS_HOST_WRITE_BIT,
             VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                 VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                 VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT |
                 VK_ACCESS_HOST_WRITE_BIT);
}

void Device::barrierOfKernels(VkCommandBuffer commands) const {
  addBarrier(vk, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
             VK_ACCESS_SHADER_WRITE_BIT,
             VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

void Device::barrierOfCommands(VkCommandBuffer commands) const {
  addBarrier(vk, commands,
             VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                 VK_PIPELINE_STAGE_TRANSFER_BIT,
             VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
             VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                 VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                 VK_ACCESS_TRANSFER_WRITE_BIT);
}

void Device::run(const std::function<void(VkCommandBuffer)> &record) {
  VkCommandPool pool = createCommandPool();
  auto release = [this](VkCommandPool created) {
    vk.DestroyCommandPool(device, created, nullptr);
  };
  std::unique_ptr<std::remove_pointer_t<VkCommandPool>, decltype(release)>
      guard(pool, release);
  VkCommandBuffer commands = allocateCommands(pool);
  auto begin = makeStruct<VkCommandBufferBeginInfo>(
      VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  check(vk.BeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
  barrier(commands);
  record(commands);
  barrier(commands);
  check(vk.EndCommandBuffer(commands), "vkEndCommandBuffer");
  submit(commands);
  wait();
}

} // namespace attn::runtime::vulkan
