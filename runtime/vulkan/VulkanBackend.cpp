// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Vulkan backend: code sections are SPIR-V modules, compiled by the
// device's driver when a program is loaded.
#include "Code.h"
#include "ElementMap.h"
#include "Failure.h"

#include <algorithm>

namespace attn::runtime {
namespace {

class VulkanBackend : public Backend,
                      public std::enable_shared_from_this<VulkanBackend> {
public:
  explicit VulkanBackend(std::unique_ptr<vulkan::Device> opened)
      : opened(std::move(opened)), memory(*this->opened),
        known(this->opened->capabilities.list()) {}

  const char *name() const override { return vulkanBackend.name; }
  const std::string &device() const override { return opened->name; }
  const std::string &features() const override { return known; }
  int32_t threads() const override { return 0; }
  int64_t multiprocessors() const override {
    return opened->capabilities.multiprocessors;
  }
  bool isProcessor() const override {
    return opened->capabilities.isProcessor();
  }
  size_t partAlignment() const override {
    return std::max<size_t>(
        Backend::partAlignment(),
        opened->capabilities.limits().minStorageBufferOffsetAlignment);
  }
  std::string objection(const Description &description) const override;
  int64_t rank(const Description &description) const override;
  std::unique_ptr<LoadedCode> load(const Description &description,
                                   const ArtifactView &artifact) override;
  bool reaches(const void *address) const override {
    return memory.find(address).has_value();
  }
  void *allocate(size_t bytes, size_t alignment) override;
  void *allocateMapped(size_t bytes, size_t alignment, void **host) override;
  void *importBuffer(const attn_vulkan_buffer &buffer) override {
    return memory.import(buffer);
  }
  void release(void *address) override { memory.release(address); }
  uint64_t releases() const override { return memory.releases(); }
  void copyIn(void *target, const void *source, size_t bytes,
              void *stream) override {
    requireQueue(stream);
    memory.copyIn(target, source, bytes);
  }
  void copyOut(void *target, const void *source, size_t bytes,
               void *stream) override {
    requireQueue(stream);
    memory.copyOut(target, source, bytes);
  }
  bool runsLater(void *stream) const override { return stream; }
  void synchronize(void *stream) override {
    requireQueue(stream);
    opened->wait();
  }

private:
  static void requireQueue(void *stream) {
    if (stream)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "commands that are being recorded cannot be waited for: `stream` "
           "must be NULL");
  }

  std::unique_ptr<vulkan::Device> opened;
  mutable vulkan::Memory memory;
  std::string known;
  /// Of matrices, shapes whose elements have been asked for.
  mutable std::set<std::string> asked;
  mutable std::mutex askedMutex;
};

/// What only a kernel can tell is asked when the first program wants to know.
std::string VulkanBackend::objection(const Description &description) const {
  vulkan::Capabilities &capabilities = opened->capabilities;
  std::lock_guard<std::mutex> lock(askedMutex);
  for (const std::string &shape : capabilities.wantedMaps(description))
    if (asked.insert(shape).second &&
        vulkan::areElementsAlike(
            *opened, memory, shape,
            vulkan::Capabilities::wantedSubgroupSize(description)))
      capabilities.addMap(shape);
  return capabilities.objection(description);
}

/// Of two that run, the one that asks for more features, then the one with more
/// threads in its workgroups, then the one with more memory for them.
int64_t VulkanBackend::rank(const Description &description) const {
  int64_t threads = 0, shared = 0;
  for (const LaunchDescription &launch : description.launches) {
    threads =
        std::max(threads, launch.block[0] * launch.block[1] * launch.block[2]);
    if (launch.shared && launch.shared->root.op == Op::Literal)
      shared = std::max(shared, launch.shared->root.value);
  }
  return (int64_t(description.features.size()) << 48) + (threads << 32) +
         shared;
}

std::unique_ptr<LoadedCode> VulkanBackend::load(const Description &description,
                                                const ArtifactView &artifact) {
  auto code = std::make_unique<vulkan::Code>(*opened, memory, description,
                                             shared_from_this());
  code->load(artifact);
  return code;
}

void *VulkanBackend::allocate(size_t bytes, size_t alignment) {
  return allocateMapped(bytes, alignment, nullptr);
}

/// Memory that the host sees if it wants to know where.
void *VulkanBackend::allocateMapped(size_t bytes, size_t alignment,
                                    void **host) {
  constexpr size_t pageBytes = 4096;
  if (alignment > pageBytes)
    return nullptr;
  char *address = memory.allocate(bytes, host ? vulkan::HostAccess::Full
                                              : vulkan::HostAccess::None);
  if (host)
    *host = memory.find(address)->host;
  return address;
}

} // namespace

const BackendKind vulkanBackend{
    "vulkan",
    [](const attn_context_options &options) -> std::shared_ptr<Backend> {
      return std::make_shared<VulkanBackend>(
          std::make_unique<vulkan::Device>(options));
    },
    /*isHost=*/false, /*hasNamedDevices=*/true,
    BackendKind::Automatic::ForArtifacts};

std::shared_ptr<Backend> adoptDevice(const attn_vulkan_device &device,
                                     const attn_context_options &options) {
  return std::make_shared<VulkanBackend>(
      std::make_unique<vulkan::Device>(device, options));
}

} // namespace attn::runtime
