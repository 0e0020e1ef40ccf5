// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Metal backend on a driver that simulates its devices: which one it opens,
// what it binds where, and what it refuses before anything is submitted.
#include "TestArtifact.h"

#include "attn/runtime/Artifact.h"
#include "attn/runtime/MetalDriver.h"

#include <cstdlib>
#include <cstring>

using namespace attn::test;
namespace metal = attn::runtime::metal;

namespace {

/// What the devices were last given, and how they behave.
struct Fake {
  std::vector<std::string> names{"Fake M1", "Fake AMD"};
  metal::Properties properties;
  int64_t kernelThreads = 1024, kernelBytes = 0;
  std::string compileProblem, submitProblem, waitProblem;
  int alive = 0; // buffers
  int language = 0;
  void *commandBuffer = nullptr;
  std::vector<metal::Fill> fills;
  std::vector<metal::Dispatch> dispatches;
};
Fake *fake = nullptr;

struct FakeBuffer : metal::Buffer {
  FakeBuffer(char *given, size_t size, bool isOwned) : isOwned(isOwned) {
    contents = given;
    bytes = size;
    ++fake->alive;
  }
  ~FakeBuffer() override {
    --fake->alive;
    if (isOwned)
      std::free(contents);
  }
  bool isOwned;
};

struct FakeLibrary : metal::Library {
  std::unique_ptr<metal::Kernel> makeKernel(const std::string &name,
                                            std::string &problem) override {
    if (name == "missing") {
      problem = "no such kernel";
      return nullptr;
    }
    auto kernel = std::make_unique<metal::Kernel>();
    kernel->threads = fake->kernelThreads;
    kernel->threadgroupBytes = fake->kernelBytes;
    return kernel;
  }
};

struct FakeDevice : metal::Device {
  const metal::Properties &properties() const override {
    return fake->properties;
  }
  std::unique_ptr<metal::Buffer> allocate(size_t bytes) override {
    return std::make_unique<FakeBuffer>(
        static_cast<char *>(std::aligned_alloc(256, (bytes + 255) / 256 * 256)),
        bytes, true);
  }
  std::unique_ptr<metal::Buffer> import(const attn_metal_buffer &given,
                                        std::string &problem) override {
    if (given.data)
      return std::make_unique<FakeBuffer>(static_cast<char *>(given.data),
                                          given.bytes, false);
    problem = "not shared";
    return nullptr;
  }
  std::unique_ptr<metal::Library> compile(std::string_view text, int language,
                                          std::string &problem) override {
    fake->language = language;
    problem = fake->compileProblem;
    return problem.empty() ? std::make_unique<FakeLibrary>() : nullptr;
  }
  std::string submit(const std::vector<metal::Fill> &fills,
                     const std::vector<metal::Dispatch> &dispatches,
                     void *commandBuffer) override {
    fake->fills = fills;
    fake->dispatches = dispatches;
    fake->commandBuffer = commandBuffer;
    return fake->submitProblem;
  }
  std::string wait() override { return fake->waitProblem; }
};

struct FakeDriver : metal::Driver {
  std::vector<std::string> list() override { return fake->names; }
  std::unique_ptr<metal::Device> open(size_t index, std::string &) override {
    fake->properties.name = fake->names[index];
    return std::make_unique<FakeDevice>();
  }
  std::unique_ptr<metal::Device> adopt(const attn_metal_device &,
                                       std::string &) override {
    fake->properties.name = "the caller's";
    return std::make_unique<FakeDevice>();
  }
};

attn_status createContext(attn_context **context, attn_error *error,
                          int32_t device = 0, const char *name = nullptr) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "metal";
  options.device = device;
  options.device_name = name;
  return attn_context_create(&options, context, error);
}

class MetalTest : public ::testing::Test {
protected:
  void SetUp() override {
    fake = &state;
    state.properties.language = 310;
    state.properties.threads = 1024;
    state.properties.threadgroupBytes = 32768;
    state.properties.bufferBytes = 1 << 30;
    state.properties.hasMatrices = true;
    metal::setDriver(&driver);
    attn_context *opened = nullptr;
    EXPECT_OK(createContext(&opened, error));
    context.reset(opened);
  }
  void TearDown() override {
    context.reset();
    metal::setDriver(nullptr);
    EXPECT_EQ(state.alive, 0);
  }

  static std::string json(const std::string &fields,
                          const std::string &features = "[]",
                          const std::string &chip = "metal3.1") {
    return R"({"format":"attn-artifact","version":1,"target":"metal","chip":")" +
           chip + R"(","features":)" + features + R"(,"entry":"f",)" + fields +
           "}";
  }
  attn_status load(const std::string &text, Program &program,
                   attn_error *error) {
    return loadWithCode(context, text, "kernel void copy() {}", program, error);
  }
  int32_t *allocate(size_t count) {
    void *memory = nullptr;
    EXPECT_OK(attn_memory_allocate(context.get(), count * sizeof(int32_t),
                                   &memory, error));
    return static_cast<int32_t *>(memory);
  }
  void release(void *memory) { attn_memory_free(context.get(), memory); }
  void set(const Binding &binding, int32_t *in, int32_t *out, int64_t size) {
    attn_tensor tensor;
    EXPECT_OK(attn_tensor_init(&tensor, in, ATTN_DTYPE_I32, 1, &size, error));
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
    EXPECT_OK(attn_tensor_init(&tensor, out, ATTN_DTYPE_I32, 1, &size, error));
    EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  }

  Fake state;
  FakeDriver driver;
  Context context;
};

std::string copying(const std::string &launch = "") {
  return R"("arguments":[{"name":"in","kind":"buffer","dtype":"i32","shape":["?"],"access":"read"}],
    "results":[{"name":"out","dtype":"i32","shape":[["dim","in",0]]}],
    "temporaries":[{"name":"d","bytes":4,"zero":true}],
    "launches":[{"kernel":"copy","code":"code/k","grid":[["dim","in",0],2,1],"block":[64,1,1],)" +
         launch +
         R"("args":[{"buffer":"in"},{"value":["dim","in",0],"type":"i32"},{"buffer":"out"},{"buffer":"d"}]}])";
}

TEST_F(MetalTest, Describes) {
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(context.get(), &info, error));
  EXPECT_STREQ(info.backend, "metal");
  EXPECT_STREQ(info.device, "Fake M1");
  EXPECT_STREQ(
      info.features,
      "metal3.1,simdgroup-matrix,threads:1024,threadgroup-bytes:32768");
}

TEST_F(MetalTest, ChoosesDevices) {
  auto nameOf = [](int32_t device, const char *name) -> std::string {
    attn_context *opened = nullptr;
    EXPECT_OK(createContext(&opened, error, device, name));
    Context held(opened);
    attn_context_info info = ATTN_CONTEXT_INFO_INIT;
    EXPECT_OK(attn_context_get_info(opened, &info, error));
    return info.device;
  };
  EXPECT_EQ(nameOf(1, nullptr), "Fake AMD");
  EXPECT_EQ(nameOf(0, "AMD"), "Fake AMD");
  attn_context *opened = nullptr;
  EXPECT_ERROR(createContext(&opened, error, 2), ATTN_ERROR_NOT_FOUND,
               {"no Metal device 2; there are Fake M1, Fake AMD"});
  EXPECT_ERROR(createContext(&opened, error, 0, "M9"), ATTN_ERROR_NOT_FOUND,
               {"no Metal device 0 called 'M9'"});
}

#ifndef __APPLE__
TEST_F(MetalTest, NeedsApple) {
  metal::setDriver(nullptr);
  attn_context *opened = nullptr;
  EXPECT_ERROR(createContext(&opened, error), ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"no Metal but on Apple's systems"});
}
#endif

TEST_F(MetalTest, AdoptsDevice) {
  attn_metal_device given{sizeof given, &state, nullptr};
  attn_context *opened = nullptr;
  EXPECT_OK(attn_context_create_metal(&given, &opened, error));
  Context held(opened);
  given.device = nullptr;
  EXPECT_ERROR(attn_context_create_metal(&given, &opened, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"device->device is NULL"});
}

TEST_F(MetalTest, BindsAndDispatches) {
  Program program;
  EXPECT_OK(load(json(copying()), program, error));
  EXPECT_EQ(state.language, 310);
  Binding binding = makeBinding(program);
  int32_t *in = allocate(100), *out = allocate(100);
  set(binding, in + 10, out, 50);
  size_t bytes = 0, alignment = 0;
  EXPECT_OK(
      attn_binding_workspace_size(binding.get(), &bytes, &alignment, error));
  int32_t *workspace = allocate(bytes);
  EXPECT_OK(attn_launch(binding.get(), workspace, bytes, nullptr, error));
  ASSERT_EQ(state.fills.size(), 1u);
  EXPECT_EQ(state.fills[0].bytes, 4u);
  ASSERT_EQ(state.dispatches.size(), 1u);
  const metal::Dispatch &dispatch = state.dispatches[0];
  EXPECT_EQ(dispatch.grid, (std::array<uint32_t, 3>{50, 2, 1}));
  EXPECT_EQ(dispatch.block, (std::array<uint32_t, 3>{64, 1, 1}));
  EXPECT_EQ(dispatch.words, std::vector<uint32_t>{50});
  ASSERT_EQ(dispatch.buffers.size(), 3u);
  EXPECT_EQ(dispatch.buffers[0].buffer->contents, reinterpret_cast<char *>(in));
  EXPECT_EQ(dispatch.buffers[0].offset, 40u);
  EXPECT_EQ(dispatch.buffers[0].first, 40u);
  EXPECT_EQ(dispatch.buffers[0].bytes, 200u);
  EXPECT_EQ(dispatch.buffers[1].offset, 0u);
  // Into commands of the caller, who waits for them.
  EXPECT_OK(attn_launch(binding.get(), workspace, bytes, &state, error));
  EXPECT_EQ(state.commandBuffer, &state);
  EXPECT_ERROR(attn_stream_synchronize(context.get(), &state, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"cannot be waited for"});
  for (int32_t *memory : {in, out, workspace})
    release(memory);
}

TEST_F(MetalTest, RefusesPrograms) {
  Program program;
  EXPECT_ERROR(load(json(copying(), "[]", "metal4"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"Fake M1", "knows metal3.1, not metal4.0"});
  EXPECT_ERROR(load(json(copying(), R"(["tensors"])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE, {"lacks tensors"});
  EXPECT_OK(load(json(copying(), R"(["simdgroup-matrix"])"), program, error));
  state.kernelThreads = 32;
  EXPECT_ERROR(load(json(copying()), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"'copy' has threadgroups of 64 threads", "at most 32"});
  state.compileProblem = "line 3: what is this?";
  EXPECT_ERROR(load(json(copying()), program, error), ATTN_ERROR_DEVICE_ERROR,
               {"'code/k' for Fake M1: line 3: what is this?"});
}

TEST_F(MetalTest, ChoosesTheNewestLanguage) {
  std::vector<Variant> variants;
  for (const char *chip : {"metal4", "metal3.1", "metal2.4"})
    variants.push_back({chip, json(copying(), R"(["simdgroup-matrix"])", chip),
                        "kernel void copy() {}"});
  std::string bytes = makeBundle("metal", variants);
  attn_program *loaded = nullptr;
  EXPECT_OK(attn_program_load_memory(context.get(), bytes.data(), bytes.size(),
                                     &loaded, error));
  Program program(loaded);
  EXPECT_STREQ(attn_program_chip(loaded), "metal3.1");
  EXPECT_EQ(state.language, 310);
  EXPECT_STREQ(attn_program_reason(loaded),
               "metal:metal3.1 for Fake M1; not metal:metal4: the device (Fake "
               "M1) knows metal3.1, not metal4.0; not metal:metal2.4: it makes "
               "less of the device");
}

TEST_F(MetalTest, RefusesLaunches) {
  Program program;
  state.kernelBytes = 40000;
  EXPECT_OK(load(json(copying()), program, error));
  Binding binding = makeBinding(program);
  int32_t *in = allocate(100), *out = allocate(100), *workspace = allocate(64);
  set(binding, in, out, 100);
  EXPECT_ERROR(attn_launch(binding.get(), workspace, 256, nullptr, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"needs 40000 bytes of threadgroup memory", "at most 32768"});
  // Memory of the host is no buffer.
  std::vector<int32_t> host(100);
  set(binding, host.data(), out, 100);
  EXPECT_ERROR(attn_launch(binding.get(), workspace, 256, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"'in'"});
  for (int32_t *memory : {in, out, workspace})
    release(memory);
}

TEST_F(MetalTest, ReportsDeviceErrors) {
  Program program;
  EXPECT_OK(load(json(copying()), program, error));
  Binding binding = makeBinding(program);
  int32_t *in = allocate(100), *out = allocate(100), *workspace = allocate(64);
  set(binding, in, out, 100);
  state.submitProblem = "no command buffer";
  EXPECT_ERROR(attn_launch(binding.get(), workspace, 256, nullptr, error),
               ATTN_ERROR_DEVICE_ERROR, {"Fake M1: no command buffer"});
  state.submitProblem = "";
  EXPECT_OK(attn_launch(binding.get(), workspace, 256, nullptr, error));
  state.waitProblem = "page fault";
  EXPECT_ERROR(attn_stream_synchronize(context.get(), nullptr, error),
               ATTN_ERROR_DEVICE_ERROR, {"Fake M1: page fault"});
  state.waitProblem = "";
  for (int32_t *memory : {in, out, workspace})
    release(memory);
}

TEST_F(MetalTest, ImportsMemory) {
  std::vector<int32_t> host(1024);
  attn_metal_buffer given{sizeof given, nullptr, host.data(), 4096};
  void *memory = nullptr;
  EXPECT_OK(attn_metal_import_buffer(context.get(), &given, &memory, error));
  EXPECT_EQ(memory, host.data());
  EXPECT_ERROR(attn_metal_import_buffer(context.get(), &given, &memory, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"has this memory"});
  release(memory);
  given.buffer = &state;
  EXPECT_ERROR(attn_metal_import_buffer(context.get(), &given, &memory, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"one of buffer->buffer and"});
  given.data = nullptr;
  EXPECT_ERROR(attn_metal_import_buffer(context.get(), &given, &memory, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"buffer: not shared"});
  Context cpu = makeContext(1);
  EXPECT_ERROR(attn_metal_import_buffer(cpu.get(), &given, &memory, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"'cpu' imports no Metal buffers"});
}

} // namespace
