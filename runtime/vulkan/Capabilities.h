// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a Vulkan device has of what programs may need: features by their names
// in the specification, kinds of subgroup operations, matrix shapes, limits.
#ifndef ATTN_RUNTIME_VULKAN_CAPABILITIES_H
#define ATTN_RUNTIME_VULKAN_CAPABILITIES_H

#include "Description.h"
#include "Loader.h"

#include <set>
#include <string>
#include <vector>

namespace attn::runtime::vulkan {

/// The structs of features that a device is asked about, and told at creation.
struct Features {
  Features();

  /// Chains those structs that a device of this version with these extensions
  /// knows; `extensions` gets those that enabling them takes.
  void chain(uint32_t version, const std::set<std::string> &available,
             std::vector<const char *> &extensions);
  /// Leaves what programs may need, of all that the device has.
  void keepKnown();
  /// Takes over what a program enabled on a device of its own: a chain that
  /// starts with or holds any struct of features.
  void read(const void *structs);

  VkPhysicalDeviceFeatures2 core;
  VkPhysicalDevice16BitStorageFeatures storage16;
  VkPhysicalDevice8BitStorageFeatures storage8;
  VkPhysicalDeviceShaderFloat16Int8Features small;
  VkPhysicalDeviceVulkanMemoryModelFeatures memoryModel;
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroupSize;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix;
  VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat;
};

class Capabilities {
public:
  /// `features` are those that are enabled on the device.
  void query(const InstanceTable &table, VkPhysicalDevice device,
             uint32_t apiVersion, const std::set<std::string> &extensions,
             const Features &enabled);

  /// What speaks against running a program; "" if nothing does.
  std::string objection(const Description &description) const;
  /// All that programs may ask for, comma-separated.
  std::string list() const;
  /// The shapes of matrices whose elements a program wants alike in
  /// accumulators and left factors; see ElementMap.h.
  std::vector<std::string> wantedMaps(const Description &description) const;
  /// What has been found out about one.
  void addMap(const std::string &shape) { maps.insert(shape); }
  /// The subgroup size that a program insists on; 0: it takes any.
  static uint32_t wantedSubgroupSize(const Description &description);

  const VkPhysicalDeviceLimits &limits() const { return properties.limits; }
  /// Whether the device is the host's processor.
  bool isProcessor() const {
    return properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  }

  /// Whether pipelines may be told their subgroup size.
  bool choosesSubgroupSize() const { return canChoose; }
  /// Whether a program's workgroups are whole subgroups.
  static bool wantsFullSubgroups(const Description &description);

  VkPhysicalDeviceProperties properties{};
  uint32_t version = 0; // of the device, at most what was asked for
  /// Why something is missing that the device itself has.
  std::string note;
  VkDeviceSize mostAllocation = 0;
  int64_t multiprocessors = 0;

private:
  bool has(const std::string &need) const;
  bool canHaveSubgroupSize(uint32_t size) const;
  void queryMatrices(const InstanceTable &table, VkPhysicalDevice device);
  std::string launchObjection(const LaunchDescription &launch) const;

  Features features;
  VkPhysicalDeviceSubgroupProperties subgroups{};
  bool roundsHalf = false; // to the nearest, where asked to
  uint32_t minSubgroupSize = 0, maxSubgroupSize = 0;
  bool canChoose = false;
  std::set<std::string> matrices; // "16x16x16:f16:f32"
  std::set<std::string> maps;     // of these, those with elements alike
};

/// "1.3"
std::string versionName(uint32_t version);

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_CAPABILITIES_H
