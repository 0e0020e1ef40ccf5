// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch on Vulkan: descriptors and commands made once, submitted or recorded
// into the caller's commands as often as it is run.
#ifndef ATTN_RUNTIME_VULKAN_LAUNCH_H
#define ATTN_RUNTIME_VULKAN_LAUNCH_H

#include "Code.h"

namespace attn::runtime::vulkan {

class Launch : public PreparedLaunch {
public:
  Launch(Code &code, Plan plan)
      : code(code), device(code.device), plan(std::move(plan)) {}
  ~Launch() override;
  /// What may fail; nothing is submitted. See Code::load.
  void prepare();
  void run(void *stream) override;
  double deviceTime() override;

private:
  /// One kernel with its arguments.
  struct Dispatch {
    const Pipeline *pipeline;
    std::array<uint32_t, 3> grid;
    VkDescriptorSet set = VK_NULL_HANDLE;
    std::vector<VkDescriptorBufferInfo> buffers;
    std::vector<uint32_t> words; // one an argument
    bool usesUniform = false;
    size_t uniformAt = 0; // of its words in the uniform memory
  };

  Dispatch makeDispatch(const Step &step) const;
  VkDescriptorBufferInfo bind(const LaunchArgument &argument,
                              const std::string &kernel, uint64_t address,
                              Extent extent, uint32_t &base) const;
  void createUniforms();
  void createSets();
  void createCommands();
  void record(VkCommandBuffer commands) const;
  void recordFills(VkCommandBuffer commands) const;
  void recordDispatch(VkCommandBuffer commands, const Dispatch &dispatch) const;

  Code &code;
  Device &device;
  const Plan plan;
  std::vector<Dispatch> dispatches;
  char *uniforms = nullptr;
  VkDescriptorPool descriptors = VK_NULL_HANDLE;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  VkQueryPool times = VK_NULL_HANDLE;
  bool ran = false;
};

} // namespace attn::runtime::vulkan

#endif // ATTN_RUNTIME_VULKAN_LAUNCH_H
