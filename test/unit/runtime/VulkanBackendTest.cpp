// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Vulkan backend on a loader and driver that simulate their GPU: what it
// asks of them, how it binds and dispatches, and what it refuses before
// anything is submitted.
#include "FakeVulkan.h"
#include "TestArtifact.h"

#include "attn/runtime/Artifact.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace attn::test;

namespace {

/// A module that has nothing but entry points of these names.
std::string makeModule(std::initializer_list<const char *> names) {
  std::vector<uint32_t> words{0x07230203, 0x00010300, 0, 1, 0};
  for (const char *name : names) {
    size_t count = std::strlen(name) / 4 + 1;
    words.push_back(uint32_t((3 + count) << 16 | 15));
    words.push_back(5); // GLCompute
    words.push_back(1);
    size_t at = words.size();
    words.resize(at + count, 0);
    std::memcpy(&words[at], name, std::strlen(name));
  }
  return std::string(reinterpret_cast<const char *>(words.data()),
                     words.size() * sizeof(uint32_t));
}
const std::string &module() {
  static const std::string bytes = makeModule({"copy", "count", "visit"});
  return bytes;
}

attn_status createContext(attn_context **context, attn_error *error,
                          const char *name = nullptr, int32_t device = 0,
                          bool validation = false, const char *cache = "") {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "vulkan";
  options.device = device;
  options.device_name = name;
  options.validation = validation;
  options.pipeline_cache = cache;
  return attn_context_create(&options, context, error);
}

class VulkanBackendTest : public ::testing::Test {
protected:
  void SetUp() override {
    // A folder that cannot be: who asks for no file leaves none behind.
    setenv("ATTN_CACHE", "/dev/null", 1);
    fakeVulkan = FakeVulkan();
    open();
  }
  void TearDown() override {
    context.reset();
    EXPECT_EQ(fakeVulkan.alive, 0);
  }

  void open() {
    attn_context *opened = nullptr;
    EXPECT_OK(createContext(&opened, error));
    context.reset(opened);
  }
  /// With another device.
  void reopen(const FakeDevice &device) {
    context.reset();
    fakeVulkan.devices = {device};
    open();
  }

  static std::string json(const std::string &fields,
                          const std::string &features = "[]",
                          const std::string &chip = "vulkan1.1") {
    return R"({"format":"attn-artifact","version":1,"target":"vulkan","chip":")" +
           chip + R"(","features":)" + features + R"(,"entry":"f",)" + fields +
           "}";
  }

  attn_status load(const std::string &text, Program &program, attn_error *error,
                   const std::string &code = module()) {
    return loadWithCode(context, text, code, program, error);
  }
  Program load(const std::string &text) {
    Program program;
    EXPECT_OK(load(text, program, error));
    return program;
  }

  void *allocate(size_t bytes) {
    void *memory = nullptr;
    EXPECT_OK(attn_memory_allocate(context.get(), bytes, &memory, error));
    return memory;
  }
  /// Memory of the device with these elements.
  template <typename T> T *upload(const std::vector<T> &values) {
    void *memory = allocate(values.size() * sizeof(T));
    EXPECT_OK(attn_memory_copy_in(context.get(), memory, values.data(),
                                  values.size() * sizeof(T), nullptr, error));
    return static_cast<T *>(memory);
  }
  std::vector<int32_t> download(const void *memory, size_t count) {
    std::vector<int32_t> values(count);
    EXPECT_OK(attn_memory_copy_out(context.get(), values.data(), memory,
                                   count * sizeof(int32_t), nullptr, error));
    return values;
  }
  static attn_tensor makeTensor(void *data, int64_t size,
                                attn_dtype dtype = ATTN_DTYPE_I32) {
    attn_tensor tensor;
    EXPECT_OK(attn_tensor_init(&tensor, data, dtype, 1, &size, error));
    return tensor;
  }
  static void set(Binding &binding, const attn_tensor &in,
                  const attn_tensor &out) {
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
    EXPECT_OK(attn_binding_set_result(binding.get(), 0, &out, error));
  }
  /// Runs a program that copies three elements.
  void copyThree(const std::string &text) {
    Program program = load(text);
    Binding binding = makeBinding(program);
    int32_t *in = upload(std::vector<int32_t>{1, 2, 3});
    int32_t *out = upload(std::vector<int32_t>(3));
    set(binding, makeTensor(in, 3), makeTensor(out, 3));
    EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
    EXPECT_EQ(download(out, 3), (std::vector<int32_t>{1, 2, 3}));
  }

  Context context;
};

std::string copying(const std::string &type) {
  return R"("arguments":[{"name":"in","kind":"buffer",)" + type +
         R"(,"shape":["?"],"access":"read"}],
    "results":[{"name":"out","dtype":"i32","shape":[["dim","in",0]]}],
    "launches":[{"kernel":"copy","code":"code/k","grid":[1,1,1],
      "args":[{"buffer":"in"},{"buffer":"out"},{"value":["dim","in",0],"type":"i32"}]}])";
}

std::string visiting(const std::string &grid) {
  return R"("arguments":[],"results":[{"name":"out","dtype":"i32","shape":[200000]}],
    "launches":[{"kernel":"visit","code":"code/k","grid":)" +
         grid + R"(,"args":[{"buffer":"out"}]}])";
}

const char *const counting = R"(
  "arguments":[],"results":[],
  "temporaries":[{"name":"t","bytes":100},
                 {"name":"c","bytes":4,"zero":true,"restored":true},
                 {"name":"d","bytes":4,"zero":true}],
  "launches":[{"kernel":"count","code":"code/k","grid":[1,1,1],"args":[{"buffer":"d"}]}])";

//===-- Devices
//------------------------------------------------------------===//

TEST_F(VulkanBackendTest, Describes) {
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(context.get(), &info, error));
  EXPECT_STREQ(info.backend, "vulkan");
  EXPECT_STREQ(info.device, "Fake GPU");
  EXPECT_STREQ(info.features,
               "vulkan1.3,shaderFloat16,subgroupSizeControl,"
               "computeFullSubgroups,subgroup:basic,"
               "subgroup-size:32,workgroup-threads:1024,workgroup-bytes:32768");
  EXPECT_EQ(info.is_processor, 0);
  EXPECT_TRUE(fakeVulkan.float16Enabled);
}

TEST_F(VulkanBackendTest, ChoosesDevices) {
  FakeDevice cpu, gpu, other;
  cpu.name = "llvmpipe", cpu.type = VK_PHYSICAL_DEVICE_TYPE_CPU;
  gpu.name = "Big GPU 1";
  other.name = "Big GPU 2";
  context.reset();
  fakeVulkan.devices = {cpu, gpu, other};
  auto nameOf = [](const char *name, int32_t device) -> std::string {
    attn_context *opened = nullptr;
    EXPECT_OK(createContext(&opened, error, name, device));
    Context held(opened);
    attn_context_info info = ATTN_CONTEXT_INFO_INIT;
    EXPECT_OK(attn_context_get_info(opened, &info, error));
    EXPECT_EQ(info.is_processor, std::string(info.device) == "llvmpipe");
    return info.device;
  };
  // Processors come last; a name is a part of it, and counted by itself.
  EXPECT_EQ(nameOf(nullptr, 0), "Big GPU 1");
  EXPECT_EQ(nameOf(nullptr, 2), "llvmpipe");
  EXPECT_EQ(nameOf("llvm", 0), "llvmpipe");
  EXPECT_EQ(nameOf("Big", 1), "Big GPU 2");
  attn_context *opened = nullptr;
  EXPECT_ERROR(createContext(&opened, error, nullptr, 3), ATTN_ERROR_NOT_FOUND,
               {"no Vulkan device 3", "Big GPU 1, Big GPU 2, llvmpipe"});
  EXPECT_ERROR(createContext(&opened, error, "Arc"), ATTN_ERROR_NOT_FOUND,
               {"no Vulkan device 'Arc' number 0", "llvmpipe"});
}

TEST_F(VulkanBackendTest, RefusesWhatIsNoDevice) {
  context.reset();
  attn_context *opened = nullptr;
  auto open = [&](attn_error *error) { return createContext(&opened, error); };
  fakeVulkan.devices.clear();
  EXPECT_ERROR(open(error), ATTN_ERROR_NOT_FOUND,
               {"no Vulkan device 0", "there are: none"});
  fakeVulkan.devices = {FakeDevice()};
  fakeVulkan.devices[0].version = VK_API_VERSION_1_0;
  EXPECT_ERROR(open(error), ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"Fake GPU has Vulkan 1.0", "version 1.1 is needed"});
  fakeVulkan.devices[0] = FakeDevice();
  fakeVulkan.devices[0].queue = VK_QUEUE_TRANSFER_BIT;
  EXPECT_ERROR(open(error), ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"no queue that computes"});
  fakeVulkan.loaderVersion = VK_API_VERSION_1_0;
  EXPECT_ERROR(open(error), ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"loader has Vulkan 1.0"});
  fakeVulkan.loaderVersion = VK_API_VERSION_1_1;
  fakeVulkan.instanceResult = VK_ERROR_INCOMPATIBLE_DRIVER;
  EXPECT_ERROR(open(error), ATTN_ERROR_NOT_FOUND, {"no Vulkan driver"});
  fakeVulkan.hasValidation = false;
  EXPECT_ERROR(createContext(&opened, error, nullptr, 0, /*validation=*/true),
               ATTN_ERROR_NOT_FOUND,
               {"VK_LAYER_KHRONOS_validation", "not installed"});
  EXPECT_EQ(fakeVulkan.alive, 0);
}

TEST_F(VulkanBackendTest, ServesOldDevices) {
  FakeDevice old;
  old.version = VK_API_VERSION_1_1;
  reopen(old);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(context.get(), &info, error));
  // The extension for f16 is not there, and is not asked for.
  EXPECT_STREQ(info.features, "vulkan1.1,subgroup:basic,subgroup-size:32,"
                              "workgroup-threads:1024,workgroup-bytes:32768");
  EXPECT_EQ(fakeVulkan.extensions, std::vector<std::string>());
}

//===-- Programs
//-----------------------------------------------------------===//

TEST_F(VulkanBackendTest, RefusesWhatTheDeviceLacks) {
  Program program;
  EXPECT_ERROR(
      load(json(counting, R"(["shaderFloat16","shaderInt8","subgroup:shuffle",
                              "cooperative-matrix:16x16x16:f16:f32","vulkan1.4"])"),
           program, error),
      ATTN_ERROR_UNSUPPORTED_DEVICE,
      {"compiled for vulkan:vulkan1.1",
       "the device (Fake GPU) lacks shaderInt8, "
       "subgroup:shuffle, cooperative-matrix:16x16x16:f16:f32, vulkan1.4"});
  EXPECT_ERROR(load(json(counting, R"(["subgroup:lockstep"])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE, {"lacks subgroup:lockstep"});
  EXPECT_ERROR(load(json(counting, R"(["subgroup-size:16"])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE, {"lacks subgroup-size:16"});
  EXPECT_OK(
      load(json(counting, R"(["shaderFloat16","vulkan1.2"])"), program, error));
  program.reset();
  FakeDevice able;
  able.matrices = true, able.minSubgroup = 8;
  reopen(able);
  EXPECT_EQ(fakeVulkan.extensions,
            std::vector<std::string>{"VK_KHR_cooperative_matrix"});
  EXPECT_FALSE(fakeVulkan.fullSubgroups);
  auto ofThreads = [](const std::string &threads) {
    return R"("arguments":[],"results":[],
      "temporaries":[{"name":"t","bytes":4}],"launches":[{"kernel":"count",
      "code":"code/k","grid":[1,1,1],"block":[)" +
           threads + R"(,1,1],"args":[]}])";
  };
  EXPECT_OK(load(json(ofThreads("32"),
                      R"(["cooperativeMatrix","subgroup-size:16",
                                    "computeFullSubgroups",
                                    "shaderRoundingModeRTEFloat16",
                                    "cooperative-matrix:16x16x16:f16:f32"])"),
                 program, error));
  EXPECT_EQ(fakeVulkan.requiredSubgroup, 16u);
  EXPECT_TRUE(fakeVulkan.fullSubgroups);
  // What is no multiple does not ask.
  fakeVulkan.requiredSubgroup = 0;
  EXPECT_OK(load(
      json(ofThreads("1"), R"(["subgroup-size:16","computeFullSubgroups"])"),
      program, error));
  EXPECT_EQ(fakeVulkan.requiredSubgroup, 0u);
  EXPECT_FALSE(fakeVulkan.fullSubgroups);
}

/// What only a kernel can tell is asked once, by the first program that wants
/// to know.
TEST_F(VulkanBackendTest, AsksWhichElementsLanesHold) {
  std::string wants = json(counting, R"(["subgroup-size:32",
      "cooperative-matrix-map:16x16x16:f16:f32"])");
  FakeDevice able;
  able.matrices = true;
  for (bool alike : {true, false}) {
    fakeVulkan.elementsAlike = alike;
    reopen(able);
    int dispatches = fakeVulkan.dispatches;
    Program program;
    EXPECT_OK(load(json(counting), program, error));
    program.reset();
    EXPECT_EQ(fakeVulkan.dispatches, dispatches);
    for (int again = 0; again < 2; ++again) {
      if (alike)
        EXPECT_OK(load(wants, program, error));
      else
        EXPECT_ERROR(load(wants, program, error), ATTN_ERROR_UNSUPPORTED_DEVICE,
                     {"lacks cooperative-matrix-map:16x16x16:f16:f32"});
      program.reset();
      EXPECT_EQ(fakeVulkan.dispatches, dispatches + 1);
    }
  }
  // Nor does a device without such matrices, which is not asked.
  reopen(FakeDevice());
  int dispatches = fakeVulkan.dispatches;
  Program program;
  EXPECT_ERROR(load(wants, program, error), ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"lacks cooperative-matrix-map:16x16x16:f16:f32"});
  EXPECT_EQ(fakeVulkan.dispatches, dispatches);
}

TEST_F(VulkanBackendTest, KeepsFromTheLayerWhatItDoesNotKnow) {
  fakeVulkan.devices[0].matrices = true;
  attn_context *opened = nullptr;
  EXPECT_OK(createContext(&opened, error, nullptr, 0, /*validation=*/true));
  context.reset(opened);
  EXPECT_EQ(fakeVulkan.extensions, std::vector<std::string>());
  Program program;
  EXPECT_ERROR(load(json(counting, R"(["cooperativeMatrix"])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"lacks cooperativeMatrix (the validation layer is of Vulkan "
                "1.3.239 and does not know VK_KHR_cooperative_matrix)"});
  fakeVulkan.layerVersion = VK_MAKE_API_VERSION(0, 1, 4, 309);
  EXPECT_OK(createContext(&opened, error, nullptr, 0, /*validation=*/true));
  context.reset(opened);
  EXPECT_EQ(fakeVulkan.extensions,
            std::vector<std::string>{"VK_KHR_cooperative_matrix"});
}

TEST_F(VulkanBackendTest, RefusesLimitsBelowTheNeed) {
  auto launch = [](const std::string &more) {
    return json(
        R"("arguments":[],"results":[],"temporaries":[{"name":"t","bytes":4}],
      "launches":[{"kernel":"count","code":"code/k","grid":[1,1,1],)" +
        more + "}]");
  };
  Program program;
  EXPECT_ERROR(load(launch(R"("block":[32,33,1],"args":[])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"kernel 'count' needs 1056 invocations in a workgroup",
                "at most 1024", "Fake GPU"});
  EXPECT_ERROR(load(launch(R"("block":[2048,1,1],"args":[])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"needs 2048 invocations along x", "at most 1024"});
  EXPECT_ERROR(load(launch(R"("shared":32772,"args":[])"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"needs 32772 bytes of workgroup memory", "at most 32768"});
  std::string buffers;
  for (int n = 0; n < 17; ++n)
    buffers += std::string(n ? "," : "") + R"({"buffer":"t"})";
  EXPECT_ERROR(load(launch(R"("args":[)" + buffers + "]"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"needs 17 storage buffers", "at most 16"});
}

TEST_F(VulkanBackendTest, ChoosesTheBestVariant) {
  std::string bytes = makeBundle(
      "vulkan",
      {{"vulkan1.1", json(counting), module()},
       {"half", json(counting, R"(["shaderFloat16"])", "half"), module()},
       {"small", json(counting, R"(["shaderInt8","shaderFloat16"])", "small"),
        module()}});
  attn_program *loaded = nullptr;
  EXPECT_OK(attn_program_load_memory(context.get(), bytes.data(), bytes.size(),
                                     &loaded, error));
  Program program(loaded);
  EXPECT_STREQ(attn_program_chip(loaded), "half");
  EXPECT_STREQ(
      attn_program_reason(loaded),
      "vulkan:half for Fake GPU; not vulkan:vulkan1.1: it makes less of "
      "the device; not vulkan:small: the device (Fake GPU) lacks "
      "shaderInt8");
  // Nobody need say what backend it is for.
  attn_artifact *artifact = nullptr;
  EXPECT_OK(
      attn_artifact_open_memory(bytes.data(), bytes.size(), &artifact, error));
  attn_context *created = nullptr;
  EXPECT_OK(attn_context_create_for(artifact, nullptr, &created, error));
  Context chosen(created);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(created, &info, error));
  EXPECT_STREQ(info.backend, "vulkan");
  attn_artifact_destroy(artifact);
}

TEST_F(VulkanBackendTest, RefusesBrokenCode) {
  Program program;
  for (const std::string &code : {std::string("code"), module().substr(0, 16),
                                  std::string(64, 'x'), module() + "x"})
    EXPECT_ERROR(load(json(counting), program, error, code),
                 ATTN_ERROR_MALFORMED_ARTIFACT,
                 {"the section 'code/k' is no SPIR-V module"});
  EXPECT_ERROR(load(json(counting), program, error,
                    module().substr(0, module().size() - 4)),
               ATTN_ERROR_MALFORMED_ARTIFACT, {"ends within an instruction"});
  EXPECT_ERROR(load(json(counting), program, error, makeModule({"other"})),
               ATTN_ERROR_MALFORMED_ARTIFACT,
               {"$.launches[0].kernel", "defines no 'count'"});
  fakeVulkan.pipelineResult = VK_ERROR_OUT_OF_HOST_MEMORY;
  EXPECT_ERROR(load(json(counting), program, error), ATTN_ERROR_OUT_OF_MEMORY,
               {"cannot compile the kernel 'count' for Fake GPU",
                "VK_ERROR_OUT_OF_HOST_MEMORY"});
}

/// Kernels are compiled side by side, each once; one that fails leaves nothing.
TEST_F(VulkanBackendTest, MakesPipelinesTogether) {
  std::string text = json(R"("arguments":[],
    "results":[{"name":"out","dtype":"i32","shape":[8]}],
    "launches":[{"kernel":"count","code":"code/k","grid":[1,1,1],"args":[{"buffer":"out"}]},
      {"kernel":"visit","code":"code/k","grid":[1,1,1],"args":[{"buffer":"out"}]},
      {"kernel":"count","code":"code/k","grid":[1,1,1],"args":[{"buffer":"out"}]}])");
  fakeVulkan.pipelinesAtOnce = 2;
  load(text);
  EXPECT_EQ(fakeVulkan.pipelines, 2);
  EXPECT_EQ(fakeVulkan.pipelinesAlone, 0);
  fakeVulkan.pipelineResult = VK_ERROR_OUT_OF_HOST_MEMORY;
  Program program;
  EXPECT_ERROR(load(text, program, error), ATTN_ERROR_OUT_OF_MEMORY,
               {"VK_ERROR_OUT_OF_HOST_MEMORY"});
}

//===-- Memory
//-------------------------------------------------------------===//

TEST_F(VulkanBackendTest, CopiesMemory) {
  for (bool shares : {false, true}) {
    FakeDevice device;
    device.sharesMemory = shares;
    reopen(device);
    fakeVulkan.copies = 0;
    // More than one piece of what copies go through.
    std::vector<int32_t> values(5 << 20);
    for (size_t n = 0; n < values.size(); ++n)
      values[n] = int32_t(n);
    int32_t *memory = upload(values);
    EXPECT_EQ(download(memory, values.size()), values);
    EXPECT_EQ(download(memory + 1000, 3),
              (std::vector<int32_t>{1000, 1001, 1002}));
    EXPECT_EQ(fakeVulkan.copies > 0, !shares);
    EXPECT_ERROR(attn_memory_copy_in(context.get(), memory + 1, values.data(),
                                     values.size() * 4, nullptr, error),
                 ATTN_ERROR_INVALID_ARGUMENT,
                 {"20971520 bytes are copied where the memory has 20971516"});
    attn_memory_free(context.get(), memory);
    EXPECT_ERROR(attn_memory_copy_out(context.get(), values.data(), memory, 4,
                                      nullptr, error),
                 ATTN_ERROR_INVALID_ARGUMENT, {"no memory of Fake GPU"});
  }
}

TEST_F(VulkanBackendTest, MapsMemory) {
  void *memory = nullptr, *host = nullptr;
  EXPECT_OK(
      attn_memory_allocate_mapped(context.get(), 64, &memory, &host, error));
  std::vector<int32_t> values{3, 1, 4, 1, 5};
  std::memcpy(host, values.data(), values.size() * sizeof(int32_t));
  EXPECT_EQ(download(memory, 5), values);
  attn_memory_free(context.get(), memory);
}

TEST_F(VulkanBackendTest, RunsOutOfMemory) {
  void *memory = nullptr;
  EXPECT_ERROR(
      attn_memory_allocate(context.get(), size_t(2) << 30, &memory, error),
      ATTN_ERROR_OUT_OF_MEMORY,
      {"no memory for 2147483648 bytes on Fake GPU", "at most 1073741824"});
  fakeVulkan.memoryResult = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  EXPECT_ERROR(attn_memory_allocate(context.get(), 4096, &memory, error),
               ATTN_ERROR_OUT_OF_MEMORY,
               {"4096 bytes", "VK_ERROR_OUT_OF_DEVICE_MEMORY"});
  Program program;
  EXPECT_ERROR(load(json(counting), program, error), ATTN_ERROR_OUT_OF_MEMORY,
               {"VK_ERROR_OUT_OF_DEVICE_MEMORY"});
  EXPECT_EQ(memory, nullptr);
}

//===-- Launches
//-----------------------------------------------------------===//

TEST_F(VulkanBackendTest, BindsWhereTensorsStart) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  std::vector<int32_t> values(1000);
  for (size_t n = 0; n < values.size(); ++n)
    values[n] = int32_t(n);
  int32_t *in = upload(values);
  int32_t *out = upload(std::vector<int32_t>(1000, -1));
  Binding binding = makeBinding(program);
  // 400 and 44 bytes in: what the device binds, and the rest in elements.
  set(binding, makeTensor(in + 100, 50), makeTensor(out + 11, 50));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  std::vector<int32_t> result = download(out, 1000);
  EXPECT_EQ(result[10], -1);
  EXPECT_EQ(result[11], 100);
  EXPECT_EQ(result[60], 149);
  EXPECT_EQ(result[61], -1);
  ASSERT_EQ(fakeVulkan.bound.size(), 2u);
  EXPECT_EQ(fakeVulkan.bound[0].offset, 256u);
  EXPECT_EQ(fakeVulkan.bound[0].range, 344u);
  EXPECT_EQ(fakeVulkan.bound[1].offset, 0u);
  EXPECT_EQ(fakeVulkan.bound[1].range, 244u);
  EXPECT_EQ(fakeVulkan.pushed,
            (std::vector<uint32_t>{0, 0, 0, 1, 1, 1, 36, 11, 50}));

  // Backwards: the first element of the tensor is the last one in memory.
  attn_tensor backwards = makeTensor(in + 149, 50);
  backwards.strides[0] = -1;
  set(binding, backwards, makeTensor(out, 50));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(fakeVulkan.bound[0].offset, 256u);
  EXPECT_EQ(fakeVulkan.bound[0].range, 344u);
  EXPECT_EQ(fakeVulkan.pushed[6], 85u);
}

TEST_F(VulkanBackendTest, BindsEmptyTensors) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  set(binding, makeTensor(nullptr, 0), makeTensor(nullptr, 0));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(fakeVulkan.dispatches, 1);
  for (const VkDescriptorBufferInfo &info : fakeVulkan.bound)
    EXPECT_GE(info.range, 4u);
}

TEST_F(VulkanBackendTest, RefusesMemoryThatIsNotItsOwn) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  std::vector<int32_t> host(8);
  int32_t *memory = upload(host);
  set(binding, makeTensor(host.data(), 8), makeTensor(memory, 8));
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'in': its memory is not on Fake GPU"});
  set(binding, makeTensor(memory, 9), makeTensor(upload(host), 9));
  EXPECT_ERROR(
      attn_launch_alloc(binding.get(), nullptr, error),
      ATTN_ERROR_INVALID_ARGUMENT,
      {"'in', which the kernel 'copy' gets, has 36 bytes, of which not "
       "all are in one buffer"});
  EXPECT_EQ(fakeVulkan.dispatches, 0);
}

TEST_F(VulkanBackendTest, FoldsGrids) {
  FakeDevice device;
  device.groups = {7, 5, 3};
  reopen(device);
  int32_t *out = upload(std::vector<int32_t>(200000, 0));
  for (const char *grid : {"[15,6,7]", "[7,5,3]", "[1,1,200]", "[50,1,1]"}) {
    Program program = load(json(visiting(grid)));
    Binding binding = makeBinding(program);
    attn_tensor result = makeTensor(out, 200000);
    EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
    EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  }
  EXPECT_EQ(fakeVulkan.dispatches, 3 * 2 * 3 + 1 + 67 + 8);
  // Each workgroup ran once.
  std::vector<int32_t> visits = download(out, 1000);
  for (int n = 0; n < 1000; ++n)
    EXPECT_EQ(visits[size_t(n)],
              (n < 15 * 6 * 7) + (n < 7 * 5 * 3) + (n < 200) + (n < 50))
        << n;
}

TEST_F(VulkanBackendTest, FoldsGridsAbove65535) {
  int32_t *out = upload(std::vector<int32_t>(200000, 0));
  Program program = load(json(visiting("[1,150000,1]")));
  Binding binding = makeBinding(program);
  attn_tensor result = makeTensor(out, 200000);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(fakeVulkan.dispatches, 3);
  std::vector<int32_t> visits = download(out, 200000);
  EXPECT_EQ(std::count(visits.begin(), visits.begin() + 150000, 1), 150000);
  EXPECT_EQ(std::count(visits.begin() + 150000, visits.end(), 0), 50000);
}

TEST_F(VulkanBackendTest, RefusesWhatDoesNotFit) {
  FakeDevice device;
  device.storageRange = 4096;
  reopen(device);
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  std::vector<int32_t> values(1025, 1);
  int32_t *in = upload(values), *out = upload(values);
  set(binding, makeTensor(in, 1024), makeTensor(out, 1024));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  set(binding, makeTensor(in, 1025), makeTensor(out, 1025));
  EXPECT_ERROR(
      attn_launch_alloc(binding.get(), nullptr, error),
      ATTN_ERROR_INVALID_ARGUMENT,
      {"'in', which the kernel 'copy' gets, spans 4100 bytes; Fake GPU "
       "binds at most 4096"});
  EXPECT_EQ(fakeVulkan.dispatches, 1);

  Program large = load(json(visiting("[4294967296,1,1]")));
  Binding launch = makeBinding(large);
  attn_tensor result = makeTensor(upload(std::vector<int32_t>(200000)), 200000);
  EXPECT_OK(attn_binding_set_result(launch.get(), 0, &result, error));
  EXPECT_ERROR(attn_launch_alloc(launch.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"grid of the kernel 'visit' would have 4294967296"});

  Program scaled =
      load(json(R"("arguments":[{"name":"n","kind":"scalar","dtype":"i64"}],
    "results":[],"launches":[{"kernel":"count","code":"code/k","grid":[1,1,1],
    "args":[{"scalar":"n"}]}])"));
  Binding scalar = makeBinding(scaled);
  EXPECT_OK(
      attn_binding_set_scalar_i64(scalar.get(), 0, int64_t(1) << 31, error));
  EXPECT_ERROR(attn_launch_alloc(scalar.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"'n' = 2147483648 does not fit the 32 bits"});
  EXPECT_EQ(fakeVulkan.dispatches, 1);
}

/// What copies, with three and 24 arguments: one more than push constants of
/// 128 bytes hold.
std::string copyingWithManyArguments() {
  std::string words;
  for (int n = 0; n < 24; ++n)
    words += R"(,{"value":)" + std::to_string(100 + n) + R"(,"type":"i32"})";
  std::string text = copying(R"("dtype":"i32")");
  size_t at = text.find(R"(,"type":"i32"}]}])") + 14;
  return text.substr(0, at) + words + text.substr(at);
}

TEST_F(VulkanBackendTest, PassesManyArgumentsInAUniformBuffer) {
  copyThree(json(copyingWithManyArguments()));
  EXPECT_EQ(fakeVulkan.pushed.size(), 6u);
  ASSERT_EQ(fakeVulkan.uniform.size(), 27u);
  EXPECT_EQ(fakeVulkan.uniform[26], 123u);
}

/// Kernels do not read it from the host's memory, where the device has some
/// that the host sees.
TEST_F(VulkanBackendTest, KeepsUniformBuffersOnTheDevice) {
  constexpr uint32_t ofHost = 0, ofDevice = 2;
  for (auto [bytes, type] :
       {std::pair(4096u, ofDevice), std::pair(16u, ofHost)}) {
    FakeDevice device;
    device.windowBytes = bytes;
    reopen(device);
    copyThree(json(copyingWithManyArguments()));
    EXPECT_EQ(fakeVulkan.uniformType, type);
  }
}

TEST_F(VulkanBackendTest, FillsAndKeepsTemporaries) {
  Program program = load(json(counting));
  Binding binding = makeBinding(program);
  size_t bytes = 0, alignment = 0;
  EXPECT_OK(
      attn_binding_workspace_size(binding.get(), &bytes, &alignment, error));
  // Each temporary is where the device can bind it.
  EXPECT_EQ(bytes, 256u + 256u + 4u);
  EXPECT_EQ(alignment, 256u);
  for (int n = 0; n < 3; ++n)
    EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  // One was zeroed when the program was loaded, the other before each launch.
  EXPECT_EQ(fakeVulkan.fills, 3);
  EXPECT_EQ(fakeVulkan.dispatches, 3);
}

/// How large a temporary is that launches leave zeroed may depend on the call:
/// a large one is in the workspace.
TEST_F(VulkanBackendTest, KeepsTemporariesThatAreSmall) {
  Program program = load(json(R"("arguments":[{"name":"in","kind":"buffer",
      "dtype":"i32","shape":["?"],"access":"read"}],"results":[],
    "temporaries":[{"name":"c","bytes":["mul",4,["dim","in",0]],"zero":true,
                    "restored":true}],
    "launches":[{"kernel":"count","code":"code/k","grid":[1,1,1],
      "args":[{"buffer":"c"}]}])"));
  Binding binding = makeBinding(program);
  auto countFills = [&](int64_t elements) {
    int before = fakeVulkan.fills;
    int32_t *in = upload(std::vector<int32_t>(elements));
    attn_tensor tensor = makeTensor(in, elements);
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
    for (int n = 0; n < 2; ++n)
      EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
    return fakeVulkan.fills - before;
  };
  EXPECT_EQ(countFills(1), 0);
  EXPECT_EQ(countFills(1024), 0);
  EXPECT_EQ(countFills(1025), 2);
  EXPECT_EQ(countFills(7), 0);
}

TEST_F(VulkanBackendTest, SeesThatAWorkspaceIsAnotherOne) {
  Program program = load(json(counting));
  Binding binding = makeBinding(program);
  constexpr size_t bytes = 4096;
  void *first = allocate(bytes);
  EXPECT_OK(attn_launch(binding.get(), first, bytes, nullptr, error));
  ASSERT_FALSE(fakeVulkan.bound.empty());
  VkBuffer buffer = fakeVulkan.bound[0].buffer;
  attn_memory_free(context.get(), first);
  // This one takes the buffer's place on the heap, but needs more addresses.
  void *between = allocate(64 * bytes);
  void *second = allocate(bytes);
  if (second != first)
    GTEST_SKIP() << "addresses are not used again here";
  EXPECT_OK(attn_launch(binding.get(), second, bytes, nullptr, error));
  EXPECT_NE(fakeVulkan.bound[0].buffer, buffer);
  attn_memory_free(context.get(), between);
  attn_memory_free(context.get(), second);
}

TEST_F(VulkanBackendTest, RecordsOnce) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  int32_t *in = upload(std::vector<int32_t>{1, 2, 3});
  int32_t *out = upload(std::vector<int32_t>(3));
  set(binding, makeTensor(in, 3), makeTensor(out, 3));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  int waits = fakeVulkan.waits, submissions = fakeVulkan.submissions;
  int alive = fakeVulkan.alive;
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(fakeVulkan.waits, waits);
  EXPECT_EQ(fakeVulkan.submissions, submissions + 2);
  EXPECT_EQ(fakeVulkan.alive, alive);
  EXPECT_EQ(fakeVulkan.pipelines, 1);
}

TEST_F(VulkanBackendTest, MeasuresTime) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  int32_t *in = upload(std::vector<int32_t>{1}),
          *out = upload(std::vector<int32_t>{1});
  set(binding, makeTensor(in, 1), makeTensor(out, 1));
  double time = 0;
  EXPECT_ERROR(attn_binding_device_time(binding.get(), &time, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"was not launched"});
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_OK(attn_binding_device_time(binding.get(), &time, error));
  EXPECT_EQ(time, 1); // 500 ticks of 2 ns
}

TEST_F(VulkanBackendTest, NarrowsThroughTheHost) {
  Program program = load(json(copying(R"("dtype":"i64","narrowed":"i32")")));
  Binding binding = makeBinding(program);
  int64_t *in = upload(std::vector<int64_t>{5, -1, 7});
  int32_t *out = upload(std::vector<int32_t>(3));
  set(binding, makeTensor(in, 3, ATTN_DTYPE_I64), makeTensor(out, 3));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(download(out, 3), (std::vector<int32_t>{5, -1, 7}));
  in = upload(std::vector<int64_t>{5, int64_t(1) << 40, 7});
  set(binding, makeTensor(in, 3, ATTN_DTYPE_I64), makeTensor(out, 3));
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'in'", "element [1] = 1099511627776"});
  EXPECT_EQ(fakeVulkan.dispatches, 1);
}

TEST_F(VulkanBackendTest, ReportsALostDevice) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  int32_t *in = upload(std::vector<int32_t>{1}),
          *out = upload(std::vector<int32_t>{1});
  set(binding, makeTensor(in, 1), makeTensor(out, 1));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  fakeVulkan.waitResult = VK_ERROR_DEVICE_LOST;
  EXPECT_ERROR(attn_stream_synchronize(context.get(), nullptr, error),
               ATTN_ERROR_DEVICE_ERROR,
               {"cannot wait for Fake GPU", "VK_ERROR_DEVICE_LOST",
                "create another context"});
  fakeVulkan.submitResult = VK_ERROR_DEVICE_LOST;
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_DEVICE_ERROR,
               {"cannot submit to Fake GPU", "VK_ERROR_DEVICE_LOST"});
}

TEST_F(VulkanBackendTest, ReportsWhatValidationSays) {
  attn_context *opened = nullptr;
  EXPECT_OK(createContext(&opened, error, nullptr, 0, /*validation=*/true));
  context.reset(opened);
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  int32_t *in = upload(std::vector<int32_t>{1}),
          *out = upload(std::vector<int32_t>{1});
  set(binding, makeTensor(in, 1), makeTensor(out, 1));
  fakeVulkan.complaint = "VUID-fake-00001";
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_DEVICE_ERROR,
               {"validation layer says: VUID-fake-00001"});
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
}

/// Tests with files of compiled kernels.
class PipelineCacheTest : public VulkanBackendTest {
protected:
  void SetUp() override {
    VulkanBackendTest::SetUp();
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
  }
  void TearDown() override {
    VulkanBackendTest::TearDown();
    std::filesystem::remove_all(folder);
  }

  /// A context of its own, like that of another process.
  Context openWith(const char *cache) {
    attn_context *opened = nullptr;
    EXPECT_OK(createContext(&opened, error, nullptr, 0, false, cache));
    return Context(opened);
  }
  void compile(Context &owner, const std::string &text) {
    Program program;
    EXPECT_OK(loadWithCode(owner, text, module(), program, error));
  }
  /// The names behind the header.
  static std::string kernelsIn(const std::string &file) {
    return contentsOf(file).substr(sizeof(VkPipelineCacheHeaderVersionOne));
  }
  static void write(const std::string &file, const std::string &bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
  }

  std::string copies = json(copying(R"("dtype":"i32")")),
              counts = json(counting);
  std::string folder = ::testing::TempDir() + "vulkan-pipelines",
              path = folder + "/kernels";
};

TEST_F(PipelineCacheTest, KeepsCompiledKernels) {
  {
    Context owner = openWith(path.c_str());
    EXPECT_EQ(fakeVulkan.cacheGiven, "");
    compile(owner, copies);
    // For programs that never end their contexts.
    EXPECT_EQ(kernelsIn(path), "copy ");
  }
  Context owner = openWith(path.c_str());
  EXPECT_EQ(fakeVulkan.cacheGiven, contentsOf(path));
  // What is compiled already is no reason to write.
  std::filesystem::remove(path);
  compile(owner, copies);
  EXPECT_FALSE(std::filesystem::exists(path));
  compile(owner, counts);
  EXPECT_EQ(kernelsIn(path), "copy count ");
}

TEST_F(PipelineCacheTest, SharesAFileWithOthers) {
  Context one = openWith(path.c_str()), two = openWith(path.c_str());
  compile(one, copies);
  compile(two, counts);
  EXPECT_EQ(kernelsIn(path), "copy count ");
}

TEST_F(PipelineCacheTest, LeavesAsideWhatDoesNotFit) {
  Context first = openWith(path.c_str());
  compile(first, copies);
  const std::string good = contentsOf(path);
  std::string other = good;
  other[8] = 'x'; // the vendor
  for (const std::string &bytes : {other, good.substr(0, 9), std::string(),
                                   good + std::string(64 << 20, ' ')}) {
    write(path, bytes);
    Context owner = openWith(path.c_str());
    EXPECT_EQ(fakeVulkan.cacheGiven, "");
    compile(owner, counts);
    EXPECT_EQ(kernelsIn(path), "count ");
  }
}

TEST_F(PipelineCacheTest, FindsAFolderOfTheUser) {
  const std::string name = "/vulkan-7-8-" + std::string(32, '0');
  auto set = [&](const char *variable, const std::string &value) {
    setenv(variable, value.c_str(), 1);
  };
  auto expectFile = [&](const std::string &file) {
    Context owner = openWith(nullptr);
    compile(owner, copies);
    EXPECT_EQ(kernelsIn(folder + file), "copy ");
  };
  set("ATTN_CACHE", "");
  set("XDG_CACHE_HOME", "");
  set("HOME", folder);
  expectFile("/.cache/attn" + name);
  set("XDG_CACHE_HOME", folder + "/xdg");
  expectFile("/xdg/attn" + name);
  set("ATTN_CACHE", folder + "/ours");
  expectFile("/ours" + name);
  // One that cannot be made is none, and no error.
  set("ATTN_CACHE", folder + "/no/such/folder");
  Context owner = openWith(nullptr);
  compile(owner, copies);
  // A file that was asked for is one.
  attn_context *opened = nullptr;
  EXPECT_ERROR(createContext(&opened, error, nullptr, 0, false, folder.c_str()),
               ATTN_ERROR_DEVICE_ERROR,
               {"options->pipeline_cache", folder.c_str()});
}

//===-- Devices and buffers of the caller
//----------------------------------===//

/// A device that a program made for itself.
class ImportTest : public VulkanBackendTest {
protected:
  void SetUp() override {
    fakeVulkan = FakeVulkan();
    features.sType =
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
    features.shaderFloat16 = VK_TRUE;
    device.struct_size = sizeof device;
    device.instance = this;
    device.physical_device = reinterpret_cast<void *>(1);
    device.device = this;
    device.queue = this;
    device.features = &features;
    device.user = &fakeVulkan.locks;
    device.lock_queue = [](void *user) { ++*static_cast<int *>(user); };
    device.unlock_queue = [](void *) {};
    attn_context *created = nullptr;
    EXPECT_OK(attn_context_create_vulkan(&device, nullptr, &created, error));
    context.reset(created);
  }

  template <typename Function> static Function entry(const char *name) {
    return reinterpret_cast<Function>(vkGetInstanceProcAddr(nullptr, name));
  }
  /// A buffer of the program's.
  VkBuffer makeBuffer(VkDeviceSize bytes) {
    VkBufferCreateInfo info{};
    info.size = bytes;
    VkBuffer buffer;
    entry<PFN_vkCreateBuffer>("vkCreateBuffer")(nullptr, &info, nullptr,
                                                &buffer);
    VkMemoryAllocateInfo allocation{};
    allocation.allocationSize = bytes;
    VkDeviceMemory memory;
    entry<PFN_vkAllocateMemory>("vkAllocateMemory")(nullptr, &allocation,
                                                    nullptr, &memory);
    entry<PFN_vkBindBufferMemory>("vkBindBufferMemory")(nullptr, buffer, memory,
                                                        0);
    buffers.emplace_back(buffer, memory);
    return buffer;
  }
  void TearDown() override {
    context.reset();
    for (auto [buffer, memory] : buffers) {
      entry<PFN_vkDestroyBuffer>("vkDestroyBuffer")(nullptr, buffer, nullptr);
      entry<PFN_vkFreeMemory>("vkFreeMemory")(nullptr, memory, nullptr);
    }
    EXPECT_EQ(fakeVulkan.alive, 0);
  }
  static constexpr uint32_t allUses = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                      VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                      VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  attn_vulkan_buffer describe(VkBuffer buffer, uint64_t offset, uint64_t bytes,
                              uint32_t usage = allUses) {
    return {sizeof(attn_vulkan_buffer), reinterpret_cast<uint64_t>(buffer),
            offset, bytes, usage};
  }

  VkPhysicalDeviceShaderFloat16Int8Features features{};
  attn_vulkan_device device{};
  std::vector<std::pair<VkBuffer, VkDeviceMemory>> buffers;
};

TEST_F(ImportTest, KnowsWhatTheCallerEnabled) {
  Program program;
  EXPECT_OK(load(json(counting, R"(["shaderFloat16"])"), program, error));
  EXPECT_ERROR(
      load(json(counting, R"(["subgroupSizeControl"])"), program, error),
      ATTN_ERROR_UNSUPPORTED_DEVICE, {"lacks subgroupSizeControl"});
}

TEST_F(ImportTest, RefusesIncompleteDevices) {
  attn_context *created = nullptr;
  attn_vulkan_device other = device;
  other.queue = nullptr;
  EXPECT_ERROR(attn_context_create_vulkan(&other, nullptr, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"device->queue is NULL"});
  other = device;
  other.queue_family = 1;
  EXPECT_ERROR(attn_context_create_vulkan(&other, nullptr, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"device->queue_family is 1; the device has 1"});
  fakeVulkan.devices[0].queue = VK_QUEUE_TRANSFER_BIT;
  EXPECT_ERROR(attn_context_create_vulkan(&device, nullptr, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"do not compute"});
  EXPECT_ERROR(attn_context_create_vulkan(nullptr, nullptr, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"device is NULL"});
}

TEST_F(ImportTest, UsesTheCallersBuffers) {
  VkBuffer buffer = makeBuffer(4096);
  attn_vulkan_buffer given = describe(buffer, 1024, 64);
  void *in = nullptr;
  EXPECT_OK(attn_vulkan_import_buffer(context.get(), &given, &in, error));
  std::vector<int32_t> values{1, 2, 3, 4};
  EXPECT_OK(attn_memory_copy_in(context.get(), in, values.data(), 16, nullptr,
                                error));
  int32_t *out = upload(std::vector<int32_t>(4));
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  set(binding, makeTensor(in, 4), makeTensor(out, 4));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(fakeVulkan.bound[0].buffer, buffer);
  EXPECT_EQ(fakeVulkan.bound[0].offset, 1024u);
  EXPECT_EQ(download(out, 4), values);
  EXPECT_GT(fakeVulkan.locks, 0);
  attn_memory_free(context.get(), in);
}

TEST_F(ImportTest, RefusesBuffersThatWillNotDo) {
  VkBuffer buffer = makeBuffer(4096);
  void *memory = nullptr;
  auto import = [&](attn_vulkan_buffer given, attn_error *error) {
    return attn_vulkan_import_buffer(context.get(), &given, &memory, error);
  };
  EXPECT_ERROR(
      import(describe(buffer, 0, 4096, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT),
             error),
      ATTN_ERROR_INVALID_ARGUMENT,
      {"buffer->usage lacks VK_BUFFER_USAGE_STORAGE_BUFFER_BIT"});
  EXPECT_ERROR(import(describe(buffer, 64, 4096), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"buffer->offset 64 + buffer->bytes 4096", "has 4096"});
  EXPECT_ERROR(import(describe(buffer, 2, 10), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"multiples of 4"});
  EXPECT_ERROR(import(describe(VK_NULL_HANDLE, 0, 64), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"VK_NULL_HANDLE"});
  EXPECT_ERROR(import(describe(buffer, 0, 0), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"buffer->bytes is 0"});
  EXPECT_EQ(memory, nullptr);

  // For kernels alone: copies and fills of it are refused.
  EXPECT_OK(import(
      describe(buffer, 0, 4096, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT), error));
  int32_t value = 0;
  EXPECT_ERROR(
      attn_memory_copy_in(context.get(), memory, &value, 4, nullptr, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"lacks VK_BUFFER_USAGE_TRANSFER_DST_BIT"});
  EXPECT_ERROR(
      attn_memory_copy_out(context.get(), &value, memory, 4, nullptr, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"lacks VK_BUFFER_USAGE_TRANSFER_SRC_BIT"});
  Program program = load(json(counting));
  Binding binding = makeBinding(program);
  EXPECT_ERROR(attn_launch(binding.get(), memory, 4096, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"the workspace is an imported buffer"});
  EXPECT_EQ(fakeVulkan.dispatches, 0);
}

TEST_F(ImportTest, RecordsIntoTheCallersCommands) {
  VkCommandPool pool;
  entry<PFN_vkCreateCommandPool>("vkCreateCommandPool")(nullptr, nullptr,
                                                        nullptr, &pool);
  VkCommandBufferAllocateInfo info{};
  info.commandPool = pool;
  VkCommandBuffer commands;
  entry<PFN_vkAllocateCommandBuffers>("vkAllocateCommandBuffers")(
      nullptr, &info, &commands);
  int32_t *in = upload(std::vector<int32_t>{1, 2, 3});
  int32_t *out = upload(std::vector<int32_t>(3));
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  set(binding, makeTensor(in, 3), makeTensor(out, 3));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, commands, error));
  EXPECT_EQ(fakeVulkan.dispatches, 0);
  // Before and after it, for kernels and transfers. The host does not wait.
  ASSERT_GE(fakeVulkan.barriers.size(), 2u);
  for (auto it = fakeVulkan.barriers.end() - 2; it != fakeVulkan.barriers.end();
       ++it)
    for (VkPipelineStageFlags stages : *it)
      EXPECT_EQ(stages,
                VkPipelineStageFlags(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                                     VK_PIPELINE_STAGE_TRANSFER_BIT));
  double time;
  EXPECT_ERROR(attn_binding_device_time(binding.get(), &time, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"the launch was recorded"});
  VkSubmitInfo submit{};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  auto submitTwice = [&] {
    for (int n = 0; n < 2; ++n)
      entry<PFN_vkQueueSubmit>("vkQueueSubmit")(nullptr, 1, &submit, nullptr);
  };
  submitTwice();
  EXPECT_EQ(fakeVulkan.dispatches, 2);
  EXPECT_EQ(download(out, 3), (std::vector<int32_t>{1, 2, 3}));

  // Of two temporaries one is left zeroed, and kept for these commands.
  Program temporary = load(json(counting));
  Binding other = makeBinding(temporary);
  constexpr size_t bytes = 4096;
  void *workspace = allocate(bytes);
  EXPECT_OK(attn_launch(other.get(), workspace, bytes, commands, error));
  submitTwice();
  EXPECT_EQ(fakeVulkan.fills, 2);
  attn_memory_free(context.get(), workspace);

  // What would have ended before the commands run.
  EXPECT_ERROR(attn_launch_alloc(other.get(), commands, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"a launch that is recorded needs a workspace of the caller's"});
  Program narrowing = load(json(copying(R"("dtype":"i64","narrowed":"i32")")));
  Binding third = makeBinding(narrowing);
  set(third, makeTensor(upload(std::vector<int64_t>{1}), 1, ATTN_DTYPE_I64),
      makeTensor(out, 1));
  EXPECT_ERROR(attn_launch(third.get(), allocate(4096), 4096, commands, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'in' is copied", "cannot be recorded"});
  EXPECT_ERROR(attn_stream_synchronize(context.get(), commands, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"cannot be waited for"});
  entry<PFN_vkDestroyCommandPool>("vkDestroyCommandPool")(nullptr, pool,
                                                          nullptr);
}

} // namespace
