// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Features, subgroups, matrices and limits of a Vulkan device against what the
// description of a program asks for.
#include "Capabilities.h"

#include <algorithm>
#include <cstring>
#include <thread>

namespace attn::runtime::vulkan {
namespace {

struct FeatureName {
  const char *name;
  VkBool32 &(*of)(Features &features);
};

/// What the `features` of an artifact may name of these structs.
constexpr FeatureName featureNames[] = {
    {"shaderInt16",
     [](Features &f) -> VkBool32 & { return f.core.features.shaderInt16; }},
    {"shaderInt64",
     [](Features &f) -> VkBool32 & { return f.core.features.shaderInt64; }},
    {"shaderFloat64",
     [](Features &f) -> VkBool32 & { return f.core.features.shaderFloat64; }},
    {"storageBuffer16BitAccess",
     [](Features &f) -> VkBool32 & {
       return f.storage16.storageBuffer16BitAccess;
     }},
    {"storageBuffer8BitAccess",
     [](Features &f) -> VkBool32 & {
       return f.storage8.storageBuffer8BitAccess;
     }},
    {"shaderFloat16",
     [](Features &f) -> VkBool32 & { return f.small.shaderFloat16; }},
    {"shaderInt8",
     [](Features &f) -> VkBool32 & { return f.small.shaderInt8; }},
    {"vulkanMemoryModel",
     [](Features &f) -> VkBool32 & { return f.memoryModel.vulkanMemoryModel; }},
    {"vulkanMemoryModelDeviceScope",
     [](Features &f) -> VkBool32 & {
       return f.memoryModel.vulkanMemoryModelDeviceScope;
     }},
    {"subgroupSizeControl",
     [](Features &f) -> VkBool32 & {
       return f.subgroupSize.subgroupSizeControl;
     }},
    {"computeFullSubgroups",
     [](Features &f) -> VkBool32 & {
       return f.subgroupSize.computeFullSubgroups;
     }},
    {"cooperativeMatrix",
     [](Features &f) -> VkBool32 & { return f.matrix.cooperativeMatrix; }},
    {"shaderBFloat16Type",
     [](Features &f) -> VkBool32 & { return f.bfloat.shaderBFloat16Type; }},
    {"shaderBFloat16CooperativeMatrix",
     [](Features &f) -> VkBool32 & {
       return f.bfloat.shaderBFloat16CooperativeMatrix;
     }},
};

struct SubgroupOperation {
  const char *name;
  VkSubgroupFeatureFlagBits bit;
};
constexpr SubgroupOperation subgroupOperations[] = {
    {"basic", VK_SUBGROUP_FEATURE_BASIC_BIT},
    {"vote", VK_SUBGROUP_FEATURE_VOTE_BIT},
    {"arithmetic", VK_SUBGROUP_FEATURE_ARITHMETIC_BIT},
    {"ballot", VK_SUBGROUP_FEATURE_BALLOT_BIT},
    {"shuffle", VK_SUBGROUP_FEATURE_SHUFFLE_BIT},
    {"shuffle-relative", VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT},
    {"clustered", VK_SUBGROUP_FEATURE_CLUSTERED_BIT},
};

/// The rest of `text` behind `start`, or null.
const char *after(const std::string &text, const char *start) {
  size_t length = std::strlen(start);
  return text.compare(0, length, start) == 0 ? text.c_str() + length : nullptr;
}

const char *componentName(VkComponentTypeKHR type) {
  constexpr std::pair<VkComponentTypeKHR, const char *> names[] = {
      {VK_COMPONENT_TYPE_FLOAT16_KHR, "f16"},
      {VK_COMPONENT_TYPE_BFLOAT16_KHR, "bf16"},
      {VK_COMPONENT_TYPE_FLOAT32_KHR, "f32"},
      {VK_COMPONENT_TYPE_FLOAT64_KHR, "f64"},
      {VK_COMPONENT_TYPE_SINT8_KHR, "i8"},
      {VK_COMPONENT_TYPE_UINT8_KHR, "u8"},
      {VK_COMPONENT_TYPE_SINT32_KHR, "i32"},
      {VK_COMPONENT_TYPE_UINT32_KHR, "u32"}};
  for (auto [known, name] : names)
    if (type == known)
      return name;
  return "other";
}

constexpr const char *sizePrefix = "subgroup-size:";
constexpr const char *operationPrefix = "subgroup:";
constexpr const char *matrixPrefix = "cooperative-matrix:";
constexpr const char *mapPrefix = "cooperative-matrix-map:";
constexpr const char *fullSubgroups = "computeFullSubgroups";
/// Lanes of a subgroup are those of a vector, in drivers for processors.
constexpr const char *lockstepName = "subgroup:lockstep";
constexpr const char *roundsHalfName = "shaderRoundingModeRTEFloat16";

} // namespace

std::string versionName(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." +
         std::to_string(VK_API_VERSION_MINOR(version));
}

//===----------------------------------------------------------------------===//
// Features
//===----------------------------------------------------------------------===//

Features::Features()
    : core(makeStruct<VkPhysicalDeviceFeatures2>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2)),
      storage16(makeStruct<VkPhysicalDevice16BitStorageFeatures>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES)),
      storage8(makeStruct<VkPhysicalDevice8BitStorageFeatures>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES)),
      small(makeStruct<VkPhysicalDeviceShaderFloat16Int8Features>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES)),
      memoryModel(makeStruct<VkPhysicalDeviceVulkanMemoryModelFeatures>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES)),
      subgroupSize(makeStruct<VkPhysicalDeviceSubgroupSizeControlFeatures>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES)),
      matrix(makeStruct<VkPhysicalDeviceCooperativeMatrixFeaturesKHR>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR)),
      bfloat(makeStruct<VkPhysicalDeviceShaderBfloat16FeaturesKHR>(
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR)) {}

void Features::chain(uint32_t version, const std::set<std::string> &available,
                     std::vector<const char *> &extensions) {
  void **end = &core.pNext;
  // A struct of a version, or of an extension on devices before it.
  auto add = [&](auto &structure, uint32_t since, const char *extension) {
    structure.pNext = nullptr;
    if (version < since) {
      if (!available.count(extension))
        return;
      extensions.push_back(extension);
    }
    *end = &structure;
    end = &structure.pNext;
  };
  constexpr uint32_t never = UINT32_MAX;
  add(storage16, VK_API_VERSION_1_1, "");
  add(storage8, VK_API_VERSION_1_2, "VK_KHR_8bit_storage");
  add(small, VK_API_VERSION_1_2, "VK_KHR_shader_float16_int8");
  add(memoryModel, VK_API_VERSION_1_2, "VK_KHR_vulkan_memory_model");
  add(subgroupSize, VK_API_VERSION_1_3, "VK_EXT_subgroup_size_control");
  add(matrix, never, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
  add(bfloat, never, VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME);
}

void Features::keepKnown() {
  Features known;
  for (const FeatureName &feature : featureNames)
    feature.of(known) = feature.of(*this);
  auto take = [](auto &mine, const auto &kept) {
    void *next = mine.pNext;
    mine = kept;
    mine.pNext = next;
  };
  take(core, known.core);
  take(storage16, known.storage16);
  take(storage8, known.storage8);
  take(small, known.small);
  take(memoryModel, known.memoryModel);
  take(subgroupSize, known.subgroupSize);
  take(matrix, known.matrix);
  take(bfloat, known.bfloat);
}

void Features::read(const void *structs) {
  auto take = [](auto &mine, const void *given) {
    std::memcpy(&mine, given, sizeof mine);
    mine.pNext = nullptr;
  };
  for (auto *given = static_cast<const VkBaseInStructure *>(structs); given;
       given = given->pNext) {
    if (given->sType == core.sType)
      take(core, given);
    else if (given->sType == storage16.sType)
      take(storage16, given);
    else if (given->sType == storage8.sType)
      take(storage8, given);
    else if (given->sType == small.sType)
      take(small, given);
    else if (given->sType == memoryModel.sType)
      take(memoryModel, given);
    else if (given->sType == subgroupSize.sType)
      take(subgroupSize, given);
    else if (given->sType == matrix.sType)
      take(matrix, given);
    else if (given->sType == bfloat.sType)
      take(bfloat, given);
    else if (given->sType ==
             VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES) {
      auto *all =
          reinterpret_cast<const VkPhysicalDeviceVulkan11Features *>(given);
      storage16.storageBuffer16BitAccess = all->storageBuffer16BitAccess;
    } else if (given->sType ==
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES) {
      auto *all =
          reinterpret_cast<const VkPhysicalDeviceVulkan12Features *>(given);
      storage8.storageBuffer8BitAccess = all->storageBuffer8BitAccess;
      small.shaderFloat16 = all->shaderFloat16;
      small.shaderInt8 = all->shaderInt8;
      memoryModel.vulkanMemoryModel = all->vulkanMemoryModel;
      memoryModel.vulkanMemoryModelDeviceScope =
          all->vulkanMemoryModelDeviceScope;
    } else if (given->sType ==
               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES) {
      auto *all =
          reinterpret_cast<const VkPhysicalDeviceVulkan13Features *>(given);
      subgroupSize.subgroupSizeControl = all->subgroupSizeControl;
      subgroupSize.computeFullSubgroups = all->computeFullSubgroups;
    }
  }
}

//===----------------------------------------------------------------------===//
// Capabilities
//===----------------------------------------------------------------------===//

void Capabilities::query(const InstanceTable &table, VkPhysicalDevice device,
                         uint32_t apiVersion,
                         const std::set<std::string> &extensions,
                         const Features &enabled) {
  auto all = makeStruct<VkPhysicalDeviceProperties2>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
  subgroups = makeStruct<VkPhysicalDeviceSubgroupProperties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  auto memory = makeStruct<VkPhysicalDeviceMaintenance3Properties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
  auto sizes = makeStruct<VkPhysicalDeviceSubgroupSizeControlProperties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
  auto floats = makeStruct<VkPhysicalDeviceFloatControlsProperties>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES);
  auto nvidia = makeStruct<VkPhysicalDeviceShaderSMBuiltinsPropertiesNV>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV);
  auto amd = makeStruct<VkPhysicalDeviceShaderCoreProperties2AMD>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_2_AMD);

  table.GetPhysicalDeviceProperties(device, &properties);
  version = std::min(properties.apiVersion, apiVersion);
  all.pNext = &subgroups;
  subgroups.pNext = &memory;
  void **end = &memory.pNext;
  auto add = [&](auto &structure, bool known) {
    if (!known)
      return;
    *end = &structure;
    end = &structure.pNext;
  };
  add(sizes, version >= VK_API_VERSION_1_3 ||
                 extensions.count("VK_EXT_subgroup_size_control"));
  add(floats, version >= VK_API_VERSION_1_2);
  add(nvidia, extensions.count("VK_NV_shader_sm_builtins"));
  add(amd, extensions.count("VK_AMD_shader_core_properties2"));
  table.GetPhysicalDeviceProperties2(device, &all);

  properties = all.properties;
  features = enabled;
  roundsHalf = floats.shaderRoundingModeRTEFloat16;
  mostAllocation = memory.maxMemoryAllocationSize;
  minSubgroupSize = maxSubgroupSize = subgroups.subgroupSize;
  if (sizes.maxSubgroupSize) {
    minSubgroupSize = sizes.minSubgroupSize;
    maxSubgroupSize = sizes.maxSubgroupSize;
    canChoose =
        features.subgroupSize.subgroupSizeControl &&
        (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
  }
  // Where nobody says, a middling GPU; a processor's are its cores.
  constexpr int64_t typical = 16;
  multiprocessors = nvidia.shaderSMCount         ? nvidia.shaderSMCount
                    : amd.activeComputeUnitCount ? amd.activeComputeUnitCount
                    : isProcessor() ? std::thread::hardware_concurrency()
                                    : typical;
  multiprocessors = std::max<int64_t>(multiprocessors, 1);
  if (features.matrix.cooperativeMatrix)
    queryMatrices(table, device);
}

void Capabilities::queryMatrices(const InstanceTable &table,
                                 VkPhysicalDevice device) {
  auto enumerate = table.GetPhysicalDeviceCooperativeMatrixPropertiesKHR;
  uint32_t count = 0;
  if (!enumerate || enumerate(device, &count, nullptr) < VK_SUCCESS)
    return;
  std::vector<VkCooperativeMatrixPropertiesKHR> shapes(
      count, makeStruct<VkCooperativeMatrixPropertiesKHR>(
                 VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR));
  if (enumerate(device, &count, shapes.data()) < VK_SUCCESS)
    return;
  for (const VkCooperativeMatrixPropertiesKHR &shape : shapes)
    if (shape.scope == VK_SCOPE_SUBGROUP_KHR && shape.AType == shape.BType &&
        shape.CType == shape.ResultType && !shape.saturatingAccumulation)
      matrices.insert(
          std::to_string(shape.MSize) + "x" + std::to_string(shape.NSize) +
          "x" + std::to_string(shape.KSize) + ":" + componentName(shape.AType) +
          ":" + componentName(shape.CType));
}

std::vector<std::string>
Capabilities::wantedMaps(const Description &description) const {
  std::vector<std::string> shapes;
  for (const std::string &need : description.features)
    if (const char *shape = after(need, mapPrefix);
        shape && matrices.count(shape))
      shapes.push_back(shape);
  return shapes;
}

uint32_t Capabilities::wantedSubgroupSize(const Description &description) {
  for (const std::string &need : description.features)
    if (const char *size = after(need, sizePrefix))
      return uint32_t(std::strtoul(size, nullptr, 10));
  return 0;
}

bool Capabilities::wantsFullSubgroups(const Description &description) {
  const std::vector<std::string> &needs = description.features;
  return std::find(needs.begin(), needs.end(), fullSubgroups) != needs.end();
}

bool Capabilities::canHaveSubgroupSize(uint32_t size) const {
  if (minSubgroupSize == maxSubgroupSize)
    return size == minSubgroupSize;
  return canChoose && size >= minSubgroupSize && size <= maxSubgroupSize;
}

bool Capabilities::has(const std::string &need) const {
  if (const char *size = after(need, sizePrefix))
    return canHaveSubgroupSize(uint32_t(std::strtoul(size, nullptr, 10)));
  if (need == lockstepName)
    return isProcessor();
  if (const char *name = after(need, operationPrefix)) {
    for (const SubgroupOperation &operation : subgroupOperations)
      if (!std::strcmp(name, operation.name))
        return (subgroups.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
               (subgroups.supportedOperations & operation.bit);
    return false;
  }
  if (const char *shape = after(need, matrixPrefix))
    return matrices.count(shape);
  if (const char *shape = after(need, mapPrefix))
    return maps.count(shape);
  if (const char *number = after(need, "vulkan1."))
    return version >= VK_MAKE_API_VERSION(
                          0, 1, uint32_t(std::strtoul(number, nullptr, 10)), 0);
  if (need == roundsHalfName)
    return roundsHalf;
  Features mine = features;
  for (const FeatureName &feature : featureNames)
    if (need == feature.name)
      return feature.of(mine);
  return false;
}

/// A launch whose needs do not depend on the call.
std::string
Capabilities::launchObjection(const LaunchDescription &launch) const {
  std::string who = "its kernel '" + launch.kernel + "' ";
  auto tooMany = [&](int64_t wanted, uint64_t limit, const char *what) {
    if (uint64_t(wanted) <= limit)
      return std::string();
    return who + "needs " + std::to_string(wanted) + " " + what +
           "; there are at most " + std::to_string(limit);
  };
  static const char *const axes[] = {"invocations along x in a workgroup",
                                     "invocations along y in a workgroup",
                                     "invocations along z in a workgroup"};
  std::string text;
  int64_t threads = 1;
  for (size_t axis = 0; axis < 3 && text.empty(); ++axis) {
    text = tooMany(launch.block[axis], limits().maxComputeWorkGroupSize[axis],
                   axes[axis]);
    threads *= launch.block[axis];
  }
  if (text.empty())
    text = tooMany(threads, limits().maxComputeWorkGroupInvocations,
                   "invocations in a workgroup");
  if (text.empty() && launch.shared && launch.shared->root.op == Op::Literal)
    text =
        tooMany(launch.shared->root.value, limits().maxComputeSharedMemorySize,
                "bytes of workgroup memory");
  int64_t buffers = std::count_if(
      launch.arguments.begin(), launch.arguments.end(),
      [](const LaunchArgument &a) { return a.kind == LaunchArgument::Buffer; });
  if (text.empty())
    text = tooMany(buffers,
                   std::min(limits().maxPerStageDescriptorStorageBuffers,
                            limits().maxDescriptorSetStorageBuffers),
                   "storage buffers");
  return text;
}

std::string Capabilities::objection(const Description &description) const {
  std::string missing;
  for (const std::string &need : description.features)
    if (!has(need))
      missing += (missing.empty() ? "" : ", ") + need;
  std::string device =
      std::string("the device (") + properties.deviceName + ")";
  if (!missing.empty())
    return device + " lacks " + missing +
           (note.empty() ? "" : " (" + note + ")");
  for (const LaunchDescription &launch : description.launches)
    if (std::string text = launchObjection(launch); !text.empty())
      return text + " on " + device.substr(4);
  return "";
}

std::string Capabilities::list() const {
  std::string text = "vulkan" + versionName(version);
  Features mine = features;
  for (const FeatureName &feature : featureNames)
    if (feature.of(mine))
      text += std::string(",") + feature.name;
  if (roundsHalf)
    text += std::string(",") + roundsHalfName;
  if (subgroups.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT)
    for (const SubgroupOperation &operation : subgroupOperations)
      if (subgroups.supportedOperations & operation.bit)
        text += std::string(",") + operationPrefix + operation.name;
  if (isProcessor())
    text += std::string(",") + lockstepName;
  text += std::string(",") + sizePrefix + std::to_string(minSubgroupSize);
  if (maxSubgroupSize != minSubgroupSize)
    text += ".." + std::to_string(maxSubgroupSize);
  for (const std::string &shape : matrices)
    text += "," + std::string(matrixPrefix) + shape;
  text +=
      ",workgroup-threads:" +
      std::to_string(limits().maxComputeWorkGroupInvocations) +
      ",workgroup-bytes:" + std::to_string(limits().maxComputeSharedMemorySize);
  return text;
}

} // namespace attn::runtime::vulkan
