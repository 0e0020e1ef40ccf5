// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA backend on a driver that simulates its GPU: what it asks of the
// driver at a launch, and what it refuses.
#include "FakeDriver.h"
#include "TestArtifact.h"

#include "attn/runtime/Artifact.h"

#include <algorithm>
#include <cstring>

using namespace attn::test;

namespace {

attn_status createContext(attn_context **context, attn_error *error,
                          int32_t device = 0) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "cuda";
  options.device = device;
  return attn_context_create(&options, context, error);
}

// Comes first: a driver that initialised once stays.
TEST(CudaDriverTest, NoDevice) {
  fakeDriver.initResult = 100;
  attn_context *context = nullptr;
  EXPECT_ERROR(
      createContext(&context, error), ATTN_ERROR_DEVICE_ERROR,
      {"cuInit", "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"});
  fakeDriver.initResult = 0;
}

class CudaBackendTest : public ::testing::Test {
protected:
  void SetUp() override {
    fakeDriver = FakeDriver();
    attn_context *opened = nullptr;
    EXPECT_OK(createContext(&opened, error));
    context.reset(opened);
  }

  static std::string json(const std::string &fields,
                          const std::string &chip = "sm_90a") {
    return R"({"format":"attn-artifact","version":1,"target":"cuda","chip":")" +
           chip + R"(","entry":"f",)" + fields + "}";
  }

  attn_status load(const std::string &text, Program &program, attn_error *error,
                   const std::string &code = "code") {
    return loadWithCode(context, text, code, program, error);
  }

  Program load(const std::string &text) {
    Program program;
    EXPECT_OK(load(text, program, error));
    return program;
  }

  Context context;
};

const char *const counting = R"(
  "arguments":[],"results":[],
  "temporaries":[{"name":"t","bytes":100},
                 {"name":"c","bytes":4,"zero":true,"restored":true}],
  "launches":[{"kernel":"count","code":"code/k","grid":[1,1,1],"args":[{"buffer":"c"}]}])";

std::string copying(const std::string &type) {
  return R"("arguments":[{"name":"in","kind":"buffer",)" + type +
         R"(,"shape":["?"],"access":"read"}],
    "results":[{"name":"out","dtype":"i32","shape":[["dim","in",0]]}],
    "launches":[{"kernel":"copy","code":"code/k","grid":[1,1,1],
      "args":[{"buffer":"in"},{"buffer":"out"},{"value":["dim","in",0],"type":"i64"}]}])";
}

const char *const mapping = R"(
  "arguments":[{"name":"in","kind":"buffer","dtype":"bf16","shape":["?","?"],"access":"read"}],
  "results":[{"name":"out","dtype":"i64","shape":[1]}],
  "launches":[{"kernel":"map","code":"code/k","grid":[["dim","in",0],1,1],"shared":100000,
    "args":[{"tensormap":{"buffer":"in","dtype":"bf16","sizes":[["dim","in",1],["dim","in",0]],
                          "strides":[["mul",["stride","in",0],2]],"box":[64,64]}},
            {"buffer":"out"}]}])";

TEST_F(CudaBackendTest, Devices) {
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(context.get(), &info, error));
  EXPECT_STREQ(info.backend, "cuda");
  EXPECT_STREQ(info.device, "Fake GPU");
  EXPECT_STREQ(info.features, "sm_90");
  attn_context *other = nullptr;
  EXPECT_ERROR(createContext(&other, error, 1), ATTN_ERROR_NOT_FOUND,
               {"no CUDA device 1", "there are 1"});
}

TEST_F(CudaBackendTest, AutoTakesTheGpu) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "auto";
  attn_context *created = nullptr;
  EXPECT_OK(attn_context_create(&options, &created, error));
  Context chosen(created);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(created, &info, error));
  EXPECT_STREQ(info.backend, "cuda");
  EXPECT_STREQ(info.reason, "cuda: Fake GPU");
  // What the artifact holds counts, too.
  attn::runtime::ArtifactWriter writer(
      makeJson(R"("arguments":[],"results":[],"launches":[])"));
  std::string bytes = writer.toBytes();
  attn_artifact *artifact = nullptr;
  EXPECT_OK(
      attn_artifact_open_memory(bytes.data(), bytes.size(), &artifact, error));
  EXPECT_OK(attn_context_create_for(artifact, &options, &created, error));
  chosen.reset(created);
  EXPECT_OK(attn_context_get_info(created, &info, error));
  EXPECT_STREQ(info.backend, "cpu");
  EXPECT_TRUE(std::strstr(info.reason, "not cuda: the artifact holds cpu:test"))
      << info.reason;
  attn_artifact_destroy(artifact);
}

TEST_F(CudaBackendTest, RefusesMemoryOfTheHost) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  std::vector<int32_t> in(4, 1), out(4, 0);
  attn_tensor tensor = tensorOf(in);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  fakeDriver.hostMemory = in.data();
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"'in'", "its memory is not on Fake GPU"});
  fakeDriver.hostMemory = out.data();
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"'out'", "not on Fake GPU"});
}

TEST_F(CudaBackendTest, RefusesOtherChips) {
  Program program;
  EXPECT_ERROR(load(json(counting, "sm_100a"), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"compiled for cuda:sm_100a", "Fake GPU", "sm_90"});
  EXPECT_OK(load(json(counting, "sm_80"), program, error));
  fakeDriver.major = 8;
  attn_context *older = nullptr;
  EXPECT_OK(createContext(&older, error));
  context.reset(older);
  EXPECT_ERROR(load(json(counting), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"compiled for cuda:sm_90a", "is sm_80"});
}

TEST_F(CudaBackendTest, RefusesBrokenCode) {
  Program program;
  EXPECT_ERROR(load(json(counting), program, error, "broken"),
               ATTN_ERROR_DEVICE_ERROR,
               {"cannot load the section 'code/k'", "CUDA_ERROR_FAKE"});
  std::string text = json(counting);
  text.replace(text.find("\"count\""), 7, "\"other\"");
  EXPECT_ERROR(load(text, program, error), ATTN_ERROR_MALFORMED_ARTIFACT,
               {"$.launches[0].kernel", "defines no 'other'"});
}

TEST_F(CudaBackendTest, KeepsCountersForEachStream) {
  Program program = load(json(counting));
  EXPECT_EQ(fakeDriver.fills, 1);
  Binding first = makeBinding(program), second = makeBinding(program);
  size_t bytes = 0;
  EXPECT_OK(attn_binding_workspace_size(first.get(), &bytes, nullptr, error));
  alignas(256) std::vector<char> workspace(bytes + 256, 0x77);
  void *start = reinterpret_cast<void *>(
      (reinterpret_cast<uintptr_t>(workspace.data()) + 255) / 256 * 256);
  auto launch = [&](Binding &binding, uintptr_t stream) {
    EXPECT_OK(attn_launch(binding.get(), start, bytes,
                          reinterpret_cast<void *>(stream), error));
    return fakeDriver.counters.back();
  };
  // One stream, one counter, whichever binding; another stream, another one.
  uint32_t *counter = launch(first, 0);
  EXPECT_EQ(launch(first, 0), counter);
  EXPECT_EQ(launch(second, 0), counter);
  uint32_t *other = launch(first, 7);
  EXPECT_NE(other, counter);
  EXPECT_EQ(launch(first, 0), counter);
  EXPECT_EQ(launch(first, 7), other);
  EXPECT_EQ(fakeDriver.fills, 1);

  // A graph may run beside the stream: it has the workspace.
  auto inWorkspace = [&](uint32_t *address) {
    auto place = reinterpret_cast<char *>(address);
    return place >= start && place < static_cast<char *>(start) + bytes;
  };
  fakeDriver.capturing = {reinterpret_cast<void *>(7)};
  EXPECT_TRUE(inWorkspace(launch(first, 7)));
  EXPECT_EQ(fakeDriver.fills, 2);
  fakeDriver.capturing.clear();
  EXPECT_EQ(launch(first, 7), other);

  // Counters for 64 streams, then the workspace.
  std::vector<uint32_t *> seen;
  for (uintptr_t stream = 100; stream < 170; ++stream)
    seen.push_back(launch(first, stream));
  std::sort(seen.begin(), seen.end());
  size_t distinct =
      size_t(std::unique(seen.begin(), seen.end()) - seen.begin());
  EXPECT_EQ(distinct, 62u + 1u);
  EXPECT_EQ(fakeDriver.fills, 2 + 8);
  EXPECT_EQ(std::count(fakeDriver.found.begin(), fakeDriver.found.end(), 0u),
            long(fakeDriver.found.size()));
  EXPECT_EQ(fakeDriver.allocations, 1);
  first.reset(), second.reset(), program.reset();
  EXPECT_EQ(fakeDriver.frees, 1);
}

TEST_F(CudaBackendTest, EncodesTensorMapsOnce) {
  Program program = load(json(mapping));
  Binding binding = makeBinding(program);
  std::vector<char> memory(1 << 16);
  attn_tensor in{};
  auto bind = [&](size_t offset, int64_t stride) {
    uintptr_t base =
        (reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64;
    in.data = reinterpret_cast<void *>(base + offset);
    in.dtype = ATTN_DTYPE_BF16;
    in.rank = 2;
    in.dims[0] = 10, in.dims[1] = 64;
    in.strides[0] = stride, in.strides[1] = 1;
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  };
  std::vector<int64_t> out(1, -1);
  attn_tensor result = tensorOf(out);
  bind(0, 64);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  for (int n = 0; n < 3; ++n)
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(fakeDriver.encodes, 1);
  EXPECT_EQ(fakeDriver.launches, 3);
  EXPECT_EQ(out[0], int64_t(reinterpret_cast<uintptr_t>(in.data)));
  bind(256, 64);
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(fakeDriver.encodes, 2);
  EXPECT_EQ(out[0], int64_t(reinterpret_cast<uintptr_t>(in.data)));

  // What no map describes is copied.
  for (auto [offset, stride] : {std::pair<size_t, int64_t>{2, 64}, {0, 65}}) {
    bind(offset, stride);
    EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
                 ATTN_ERROR_WORKSPACE_TOO_SMALL, {});
    EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
    EXPECT_NE(out[0], int64_t(reinterpret_cast<uintptr_t>(in.data)));
    EXPECT_EQ(out[0] % 16, 0);
  }
  EXPECT_EQ(fakeDriver.launches, 6);
}

// The driver makes no maps of size 0; a kernel that loads nothing through one
// is launched all the same (rule 13).
TEST_F(CudaBackendTest, MapsEmptyTensors) {
  Program program = load(json(mapping));
  Binding binding = makeBinding(program);
  std::vector<char> memory(1 << 10);
  std::vector<int64_t> out(1, -1);
  attn_tensor in{}, result = tensorOf(out);
  in.dtype = ATTN_DTYPE_BF16;
  in.rank = 2;
  in.dims[0] = 10, in.strides[1] = 1;
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  // Wherever it is, and whatever its strides are.
  for (void *data :
       {static_cast<void *>(nullptr), static_cast<void *>(&memory[2])})
    for (int64_t stride : {0, 1, 64}) {
      in.data = data, in.strides[0] = stride;
      EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
      EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    }
  EXPECT_EQ(fakeDriver.encodes, 6);
  EXPECT_EQ(fakeDriver.launches, 6);
}

TEST_F(CudaBackendTest, CopiesWhatMapsCannotReach) {
  Program program = load(json(mapping));
  Binding binding = makeBinding(program);
  alignas(16) static char memory[1 << 10];
  std::vector<int64_t> out(1, -1);
  attn_tensor in{}, result = tensorOf(out);
  in.data = memory + 512;
  in.dtype = ATTN_DTYPE_BF16;
  in.rank = 2;
  in.dims[0] = 2, in.dims[1] = 8;
  in.strides[1] = 1;
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  auto launch = [&](int64_t stride, attn_error *error) {
    in.strides[0] = stride;
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
    return attn_launch(binding.get(), nullptr, 0, nullptr, error);
  };
  // A row for all, and as far apart as there are addresses for.
  EXPECT_OK(launch(0, error));
  EXPECT_OK(launch((int64_t(1) << 39) - 8, error));
  for (int64_t stride : {int64_t(-8), int64_t(1) << 39, int64_t(1) << 50})
    EXPECT_ERROR(launch(stride, error), ATTN_ERROR_WORKSPACE_TOO_SMALL, {});
  in.strides[0] = -8;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  // A dimension of size 1 is never stepped along.
  in.dims[0] = 1;
  EXPECT_OK(launch(-8, error));
  EXPECT_EQ(fakeDriver.launches, 4);
  // A copy does not help.
  in.dims[0] = 2, in.dims[1] = 7;
  in.strides[0] = 7;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"kernel 'map'", "strides in multiples of 16 bytes",
                "sizes [7, 2]", "[14]"});
}

TEST_F(CudaBackendTest, RefusesMoreSharedMemoryThanThereIs) {
  auto needing = [](const char *bytes) {
    return json(std::string(R"("arguments":[],"results":[],"launches":[
      {"kernel":"copy","code":"code/k","grid":[1,1,1],"args":[],"shared":)") +
                bytes + "}]");
  };
  // One more than a block has; a number whose lower 32 bits are small.
  for (const char *bytes : {"232449", "4294968296", "9000000000000000000"}) {
    Program program = load(needing(bytes));
    Binding binding = makeBinding(program);
    EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
                 ATTN_ERROR_UNSUPPORTED_DEVICE,
                 {"kernel 'copy'", bytes, "Fake GPU has at most 232448"});
  }
  EXPECT_EQ(fakeDriver.launches, 0);
}

TEST_F(CudaBackendTest, FreesWhatItLoadedWhenALaterStepFails) {
  Program program;
  std::string text = json(counting);
  text.replace(text.find("\"count\""), 7, "\"other\"");
  EXPECT_ERROR(load(text, program, error), ATTN_ERROR_MALFORMED_ARTIFACT,
               {"defines no 'other'"});
  EXPECT_EQ(fakeDriver.modules, 0);
  fakeDriver.memoryIsFull = true;
  EXPECT_ERROR(load(json(counting), program, error), ATTN_ERROR_OUT_OF_MEMORY,
               {"cuMemAlloc"});
  EXPECT_EQ(fakeDriver.modules, 0);
  fakeDriver.memoryIsFull = false;
  EXPECT_OK(load(json(counting), program, error));
  EXPECT_EQ(fakeDriver.modules, 1);
  program.reset();
  EXPECT_EQ(fakeDriver.modules, 0);
}

TEST_F(CudaBackendTest, NarrowsThroughTheHost) {
  Program program = load(json(copying(R"("dtype":"i64","narrowed":"i32")")));
  Binding binding = makeBinding(program);
  std::vector<int64_t> data{5, -1, 7, -1, 9, -1, 11};
  attn_tensor in = tensorOf(data);
  // Every other element, backwards.
  in.data = &data[6];
  in.dims[0] = 4;
  in.strides[0] = -2;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  std::vector<int32_t> out(4, -1);
  attn_tensor result = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(out, (std::vector<int32_t>{11, 9, 7, 5}));

  // A launch that fails has launched nothing.
  data[2] = int64_t(1) << 40;
  EXPECT_ERROR(
      attn_launch_alloc(binding.get(), nullptr, error),
      ATTN_ERROR_INVALID_ARGUMENT,
      {"argument 0 'in'", "element [2] = 1099511627776", "does not fit i32"});
  EXPECT_EQ(fakeDriver.launches, 1);
  data[2] = 7;
  fakeDriver.capturing = {nullptr};
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'in'", "32-bit type", "cannot be captured"});
  EXPECT_EQ(fakeDriver.launches, 1);
}

TEST_F(CudaBackendTest, CopiesWhereStridesDiffer) {
  std::string text = copying(R"("dtype":"i32","strides":[1])");
  text.replace(text.find(R"("dtype":"i32","shape":[["dim")"), 14,
               R"("dtype":"i32","dense":true,)");
  Program program = load(json(text));
  Binding binding = makeBinding(program);
  std::vector<int32_t> data{5, -1, 7, -1, 9, -1, 11}, out(10, -1);
  attn_tensor in = tensorOf(data), result = tensorOf(out);
  in.data = &data[6];
  in.dims[0] = 4;
  in.strides[0] = -2;
  result.dims[0] = 4;
  result.strides[0] = 3;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(out, (std::vector<int32_t>{11, -1, -1, 9, -1, -1, 7, -1, -1, 5}));
  fakeDriver.capturing = {nullptr};
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'in'", "cannot be captured", "bind the strides"});
  EXPECT_EQ(fakeDriver.launches, 1);
}

TEST_F(CudaBackendTest, ReportsWhatTheDriverSays) {
  Program program = load(json(copying(R"("dtype":"i32")")));
  Binding binding = makeBinding(program);
  std::vector<int32_t> data{1, 2, 3}, out(3);
  attn_tensor in = tensorOf(data), result = tensorOf(out);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  fakeDriver.launchResult = 700;
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_DEVICE_ERROR,
               {"cannot launch the kernel 'copy'", "CUDA_ERROR_FAKE"});
  fakeDriver.launchResult = 0;
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(out, data);
}

TEST_F(CudaBackendTest, Memory) {
  void *memory = nullptr;
  EXPECT_OK(attn_memory_allocate(context.get(), 12, &memory, error));
  const int32_t source[] = {1, 2, 3};
  EXPECT_OK(attn_memory_copy_in(context.get(), memory, source, sizeof source,
                                nullptr, error));
  int32_t back[2] = {};
  EXPECT_OK(attn_memory_copy_out(context.get(), back,
                                 static_cast<int32_t *>(memory) + 1,
                                 sizeof back, nullptr, error));
  EXPECT_EQ(back[0], 2);
  EXPECT_EQ(back[1], 3);
  EXPECT_EQ(fakeDriver.synchronizations, 2);
  EXPECT_OK(attn_stream_synchronize(context.get(), nullptr, error));
  attn_memory_free(context.get(), memory);
  EXPECT_EQ(fakeDriver.frees, 1);
  EXPECT_ERROR(
      attn_memory_allocate(context.get(), size_t(1) << 40, &memory, error),
      ATTN_ERROR_OUT_OF_MEMORY, {"1099511627776 bytes", "Fake GPU"});
}

} // namespace
