// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads SPIR-V and makes pipelines of it.
#include "Code.h"

#include "Failure.h"
#include "Launch.h"

#include <cstring>
#include <future>

namespace attn::runtime::vulkan {
namespace {

/// Of emptyTensor, and alignment of what is kept behind it.
constexpr size_t zeroBytes = 256;

/// From what is kept for one command buffer to that of the next one.
size_t keptStride(const Description &description) {
  return (description.keptBytes + zeroBytes - 1) / zeroBytes * zeroBytes;
}

[[noreturn]] void malformed(const std::string &message) {
  fail(ATTN_ERROR_MALFORMED_ARTIFACT, "malformed artifact: " + message);
}

/// The words of a SPIR-V module; fails on what is none.
std::vector<uint32_t> readModule(const std::string &section,
                                 std::string_view bytes) {
  constexpr uint32_t magic = 0x07230203;
  constexpr size_t headerWords = 5;
  std::vector<uint32_t> words(bytes.size() / sizeof(uint32_t));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(uint32_t));
  if (bytes.size() % sizeof(uint32_t) || words.size() < headerWords ||
      words[0] != magic)
    malformed("the section '" + section + "' is no SPIR-V module");
  return words;
}

/// The names of a module's entry points: drivers do not check what they are
/// asked for.
std::set<std::string> entryPointsOf(const std::string &section,
                                    const std::vector<uint32_t> &words) {
  constexpr uint32_t opEntryPoint = 15;
  constexpr size_t headerWords = 5, nameAt = 3;
  std::set<std::string> names;
  for (size_t at = headerWords; at < words.size();) {
    size_t count = words[at] >> 16;
    if (count == 0 || count > words.size() - at)
      malformed("the SPIR-V module in the section '" + section +
                "' ends within an instruction");
    if ((words[at] & 0xffff) == opEntryPoint && count > nameAt) {
      auto *text = reinterpret_cast<const char *>(&words[at + nameAt]);
      size_t most = (count - nameAt) * sizeof(uint32_t);
      names.emplace(text, strnlen(text, most));
    }
    at += count;
  }
  return names;
}

} // namespace

Interface::Interface(const LaunchDescription &launch)
    : words(uint32_t(launch.arguments.size())) {
  for (const LaunchArgument &argument : launch.arguments)
    buffers += argument.kind == LaunchArgument::Buffer;
}

void Code::loadModule(const std::string &section,
                      const ArtifactView &artifact) {
  std::vector<uint32_t> words =
      readModule(section, artifact.find(section)->bytes);
  std::set<std::string> names = entryPointsOf(section, words);
  for (size_t i = 0; i < description.launches.size(); ++i) {
    const LaunchDescription &launch = description.launches[i];
    if (launch.code == section && !names.count(launch.kernel))
      malformed("$.launches[" + std::to_string(i) + "].kernel: the section '" +
                section + "' defines no '" + launch.kernel + "'");
  }
  auto info = makeStruct<VkShaderModuleCreateInfo>(
      VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
  info.codeSize = words.size() * sizeof(uint32_t);
  info.pCode = words.data();
  check(device.vk.CreateShaderModule(device.device, &info, nullptr,
                                     &modules[section]),
        "cannot load the section '" + section + "'");
}

void Code::createLayouts(const Interface &interface) {
  Pipeline &made = layouts[interface];
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (uint32_t i = 0; i < interface.buffers + interface.usesUniform(); ++i) {
    VkDescriptorSetLayoutBinding binding{};
    binding.binding = i;
    binding.descriptorType = i < interface.buffers
                                 ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                 : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    binding.descriptorCount = 1;
    binding.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    bindings.push_back(binding);
  }
  auto set = makeStruct<VkDescriptorSetLayoutCreateInfo>(
      VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
  set.bindingCount = uint32_t(bindings.size());
  set.pBindings = bindings.data();
  check(device.vk.CreateDescriptorSetLayout(device.device, &set, nullptr,
                                            &made.setLayout),
        "vkCreateDescriptorSetLayout");
  VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0,
                            interface.pushBytes()};
  auto layout = makeStruct<VkPipelineLayoutCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &made.setLayout;
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &range;
  check(device.vk.CreatePipelineLayout(device.device, &layout, nullptr,
                                       &made.layout),
        "vkCreatePipelineLayout");
}

VkPipeline Code::createPipeline(const LaunchDescription &launch,
                                VkPipelineLayout layout) const {
  auto size = makeStruct<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO);
  auto info = makeStruct<VkComputePipelineCreateInfo>(
      VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
  info.stage = makeStruct<VkPipelineShaderStageCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO);
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = modules.at(launch.code);
  info.stage.pName = launch.kernel.c_str();
  info.layout = layout;
  // A workgroup that is no multiple, such as one thread that sums up, does not
  // ask how large subgroups are.
  uint32_t wanted = Capabilities::wantedSubgroupSize(description);
  bool isWhole = !wanted || launch.block[0] % wanted == 0;
  size.requiredSubgroupSize = wanted;
  if (wanted && isWhole && device.capabilities.choosesSubgroupSize())
    info.stage.pNext = &size;
  if (isWhole && Capabilities::wantsFullSubgroups(description))
    info.stage.flags =
        VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  VkPipeline pipeline = VK_NULL_HANDLE;
  check(device.vk.CreateComputePipelines(device.device, device.cache.get(), 1,
                                         &info, nullptr, &pipeline),
        "cannot compile the kernel '" + launch.kernel + "' for " + device.name);
  return pipeline;
}

/// Drivers compile kernels for up to a second each: side by side.
void Code::createPipelines() {
  std::map<std::pair<std::string, std::string>, std::future<VkPipeline>> made;
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const LaunchDescription &launch = description.launches[i];
    std::future<VkPipeline> &kernel = made[{launch.code, launch.kernel}];
    if (!kernel.valid())
      kernel = std::async([this, &launch, layout = pipelines[i].layout] {
        return createPipeline(launch, layout);
      });
  }
  std::exception_ptr failure;
  for (auto &[name, kernel] : made) {
    try {
      kernels[name] = kernel.get();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure)
    std::rethrow_exception(failure);
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const LaunchDescription &launch = description.launches[i];
    pipelines[i].pipeline = kernels[{launch.code, launch.kernel}];
  }
  device.cache.save();
}

void Code::load(const ArtifactView &artifact) {
  for (const LaunchDescription &launch : description.launches) {
    if (!modules.count(launch.code))
      loadModule(launch.code, artifact);
    Interface interface(launch);
    if (!layouts.count(interface))
      createLayouts(interface);
    pipelines.push_back(layouts[interface]);
  }
  createPipelines();
  size_t bytes = zeroBytes + keptStride(description) * keptBlocks;
  zeros = memory.allocate(bytes, HostAccess::None);
  memory.copyIn(zeros, std::vector<char>(bytes).data(), bytes);
  device.checkValidation();
}

Code::~Code() {
  device.waitQuietly();
  if (zeros)
    memory.release(zeros);
  for (auto &[name, pipeline] : kernels)
    device.vk.DestroyPipeline(device.device, pipeline, nullptr);
  for (auto &[interface, made] : layouts) {
    device.vk.DestroyPipelineLayout(device.device, made.layout, nullptr);
    device.vk.DestroyDescriptorSetLayout(device.device, made.setLayout,
                                         nullptr);
  }
  for (auto &[name, module] : modules)
    device.vk.DestroyShaderModule(device.device, module, nullptr);
}

/// What the context's queue runs, it runs in order, and so are launches of one
/// command buffer, between their barriers, however often it is submitted. What
/// the caller submits may run beside all else.
char *Code::keptMemory(void *stream) {
  if (!description.keptBytes)
    return nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  blocks.try_emplace(nullptr, 0);
  auto block = blocks.find(stream);
  if (block == blocks.end()) {
    if (blocks.size() == keptBlocks)
      return nullptr;
    block = blocks.emplace(stream, blocks.size()).first;
  }
  return zeros + zeroBytes + block->second * keptStride(description);
}

std::unique_ptr<PreparedLaunch> Code::prepare(Plan plan) {
  auto launch = std::make_unique<Launch>(*this, std::move(plan));
  launch->prepare();
  return launch;
}

} // namespace attn::runtime::vulkan
