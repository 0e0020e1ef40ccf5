// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Metal backend: code sections are texts in Metal's shading language, which
// the device compiles when a program is loaded.
#include "Failure.h"
#include "Launch.h"
#include "SystemDriver.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace attn::runtime {
namespace {

using namespace metal;

std::atomic<Driver *> chosenDriver = nullptr;

constexpr const char *matrixFeature = "simdgroup-matrix";

/// "metal3.1" for 310.
std::string nameOfLanguage(int version) {
  return "metal" + std::to_string(version / 100) + "." +
         std::to_string(version / 10 % 10);
}

/// The version of the language that the name of a chip begins with; 0 if it is
/// no such name.
int languageOf(const std::string &chip) {
  constexpr const char *prefix = "metal";
  size_t at = std::strlen(prefix);
  if (chip.compare(0, at, prefix) != 0)
    return 0;
  int digits[2] = {0, 0};
  for (int &number : digits) {
    for (; at < chip.size() && chip[at] >= '0' && chip[at] <= '9'; ++at)
      number = std::min(99, number * 10 + (chip[at] - '0'));
    if (at >= chip.size() || chip[at] != '.')
      break;
    ++at;
  }
  return digits[0] * 100 + std::min(9, digits[1]) * 10;
}

class MetalBackend : public Backend,
                     public std::enable_shared_from_this<MetalBackend> {
public:
  explicit MetalBackend(std::unique_ptr<Device> device)
      : opened(std::move(device)), properties(opened->properties()),
        known(nameOfLanguage(properties.language) +
              (properties.hasMatrices ? std::string(",") + matrixFeature
                                      : std::string()) +
              ",threads:" + std::to_string(properties.threads) +
              ",threadgroup-bytes:" +
              std::to_string(properties.threadgroupBytes)) {}

  const char *name() const override { return metalBackend.name; }
  const std::string &device() const override { return properties.name; }
  const std::string &features() const override { return known; }
  int32_t threads() const override { return 0; }
  /// Metal does not tell; a middling GPU of Apple's has this many.
  int64_t multiprocessors() const override { return 16; }
  bool isProcessor() const override { return properties.isProcessor; }
  std::string objection(const Description &description) const override;
  int64_t rank(const Description &description) const override {
    return languageOf(description.chip) +
           1000 * int64_t(description.features.size());
  }
  std::unique_ptr<LoadedCode> load(const Description &description,
                                   const ArtifactView &artifact) override;
  bool reaches(const void *address) const override {
    return memory.find(address).has_value();
  }
  void *allocate(size_t bytes, size_t alignment) override {
    return allocateMapped(bytes, alignment, nullptr);
  }
  void *allocateMapped(size_t bytes, size_t alignment, void **host) override;
  void *importBuffer(const attn_metal_buffer &given) override;
  void release(void *address) override;
  uint64_t releases() const override { return memory.releases(); }
  void copyIn(void *target, const void *source, size_t bytes,
              void *stream) override {
    synchronize(stream);
    requirePlace(target, bytes);
    std::memcpy(target, source, bytes);
  }
  void copyOut(void *target, const void *source, size_t bytes,
               void *stream) override {
    synchronize(stream);
    requirePlace(source, bytes);
    std::memcpy(target, source, bytes);
  }
  bool runsLater(void *stream) const override { return stream; }
  void synchronize(void *stream) override;

private:
  void requirePlace(const void *address, size_t bytes) const;

  std::unique_ptr<Device> opened;
  const Properties properties;
  Memory memory;
  std::string known;
};

} // namespace

std::string MetalBackend::objection(const Description &description) const {
  std::string device = "the device (" + properties.name + ")";
  int language = languageOf(description.chip);
  if (language == 0)
    return "'" + description.chip + "' is no chip of Metal";
  if (language > properties.language)
    return device + " knows " + nameOfLanguage(properties.language) + ", not " +
           nameOfLanguage(language);
  for (const std::string &need : description.features)
    if (need != matrixFeature || !properties.hasMatrices)
      return device + " lacks " + need;
  for (const LaunchDescription &launch : description.launches) {
    int64_t threads = launch.block[0] * launch.block[1] * launch.block[2];
    if (threads > properties.threads)
      return "the kernel '" + launch.kernel + "' has threadgroups of " +
             std::to_string(threads) + " threads; " + properties.name +
             " has at most " + std::to_string(properties.threads);
  }
  return "";
}

std::unique_ptr<LoadedCode> MetalBackend::load(const Description &description,
                                               const ArtifactView &artifact) {
  auto code =
      std::make_unique<Code>(*opened, memory, description, shared_from_this());
  code->load(artifact, languageOf(description.chip));
  return code;
}

void *MetalBackend::allocateMapped(size_t bytes, size_t alignment,
                                   void **host) {
  constexpr size_t pageBytes = 4096;
  if (alignment > pageBytes || int64_t(bytes) > properties.bufferBytes)
    return nullptr;
  std::unique_ptr<Buffer> buffer =
      opened->allocate(std::max<size_t>(bytes, 16));
  if (!buffer)
    return nullptr;
  char *address = memory.add(std::move(buffer));
  if (host)
    *host = address;
  return address;
}

void *MetalBackend::importBuffer(const attn_metal_buffer &given) {
  if (!given.buffer == !given.data)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "one of buffer->buffer and buffer->data must not be NULL");
  std::string problem;
  std::unique_ptr<Buffer> buffer = opened->import(given, problem);
  if (!buffer)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "buffer: " + problem);
  if (memory.find(buffer->contents))
    fail(ATTN_ERROR_INVALID_ARGUMENT, "buffer: the context has this memory");
  return memory.add(std::move(buffer));
}

/// The device may still be using it.
void MetalBackend::release(void *address) {
  opened->wait();
  memory.release(address);
}

void MetalBackend::synchronize(void *stream) {
  if (stream)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "a command buffer that is not committed cannot be waited for: "
         "`stream` must be NULL");
  wait(*opened);
}

void MetalBackend::requirePlace(const void *address, size_t bytes) const {
  std::optional<Place> place = memory.find(address);
  if (bytes && (!place || place->bytes < bytes))
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         std::to_string(bytes) + " bytes are not all in one buffer of " +
             properties.name);
}

void metal::setDriver(Driver *driver) { chosenDriver = driver; }

static Driver &requireDriver() {
  Driver *driver = chosenDriver ? chosenDriver.load() : systemDriver();
  if (!driver)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "there is no Metal but on Apple's systems");
  return *driver;
}

static std::shared_ptr<Backend> makeBackend(std::unique_ptr<Device> device,
                                            const std::string &problem) {
  if (!device)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE, problem);
  return std::make_shared<MetalBackend>(std::move(device));
}

static std::shared_ptr<Backend>
openDevice(const attn_context_options &options) {
  Driver &driver = requireDriver();
  std::vector<std::string> names = driver.list();
  std::string wanted = options.device_name ? options.device_name : "";
  int64_t left = options.device;
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    list += (list.empty() ? "" : ", ") + names[i];
    if (names[i].find(wanted) == std::string::npos || left-- != 0)
      continue;
    std::string problem;
    std::unique_ptr<Device> device = driver.open(i, problem);
    return makeBackend(std::move(device), problem);
  }
  fail(ATTN_ERROR_NOT_FOUND,
       "there is no Metal device " + std::to_string(options.device) +
           (wanted.empty() ? "" : " called '" + wanted + "'") + "; there are " +
           (list.empty() ? "none" : list));
}

const BackendKind metalBackend{"metal", openDevice, /*isHost=*/false,
                               /*hasNamedDevices=*/true};

std::shared_ptr<Backend> adoptDevice(const attn_metal_device &given) {
  if (!given.device)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "device->device is NULL");
  std::string problem;
  std::unique_ptr<Device> device = requireDriver().adopt(given, problem);
  return makeBackend(std::move(device), problem);
}

} // namespace attn::runtime
