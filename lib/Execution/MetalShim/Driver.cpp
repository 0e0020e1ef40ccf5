//===- Driver.cpp - The emulator as a Metal device ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device with the limits that every GPU of Apple's has had since the M1.
// Memory holds NaN until somebody writes it.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Emulator.h"

#include "attn/runtime/MetalDriver.h"

#include "llvm/Support/MemAlloc.h"

#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace attn::execution::metal;
namespace api = attn::runtime::metal;
namespace json = llvm::json;

namespace {

std::mutex countsMutex;
json::Array counts;

/// Memory of the process.
class HostBuffer : public api::Buffer {
public:
  HostBuffer(void *given, size_t size) {
    contents = static_cast<char *>(given);
    bytes = size;
  }
};

class OwnedBuffer final : public HostBuffer {
public:
  explicit OwnedBuffer(size_t size)
      : HostBuffer(llvm::allocate_buffer(size, alignment), size) {
    std::memset(contents, 0xff, size);
  }
  ~OwnedBuffer() override {
    llvm::deallocate_buffer(contents, bytes, alignment);
  }

private:
  static constexpr size_t alignment = 4096;
};

class EmulatedKernel final : public api::Kernel {
public:
  EmulatedKernel(const std::shared_ptr<Library> &library,
                 const std::string &name, int64_t mostThreads)
      : library(library), name(name) {
    threads = mostThreads;
    threadgroupBytes = library->getThreadgroupBytes(name);
  }
  const std::shared_ptr<Library> library;
  const std::string name;
};

class EmulatedLibrary final : public api::Library {
public:
  EmulatedLibrary(std::unique_ptr<attn::execution::metal::Library> compiled,
                  int64_t threads)
      : compiled(std::move(compiled)), threads(threads) {}
  std::unique_ptr<api::Kernel> makeKernel(const std::string &name,
                                          std::string &problem) override {
    if (compiled->defines(name))
      return std::make_unique<EmulatedKernel>(compiled, name, threads);
    problem = "the text has no kernel of this name";
    return nullptr;
  }

private:
  const std::shared_ptr<attn::execution::metal::Library> compiled;
  const int64_t threads;
};

class EmulatedDevice final : public api::Device {
public:
  EmulatedDevice() {
    limits.name = "Metal emulator";
    limits.language = 400;
    limits.threads = 1024;
    limits.threadgroupBytes = 32 * 1024;
    limits.bufferBytes = int64_t(1) << 33;
    limits.hasMatrices = true;
    limits.isProcessor = true;
  }
  const api::Properties &properties() const override { return limits; }
  std::unique_ptr<api::Buffer> allocate(size_t bytes) override {
    return std::make_unique<OwnedBuffer>(bytes);
  }
  std::unique_ptr<api::Buffer> import(const attn_metal_buffer &given,
                                      std::string &problem) override {
    if (given.data)
      return std::make_unique<HostBuffer>(given.data, given.bytes);
    problem = "the emulator has no MTLBuffer";
    return nullptr;
  }
  std::unique_ptr<api::Library> compile(std::string_view text, int language,
                                        std::string &problem) override {
    auto compiled = attn::execution::metal::Library::compile(
        llvm::StringRef(text.data(), text.size()), language);
    if (compiled)
      return std::make_unique<EmulatedLibrary>(std::move(*compiled),
                                               limits.threads);
    problem = llvm::toString(compiled.takeError());
    return nullptr;
  }
  std::string submit(const std::vector<api::Fill> &fills,
                     const std::vector<api::Dispatch> &dispatches,
                     void *commandBuffer) override;
  std::string wait() override { return ""; }

private:
  api::Properties limits;
};

class EmulatedDriver final : public api::Driver {
public:
  std::vector<std::string> list() override { return {"Metal emulator"}; }
  std::unique_ptr<api::Device> open(size_t, std::string &) override {
    return std::make_unique<EmulatedDevice>();
  }
  std::unique_ptr<api::Device> adopt(const attn_metal_device &,
                                     std::string &problem) override {
    problem = "the emulator has no MTLDevice";
    return nullptr;
  }
};

} // namespace

static Dispatch translate(const api::Dispatch &given) {
  Dispatch dispatch;
  dispatch.kernel = static_cast<const EmulatedKernel *>(given.kernel)->name;
  for (const api::Binding &binding : given.buffers)
    dispatch.arguments.push_back({binding.buffer->contents + binding.offset,
                                  binding.buffer->contents + binding.first,
                                  binding.bytes});
  if (!given.words.empty()) {
    auto *words = const_cast<uint32_t *>(given.words.data());
    dispatch.arguments.push_back({words, reinterpret_cast<char *>(words),
                                  given.words.size() * sizeof(uint32_t)});
  }
  for (unsigned axis = 0; axis < 3; ++axis) {
    dispatch.grid[axis] = given.grid[axis];
    dispatch.block[axis] = given.block[axis];
  }
  return dispatch;
}

std::string EmulatedDevice::submit(const std::vector<api::Fill> &fills,
                                   const std::vector<api::Dispatch> &dispatches,
                                   void *commandBuffer) {
  if (commandBuffer)
    return "the emulator has no MTLCommandBuffer";
  for (const api::Fill &fill : fills)
    std::memset(fill.buffer->contents + fill.offset, 0, fill.bytes);
  for (const api::Dispatch &dispatch : dispatches) {
    auto *kernel = static_cast<const EmulatedKernel *>(dispatch.kernel);
    auto done = kernel->library->run(translate(dispatch));
    if (!done)
      return llvm::toString(done.takeError());
    json::Object object = done->toJSON();
    object["kernel"] = kernel->name;
    std::lock_guard<std::mutex> lock(countsMutex);
    counts.push_back(std::move(object));
  }
  return "";
}

std::string attn::execution::metal::installEmulator() {
  static EmulatedDriver driver;
  std::string problem = explainUnavailable();
  if (problem.empty())
    api::setDriver(&driver);
  return problem;
}

json::Array attn::execution::metal::takeCounts() {
  std::lock_guard<std::mutex> lock(countsMutex);
  return std::exchange(counts, json::Array());
}
