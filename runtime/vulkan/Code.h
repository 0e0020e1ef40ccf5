// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The code of a program on a Vulkan device: shader modules and a compute
// pipeline for each launch (docs/artifact.md, "Kernels on Vulkan").
#ifndef ATTN_RUNTIME_VULKAN_CODE_H
#define ATTN_RUNTIME_VULKAN_CODE_H

#include "Backend.h"
#include "Memory.h"

#include <map>
#include <mutex>

namespace attn::runtime::vulkan {

/// How a kernel is given its arguments. The words of the artifact's interface:
/// a launch's part of its grid, the grid, then a word for each argument, in
/// push constants as far as every device has those, else in a uniform buffer.
struct Interface {
  explicit Interface(const LaunchDescription &launch);

  static constexpr uint32_t gridBytes = 6 * sizeof(int32_t);
  static constexpr uint32_t mostPushBytes = 128;

  bool usesUniform() const { return gridBytes + wordBytes() > mostPushBytes; }
  uint32_t wordBytes() const { return words * uint32_t(sizeof(uint32_t)); }
  uint32_t pushBytes() const {
    return gridBytes + (usesUniform() ? 0 : wordBytes());
  }
  bool operator<(const Interface &other) const {
    return std::pair(buffers, words) < std::pair(other.buffers, other.words);
  }

  uint32_t buffers = 0, words = 0;
};

/// What a launch binds and runs.
struct Pipeline {
  VkDescriptorSetLayout setLayout = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkPipeline pipeline = VK_NULL_HANDLE;
};

class Code : public LoadedCode {
public:
  Code(Device &device, Memory &memory, const Description &description,
       std::shared_ptr<const void> owner)
      : device(device), memory(memory), description(description),
        owner(std::move(owner)) {}
  ~Code() override;
  /// What may fail. Not a part of the constructor, so that the destructor frees
  /// what there is by then.
  void load(const ArtifactView &artifact);

  std::unique_ptr<PreparedLaunch> prepare(Plan plan) override;
  char *keptMemory(void *stream) override;
  void *emptyTensor() override { return zeros; }

  Device &device;
  Memory &memory;
  const Description &description;
  std::vector<Pipeline> pipelines; // one a launch

private:
  void loadModule(const std::string &section, const ArtifactView &artifact);
  void createLayouts(const Interface &interface);
  VkPipeline createPipeline(const LaunchDescription &launch,
                            VkPipelineLayout layout) const;
  void createPipelines();

  std::shared_ptr<const void> owner; // of device and memory
  std::map<std::string, VkShaderModule> modules;
  std::map<Interface, Pipeline> layouts; // without a pipeline
  std::map<std::pair<std::string, std::string>, VkPipeline> kernels;
  std::mutex mutex;
  // Blocks of zeros: for the context's queue, then one a command buffer, in the
  // order in which these are seen.
  static constexpr size_t keptBlocks = 64;
  std::map<void *, size_t> blocks;
  /// Those of an empty tensor, then what is kept.
  char *zeros = nullptr;
};

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_CODE_H
