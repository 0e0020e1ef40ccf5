// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry points of Vulkan that the runtime loads, on the host. Kernels:
// `copy(in, out, n)` copies n i32, `count(counter)` adds one to a counter,
// `element_map` says what lanes hold of matrices, and
// `visit(out)` adds one to an i32 for each workgroup of its grid.
#include "FakeVulkan.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

FakeVulkan fakeVulkan;

namespace {

struct Buffer {
  VkDeviceSize size = 0;
  char *data = nullptr; // into Memory
  uint32_t type = 0;
};
struct Memory {
  std::vector<char> bytes;
  uint32_t type = 0;
};
struct SetLayout {
  std::vector<VkDescriptorType> types;
};
struct Set {
  std::vector<VkDescriptorBufferInfo> buffers;
};
struct DescriptorPool {
  std::vector<Set *> sets;
};
struct Call {
  Set *set;
  std::vector<uint32_t> push;
  std::array<uint32_t, 3> groups;
};
struct Pipeline {
  std::string name;
  uint32_t pushBytes = 0;
};
struct Commands {
  std::vector<std::function<void()>> list;
  Pipeline *pipeline = nullptr;
  Set *set = nullptr;
  std::vector<uint32_t> push;
};
struct CommandPool {
  std::vector<Commands *> commands;
};
struct Queries {
  std::vector<uint64_t> values;
};
struct Layout {
  uint32_t pushBytes = 0;
};

template <typename T, typename Handle> T *from(Handle handle) {
  return reinterpret_cast<T *>(handle);
}
template <typename Handle, typename T> VkResult make(Handle *handle, T *made) {
  ++fakeVulkan.alive;
  *handle = reinterpret_cast<Handle>(made);
  return VK_SUCCESS;
}
template <typename T, typename Handle> void drop(Handle handle) {
  if (!handle)
    return;
  --fakeVulkan.alive;
  delete from<T>(handle);
}

VkDebugUtilsMessengerCreateInfoEXT messenger;
uint64_t ticks = 1000;

const FakeDevice &deviceOf(VkPhysicalDevice device) {
  return fakeVulkan.devices[reinterpret_cast<uintptr_t>(device) - 1];
}

//===-- Kernels
//------------------------------------------------------------===//

char *addressOf(const VkDescriptorBufferInfo &info) {
  return from<Buffer>(info.buffer)->data + info.offset;
}

/// The words of the arguments: in push constants, or in the last buffer.
std::vector<uint32_t> wordsOf(const Call &call) {
  constexpr size_t gridWords = 6;
  if (call.push.size() > gridWords)
    return {call.push.begin() + gridWords, call.push.end()};
  const VkDescriptorBufferInfo &info = call.set->buffers.back();
  std::vector<uint32_t> words(info.range / sizeof(uint32_t));
  std::memcpy(words.data(), addressOf(info), info.range);
  fakeVulkan.uniform = words;
  fakeVulkan.uniformType = from<Buffer>(info.buffer)->type;
  return words;
}

int32_t *pointer(const Call &call, size_t binding, uint32_t base) {
  return reinterpret_cast<int32_t *>(addressOf(call.set->buffers[binding])) +
         base;
}

void run(const Pipeline &pipeline, const Call &call) {
  fakeVulkan.bound = call.set->buffers;
  fakeVulkan.pushed = call.push;
  std::vector<uint32_t> words = wordsOf(call);
  if (pipeline.name == "copy")
    std::memcpy(pointer(call, 1, words[1]), pointer(call, 0, words[0]),
                words[2] * sizeof(int32_t));
  if (pipeline.name == "count")
    ++*pointer(call, 0, words[0]);
  if (pipeline.name == "element_map") {
    // Numbers as f32 and as f16, then what lanes hold of each.
    int32_t *numbers = pointer(call, 0, words[0]);
    size_t count = call.set->buffers[0].range / sizeof(int32_t) * 2 / 7;
    int32_t *sums = numbers + count + count / 2, *left = sums + count;
    for (size_t k = 0; k < count; ++k) {
      sums[k] = numbers[k];
      left[k] = numbers[fakeVulkan.elementsAlike ? k : count - 1 - k];
    }
  }
  if (pipeline.name != "visit")
    return;
  int32_t *out = pointer(call, 0, words[0]);
  const uint32_t *start = call.push.data(), *grid = start + 3;
  for (uint32_t z = 0; z < call.groups[2]; ++z)
    for (uint32_t y = 0; y < call.groups[1]; ++y)
      for (uint32_t x = 0; x < call.groups[0]; ++x)
        ++out[((start[2] + z) * grid[1] + start[1] + y) * grid[0] + start[0] +
              x];
}

//===-- Instance
//-----------------------------------------------------------===//

VkResult EnumerateInstanceVersion(uint32_t *version) {
  *version = fakeVulkan.loaderVersion;
  return VK_SUCCESS;
}
VkResult EnumerateInstanceLayerProperties(uint32_t *count,
                                          VkLayerProperties *layers) {
  *count = fakeVulkan.hasValidation;
  if (layers && *count) {
    std::strcpy(layers[0].layerName, "VK_LAYER_KHRONOS_validation");
    layers[0].specVersion = fakeVulkan.layerVersion;
  }
  return VK_SUCCESS;
}
VkResult CreateInstance(const VkInstanceCreateInfo *info,
                        const VkAllocationCallbacks *, VkInstance *instance) {
  if (info->enabledLayerCount && !fakeVulkan.hasValidation)
    return VK_ERROR_LAYER_NOT_PRESENT;
  if (fakeVulkan.instanceResult != VK_SUCCESS)
    return fakeVulkan.instanceResult;
  return make(instance, new int);
}
void DestroyInstance(VkInstance instance, const VkAllocationCallbacks *) {
  drop<int>(instance);
}
VkResult EnumeratePhysicalDevices(VkInstance, uint32_t *count,
                                  VkPhysicalDevice *devices) {
  *count = uint32_t(fakeVulkan.devices.size());
  for (uint32_t i = 0; devices && i < *count; ++i)
    devices[i] = reinterpret_cast<VkPhysicalDevice>(uintptr_t(i) + 1);
  return VK_SUCCESS;
}
void GetPhysicalDeviceProperties(VkPhysicalDevice device,
                                 VkPhysicalDeviceProperties *properties) {
  const FakeDevice &fake = deviceOf(device);
  *properties = {};
  properties->apiVersion = fake.version;
  properties->vendorID = 7;
  properties->deviceID = 8;
  properties->deviceType = fake.type;
  std::strncpy(properties->deviceName, fake.name.c_str(),
               VK_MAX_PHYSICAL_DEVICE_NAME_SIZE - 1);
  VkPhysicalDeviceLimits &limits = properties->limits;
  limits.minStorageBufferOffsetAlignment = fake.offsetAlignment;
  limits.maxStorageBufferRange = fake.storageRange;
  limits.maxComputeSharedMemorySize = fake.sharedBytes;
  limits.maxComputeWorkGroupInvocations = fake.invocations;
  limits.maxPerStageDescriptorStorageBuffers = fake.storageBuffers;
  limits.maxDescriptorSetStorageBuffers = fake.storageBuffers;
  limits.timestampPeriod = 2;
  for (size_t axis = 0; axis < 3; ++axis) {
    limits.maxComputeWorkGroupCount[axis] = fake.groups[axis];
    limits.maxComputeWorkGroupSize[axis] = fake.invocations;
  }
}
void GetPhysicalDeviceProperties2(VkPhysicalDevice device,
                                  VkPhysicalDeviceProperties2 *properties) {
  const FakeDevice &fake = deviceOf(device);
  GetPhysicalDeviceProperties(device, &properties->properties);
  for (auto *next = static_cast<VkBaseOutStructure *>(properties->pNext); next;
       next = next->pNext) {
    if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES) {
      auto *p = reinterpret_cast<VkPhysicalDeviceSubgroupProperties *>(next);
      p->subgroupSize = fake.maxSubgroup;
      p->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
      p->supportedOperations = VK_SUBGROUP_FEATURE_BASIC_BIT;
    }
    if (next->sType ==
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES)
      reinterpret_cast<VkPhysicalDeviceMaintenance3Properties *>(next)
          ->maxMemoryAllocationSize = fake.mostAllocation;
    if (next->sType ==
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES) {
      auto *p =
          reinterpret_cast<VkPhysicalDeviceSubgroupSizeControlProperties *>(
              next);
      p->minSubgroupSize = fake.minSubgroup;
      p->maxSubgroupSize = fake.maxSubgroup;
      p->requiredSubgroupSizeStages = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    if (next->sType ==
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES)
      reinterpret_cast<VkPhysicalDeviceFloatControlsProperties *>(next)
          ->shaderRoundingModeRTEFloat16 = fake.matrices;
  }
}
void GetPhysicalDeviceFeatures2(VkPhysicalDevice device,
                                VkPhysicalDeviceFeatures2 *features) {
  const FakeDevice &fake = deviceOf(device);
  features->features.robustBufferAccess = VK_TRUE;
  for (auto *next = static_cast<VkBaseOutStructure *>(features->pNext); next;
       next = next->pNext) {
    if (next->sType ==
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES)
      reinterpret_cast<VkPhysicalDeviceShaderFloat16Int8Features *>(next)
          ->shaderFloat16 = fake.float16;
    if (next->sType ==
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES)
      reinterpret_cast<VkPhysicalDeviceSubgroupSizeControlFeatures *>(next)
          ->subgroupSizeControl =
          reinterpret_cast<VkPhysicalDeviceSubgroupSizeControlFeatures *>(next)
              ->computeFullSubgroups = VK_TRUE;
    // VkPhysicalDeviceCooperativeMatrixFeaturesKHR, which Debian's headers do
    // not have: its first feature.
    if (next->sType == VkStructureType(1000506000))
      *reinterpret_cast<VkBool32 *>(next + 1) = VK_TRUE;
  }
}
void GetPhysicalDeviceMemoryProperties(
    VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties *memory) {
  constexpr VkMemoryPropertyFlags visible =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
      VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  *memory = {};
  memory->memoryTypeCount = deviceOf(device).windowBytes ? 3 : 2;
  memory->memoryTypes[0].propertyFlags =
      visible | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  memory->memoryTypes[2].propertyFlags =
      VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | visible;
  memory->memoryTypes[1].propertyFlags =
      VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT |
      (deviceOf(device).sharesMemory ? visible : 0);
}
void GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice device,
                                            uint32_t *count,
                                            VkQueueFamilyProperties *families) {
  *count = 1;
  if (!families)
    return;
  families[0] = {};
  families[0].queueFlags = deviceOf(device).queue;
  families[0].timestampValidBits = deviceOf(device).timestampBits;
}
VkResult EnumerateDeviceExtensionProperties(VkPhysicalDevice device,
                                            const char *, uint32_t *count,
                                            VkExtensionProperties *extensions) {
  *count = deviceOf(device).matrices;
  if (extensions && *count)
    std::strcpy(extensions[0].extensionName, "VK_KHR_cooperative_matrix");
  return VK_SUCCESS;
}
/// As VkCooperativeMatrixPropertiesKHR.
struct MatrixProperties {
  VkStructureType type;
  void *next;
  uint32_t m, n, k, a, b, c, result, saturating, scope;
};
VkResult GetPhysicalDeviceCooperativeMatrixPropertiesKHR(
    VkPhysicalDevice, uint32_t *count, MatrixProperties *shapes) {
  *count = 1;
  if (shapes)
    shapes[0] = {shapes[0].type, nullptr, 16, 16, 16, 0, 0, 1, 1, 0, 3};
  return VK_SUCCESS;
}
VkResult CreateDevice(VkPhysicalDevice device, const VkDeviceCreateInfo *info,
                      const VkAllocationCallbacks *, VkDevice *created) {
  fakeVulkan.extensions.assign(info->ppEnabledExtensionNames,
                               info->ppEnabledExtensionNames +
                                   info->enabledExtensionCount);
  for (auto *next = static_cast<const VkBaseInStructure *>(info->pNext); next;
       next = next->pNext) {
    if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 &&
        reinterpret_cast<const VkPhysicalDeviceFeatures2 *>(next)
            ->features.robustBufferAccess)
      return VK_ERROR_FEATURE_NOT_PRESENT; // costs speed; nobody needs it
    if (next->sType ==
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES)
      fakeVulkan.float16Enabled =
          reinterpret_cast<const VkPhysicalDeviceShaderFloat16Int8Features *>(
              next)
              ->shaderFloat16;
  }
  return make(created, new int);
}
VkResult CreateDebugUtilsMessengerEXT(
    VkInstance, const VkDebugUtilsMessengerCreateInfoEXT *info,
    const VkAllocationCallbacks *, VkDebugUtilsMessengerEXT *created) {
  messenger = *info;
  return make(created, new int);
}
void DestroyDebugUtilsMessengerEXT(VkInstance, VkDebugUtilsMessengerEXT handle,
                                   const VkAllocationCallbacks *) {
  drop<int>(handle);
}

//===-- Device
//-------------------------------------------------------------===//

void DestroyDevice(VkDevice device, const VkAllocationCallbacks *) {
  drop<int>(device);
}
void GetDeviceQueue(VkDevice, uint32_t, uint32_t, VkQueue *queue) {
  *queue = reinterpret_cast<VkQueue>(&fakeVulkan);
}
void complain() {
  if (fakeVulkan.complaint.empty())
    return;
  VkDebugUtilsMessengerCallbackDataEXT data{};
  data.pMessage = fakeVulkan.complaint.c_str();
  messenger.pfnUserCallback(VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
                            VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
                            &data, messenger.pUserData);
  fakeVulkan.complaint.clear();
}
VkResult QueueSubmit(VkQueue, uint32_t count, const VkSubmitInfo *submits,
                     VkFence) {
  if (fakeVulkan.submitResult != VK_SUCCESS)
    return fakeVulkan.submitResult;
  ++fakeVulkan.submissions;
  for (uint32_t i = 0; i < count; ++i)
    for (uint32_t k = 0; k < submits[i].commandBufferCount; ++k)
      for (auto &command : from<Commands>(submits[i].pCommandBuffers[k])->list)
        command();
  complain();
  return VK_SUCCESS;
}
VkResult QueueWaitIdle(VkQueue) {
  ++fakeVulkan.waits;
  return fakeVulkan.waitResult;
}
VkResult AllocateMemory(VkDevice, const VkMemoryAllocateInfo *info,
                        const VkAllocationCallbacks *, VkDeviceMemory *memory) {
  if (fakeVulkan.memoryResult != VK_SUCCESS)
    return fakeVulkan.memoryResult;
  constexpr uint32_t window = 2;
  if (info->memoryTypeIndex == window &&
      info->allocationSize > fakeVulkan.devices[0].windowBytes)
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  auto *made = new Memory;
  made->type = info->memoryTypeIndex;
  made->bytes.assign(info->allocationSize, 0x5a);
  return make(memory, made);
}
void FreeMemory(VkDevice, VkDeviceMemory memory,
                const VkAllocationCallbacks *) {
  drop<Memory>(memory);
}
VkResult MapMemory(VkDevice, VkDeviceMemory memory, VkDeviceSize, VkDeviceSize,
                   VkMemoryMapFlags, void **data) {
  *data = from<Memory>(memory)->bytes.data();
  return VK_SUCCESS;
}
VkResult CreateBuffer(VkDevice, const VkBufferCreateInfo *info,
                      const VkAllocationCallbacks *, VkBuffer *buffer) {
  auto *made = new Buffer;
  made->size = info->size;
  return make(buffer, made);
}
void DestroyBuffer(VkDevice, VkBuffer buffer, const VkAllocationCallbacks *) {
  drop<Buffer>(buffer);
}
void GetBufferMemoryRequirements(VkDevice, VkBuffer buffer,
                                 VkMemoryRequirements *needs) {
  *needs = {from<Buffer>(buffer)->size, 256, 7};
}
VkResult BindBufferMemory(VkDevice, VkBuffer buffer, VkDeviceMemory memory,
                          VkDeviceSize offset) {
  from<Buffer>(buffer)->data = from<Memory>(memory)->bytes.data() + offset;
  from<Buffer>(buffer)->type = from<Memory>(memory)->type;
  return VK_SUCCESS;
}
VkResult CreateShaderModule(VkDevice, const VkShaderModuleCreateInfo *,
                            const VkAllocationCallbacks *,
                            VkShaderModule *module) {
  return make(module, new int);
}
void DestroyShaderModule(VkDevice, VkShaderModule module,
                         const VkAllocationCallbacks *) {
  drop<int>(module);
}
VkResult CreateDescriptorSetLayout(VkDevice,
                                   const VkDescriptorSetLayoutCreateInfo *info,
                                   const VkAllocationCallbacks *,
                                   VkDescriptorSetLayout *layout) {
  auto *made = new SetLayout;
  for (uint32_t i = 0; i < info->bindingCount; ++i)
    made->types.push_back(info->pBindings[i].descriptorType);
  return make(layout, made);
}
void DestroyDescriptorSetLayout(VkDevice, VkDescriptorSetLayout layout,
                                const VkAllocationCallbacks *) {
  drop<SetLayout>(layout);
}
VkResult CreatePipelineLayout(VkDevice, const VkPipelineLayoutCreateInfo *info,
                              const VkAllocationCallbacks *,
                              VkPipelineLayout *layout) {
  auto *made = new Layout;
  made->pushBytes = info->pPushConstantRanges[0].size;
  return make(layout, made);
}
void DestroyPipelineLayout(VkDevice, VkPipelineLayout layout,
                           const VkAllocationCallbacks *) {
  drop<Layout>(layout);
}
/// The names of compiled kernels behind a header.
using Compiled = std::set<std::string>;
constexpr size_t cacheHeader = sizeof(VkPipelineCacheHeaderVersionOne);
VkResult CreatePipelineCache(VkDevice, const VkPipelineCacheCreateInfo *info,
                             const VkAllocationCallbacks *,
                             VkPipelineCache *cache) {
  fakeVulkan.cacheGiven.assign(static_cast<const char *>(info->pInitialData),
                               info->initialDataSize);
  auto *made = new Compiled;
  if (info->initialDataSize) {
    std::istringstream names(fakeVulkan.cacheGiven.substr(cacheHeader));
    for (std::string name; names >> name;)
      made->insert(name);
  }
  return make(cache, made);
}
void DestroyPipelineCache(VkDevice, VkPipelineCache cache,
                          const VkAllocationCallbacks *) {
  drop<Compiled>(cache);
}
VkResult GetPipelineCacheData(VkDevice, VkPipelineCache cache, size_t *size,
                              void *data) {
  VkPipelineCacheHeaderVersionOne header{};
  header.headerSize = sizeof header;
  header.headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE;
  header.vendorID = 7;
  header.deviceID = 8;
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
  for (const std::string &name : *from<Compiled>(cache))
    bytes += name + " ";
  *size = bytes.size();
  if (data)
    std::memcpy(data, bytes.data(), bytes.size());
  return VK_SUCCESS;
}
VkResult MergePipelineCaches(VkDevice, VkPipelineCache into, uint32_t count,
                             const VkPipelineCache *caches) {
  for (uint32_t n = 0; n < count; ++n)
    from<Compiled>(into)->insert(from<Compiled>(caches[n])->begin(),
                                 from<Compiled>(caches[n])->end());
  return VK_SUCCESS;
}
VkResult CreateComputePipelines(VkDevice, VkPipelineCache cache, uint32_t,
                                const VkComputePipelineCreateInfo *info,
                                const VkAllocationCallbacks *,
                                VkPipeline *pipeline) {
  static std::mutex mutex;
  static std::condition_variable arrived;
  std::unique_lock<std::mutex> lock(mutex);
  if (fakeVulkan.pipelineResult != VK_SUCCESS)
    return fakeVulkan.pipelineResult;
  ++fakeVulkan.pipelines;
  arrived.notify_all();
  if (!arrived.wait_for(lock, std::chrono::seconds(10), [] {
        return fakeVulkan.pipelines >= fakeVulkan.pipelinesAtOnce;
      }))
    ++fakeVulkan.pipelinesAlone;
  fakeVulkan.fullSubgroups =
      info->stage.flags &
      VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  if (info->stage.pNext)
    fakeVulkan.requiredSubgroup =
        static_cast<
            const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo *>(
            info->stage.pNext)
            ->requiredSubgroupSize;
  auto *made = new Pipeline;
  made->name = info->stage.pName;
  from<Compiled>(cache)->insert(made->name);
  made->pushBytes = from<Layout>(info->layout)->pushBytes;
  return make(pipeline, made);
}
void DestroyPipeline(VkDevice, VkPipeline pipeline,
                     const VkAllocationCallbacks *) {
  drop<Pipeline>(pipeline);
}
VkResult CreateDescriptorPool(VkDevice, const VkDescriptorPoolCreateInfo *,
                              const VkAllocationCallbacks *,
                              VkDescriptorPool *pool) {
  return make(pool, new DescriptorPool);
}
void DestroyDescriptorPool(VkDevice, VkDescriptorPool pool,
                           const VkAllocationCallbacks *) {
  for (Set *set : from<DescriptorPool>(pool)->sets)
    delete set;
  drop<DescriptorPool>(pool);
}
VkResult AllocateDescriptorSets(VkDevice,
                                const VkDescriptorSetAllocateInfo *info,
                                VkDescriptorSet *sets) {
  for (uint32_t i = 0; i < info->descriptorSetCount; ++i) {
    auto *set = new Set;
    set->buffers.resize(from<SetLayout>(info->pSetLayouts[i])->types.size());
    from<DescriptorPool>(info->descriptorPool)->sets.push_back(set);
    sets[i] = reinterpret_cast<VkDescriptorSet>(set);
  }
  return VK_SUCCESS;
}
void UpdateDescriptorSets(VkDevice, uint32_t count,
                          const VkWriteDescriptorSet *writes, uint32_t,
                          const VkCopyDescriptorSet *) {
  for (uint32_t i = 0; i < count; ++i)
    from<Set>(writes[i].dstSet)->buffers[writes[i].dstBinding] =
        *writes[i].pBufferInfo;
}
VkResult CreateCommandPool(VkDevice, const VkCommandPoolCreateInfo *,
                           const VkAllocationCallbacks *, VkCommandPool *pool) {
  return make(pool, new CommandPool);
}
void DestroyCommandPool(VkDevice, VkCommandPool pool,
                        const VkAllocationCallbacks *) {
  for (Commands *commands : from<CommandPool>(pool)->commands)
    delete commands;
  drop<CommandPool>(pool);
}
VkResult AllocateCommandBuffers(VkDevice,
                                const VkCommandBufferAllocateInfo *info,
                                VkCommandBuffer *commands) {
  auto *made = new Commands;
  from<CommandPool>(info->commandPool)->commands.push_back(made);
  *commands = reinterpret_cast<VkCommandBuffer>(made);
  return VK_SUCCESS;
}
VkResult BeginCommandBuffer(VkCommandBuffer commands,
                            const VkCommandBufferBeginInfo *) {
  from<Commands>(commands)->list.clear();
  return VK_SUCCESS;
}
VkResult EndCommandBuffer(VkCommandBuffer) { return VK_SUCCESS; }
VkResult CreateQueryPool(VkDevice, const VkQueryPoolCreateInfo *info,
                         const VkAllocationCallbacks *, VkQueryPool *pool) {
  auto *made = new Queries;
  made->values.resize(info->queryCount);
  return make(pool, made);
}
void DestroyQueryPool(VkDevice, VkQueryPool pool,
                      const VkAllocationCallbacks *) {
  drop<Queries>(pool);
}
VkResult GetQueryPoolResults(VkDevice, VkQueryPool pool, uint32_t, uint32_t,
                             size_t bytes, void *data, VkDeviceSize,
                             VkQueryResultFlags) {
  std::memcpy(data, from<Queries>(pool)->values.data(), bytes);
  return VK_SUCCESS;
}
void CmdResetQueryPool(VkCommandBuffer, VkQueryPool, uint32_t, uint32_t) {}
void CmdWriteTimestamp(VkCommandBuffer commands, VkPipelineStageFlagBits,
                       VkQueryPool pool, uint32_t query) {
  from<Commands>(commands)->list.push_back(
      [pool, query] { from<Queries>(pool)->values[query] = ticks += 500; });
}
void CmdBindPipeline(VkCommandBuffer commands, VkPipelineBindPoint,
                     VkPipeline pipeline) {
  from<Commands>(commands)->pipeline = from<Pipeline>(pipeline);
}
void CmdBindDescriptorSets(VkCommandBuffer commands, VkPipelineBindPoint,
                           VkPipelineLayout, uint32_t, uint32_t,
                           const VkDescriptorSet *sets, uint32_t,
                           const uint32_t *) {
  from<Commands>(commands)->set = from<Set>(sets[0]);
}
void CmdPushConstants(VkCommandBuffer commands, VkPipelineLayout,
                      VkShaderStageFlags, uint32_t, uint32_t size,
                      const void *values) {
  std::vector<uint32_t> words(size / sizeof(uint32_t));
  std::memcpy(words.data(), values, size);
  from<Commands>(commands)->push = std::move(words);
}
void CmdDispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z) {
  Commands &into = *from<Commands>(commands);
  Call call{into.set, into.push, {x, y, z}};
  into.list.push_back([call, pipeline = into.pipeline] {
    ++fakeVulkan.dispatches;
    run(*pipeline, call);
  });
}
void CmdFillBuffer(VkCommandBuffer commands, VkBuffer buffer,
                   VkDeviceSize offset, VkDeviceSize size, uint32_t value) {
  from<Commands>(commands)->list.push_back([=] {
    ++fakeVulkan.fills;
    std::memset(from<Buffer>(buffer)->data + offset, int(value), size);
  });
}
void CmdCopyBuffer(VkCommandBuffer commands, VkBuffer source, VkBuffer target,
                   uint32_t, const VkBufferCopy *regions) {
  VkBufferCopy region = regions[0];
  from<Commands>(commands)->list.push_back([=] {
    ++fakeVulkan.copies;
    std::memcpy(from<Buffer>(target)->data + region.dstOffset,
                from<Buffer>(source)->data + region.srcOffset, region.size);
  });
}
void CmdPipelineBarrier(VkCommandBuffer, VkPipelineStageFlags from,
                        VkPipelineStageFlags to, VkDependencyFlags, uint32_t,
                        const VkMemoryBarrier *, uint32_t,
                        const VkBufferMemoryBarrier *, uint32_t,
                        const VkImageMemoryBarrier *) {
  fakeVulkan.barriers.push_back({from, to});
}

PFN_vkVoidFunction find(const std::string &name);
PFN_vkVoidFunction GetDeviceProcAddr(VkDevice, const char *name) {
  return find(name);
}

#define ENTRY(NAME) {"vk" #NAME, reinterpret_cast<PFN_vkVoidFunction>(NAME)}
PFN_vkVoidFunction find(const std::string &name) {
  static const std::map<std::string, PFN_vkVoidFunction> entries = {
      ENTRY(EnumerateInstanceVersion),
      ENTRY(EnumerateInstanceLayerProperties),
      ENTRY(CreateInstance),
      ENTRY(DestroyInstance),
      ENTRY(EnumeratePhysicalDevices),
      ENTRY(GetPhysicalDeviceProperties),
      ENTRY(GetPhysicalDeviceProperties2),
      ENTRY(GetPhysicalDeviceFeatures2),
      ENTRY(GetPhysicalDeviceMemoryProperties),
      ENTRY(GetPhysicalDeviceQueueFamilyProperties),
      ENTRY(EnumerateDeviceExtensionProperties),
      ENTRY(GetPhysicalDeviceCooperativeMatrixPropertiesKHR),
      ENTRY(CreateDevice),
      ENTRY(GetDeviceProcAddr),
      ENTRY(CreateDebugUtilsMessengerEXT),
      ENTRY(DestroyDebugUtilsMessengerEXT),
      ENTRY(DestroyDevice),
      ENTRY(GetDeviceQueue),
      ENTRY(QueueSubmit),
      ENTRY(QueueWaitIdle),
      ENTRY(AllocateMemory),
      ENTRY(FreeMemory),
      ENTRY(MapMemory),
      ENTRY(CreateBuffer),
      ENTRY(DestroyBuffer),
      ENTRY(GetBufferMemoryRequirements),
      ENTRY(BindBufferMemory),
      ENTRY(CreateShaderModule),
      ENTRY(DestroyShaderModule),
      ENTRY(CreateDescriptorSetLayout),
      ENTRY(DestroyDescriptorSetLayout),
      ENTRY(CreatePipelineLayout),
      ENTRY(DestroyPipelineLayout),
      ENTRY(CreatePipelineCache),
      ENTRY(DestroyPipelineCache),
      ENTRY(GetPipelineCacheData),
      ENTRY(MergePipelineCaches),
      ENTRY(CreateComputePipelines),
      ENTRY(DestroyPipeline),
      ENTRY(CreateDescriptorPool),
      ENTRY(DestroyDescriptorPool),
      ENTRY(AllocateDescriptorSets),
      ENTRY(UpdateDescriptorSets),
      ENTRY(CreateCommandPool),
      ENTRY(DestroyCommandPool),
      ENTRY(AllocateCommandBuffers),
      ENTRY(BeginCommandBuffer),
      ENTRY(EndCommandBuffer),
      ENTRY(CreateQueryPool),
      ENTRY(DestroyQueryPool),
      ENTRY(GetQueryPoolResults),
      ENTRY(CmdResetQueryPool),
      ENTRY(CmdWriteTimestamp),
      ENTRY(CmdBindPipeline),
      ENTRY(CmdBindDescriptorSets),
      ENTRY(CmdPushConstants),
      ENTRY(CmdDispatch),
      ENTRY(CmdFillBuffer),
      ENTRY(CmdCopyBuffer),
      ENTRY(CmdPipelineBarrier)};
  auto it = entries.find(name);
  return it == entries.end() ? nullptr : it->second;
}
#undef ENTRY

} // namespace

PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance, const char *name) {
  return find(name);
}
