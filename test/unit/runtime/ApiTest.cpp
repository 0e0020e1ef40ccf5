// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the C API promises about versions, handles, executors and artifacts with
// code for several chips; and that misuse of each is a code and a message.
#include "TestArtifact.h"

#include "attn/runtime/Artifact.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace attn::test;

namespace {

/// out[x] += 1 for each x.
std::string countJson(const std::string &extra = "") {
  return makeJson(R"("arguments":[{"name":"out","kind":"buffer","dtype":"i32",
    "access":"readwrite","shape":["?"]}],"results":[],"launches":[{
    "kernel":"count_points","code":"code/cpu",)" +
                  extra + R"("grid":[["dim","out",0],1,1],
    "args":[{"buffer":"out"},{"value":["dim","out",0],"type":"i64"},
            {"value":1,"type":"i64"}]}])");
}

std::string replaced(std::string text, const std::string &from,
                     const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

//===----------------------------------------------------------------------===//
// Versions
//===----------------------------------------------------------------------===//

TEST(ApiTest, AbiVersion) {
  EXPECT_EQ(attn_abi_version(), uint32_t(ATTN_ABI_VERSION));
  EXPECT_NE(attn_version()[0], 0);
  EXPECT_OK(ATTN_CHECK_ABI(error));
  size_t size = sizeof(attn_tensor);
  EXPECT_ERROR(attn_check_abi(0, size, error), ATTN_ERROR_UNSUPPORTED_VERSION,
               {"version 0", "1 .. 3"});
  // A program from before version 2.
  EXPECT_OK(attn_check_abi(1, size, error));
  EXPECT_ERROR(attn_check_abi(ATTN_ABI_VERSION + 1, size, error),
               ATTN_ERROR_UNSUPPORTED_VERSION, {"version 4", "1 .. 3"});
  EXPECT_ERROR(attn_check_abi(1, size - 8, error),
               ATTN_ERROR_UNSUPPORTED_VERSION, {"attn_tensor", "bytes"});
}

TEST(ApiTest, StructSizes) {
  attn_context *context = nullptr;
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.struct_size = sizeof options + 8;
  EXPECT_ERROR(attn_context_create(&options, &context, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"options->struct_size"});
  // A program from before executors.
  attn_executor broken = {};
  options = ATTN_CONTEXT_OPTIONS_INIT;
  options.executor = &broken;
  options.struct_size = offsetof(attn_context_options, executor);
  EXPECT_OK(attn_context_create(&options, &context, error));
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  info.struct_size = offsetof(attn_context_info, reason);
  EXPECT_OK(attn_context_get_info(context, &info, error));
  EXPECT_EQ(info.reason, nullptr);
  attn_context_destroy(context);
}

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

TEST(ApiTest, UseAfterDestroy) {
  Context context = makeContext(1);
  Program program = load(context, countJson());
  Binding binding = makeBinding(program);
  attn_context *deadContext = context.release();
  attn_program *deadProgram = program.release();
  attn_binding *deadBinding = binding.release();
  attn_context_destroy(deadContext);
  attn_program_destroy(deadProgram);
  attn_binding_destroy(deadBinding);

  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  attn_binding *other = nullptr;
  EXPECT_ERROR(attn_context_get_info(deadContext, &info, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"context was destroyed"});
  EXPECT_ERROR(attn_binding_create(deadProgram, &other, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"program was destroyed"});
  EXPECT_ERROR(attn_launch(deadBinding, nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"binding was destroyed"});
  EXPECT_EQ(attn_program_argument_count(deadProgram), 0u);
  EXPECT_STREQ(attn_program_json(deadProgram), "");
  // Once more changes nothing.
  attn_context_destroy(deadContext);
  attn_program_destroy(deadProgram);
  attn_binding_destroy(deadBinding);
}

TEST(ApiTest, OtherHandles) {
  Context context = makeContext(1);
  EXPECT_ERROR(attn_launch(reinterpret_cast<attn_binding *>(context.get()),
                           nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"is not an attn_binding"});
  attn_binding_destroy(reinterpret_cast<attn_binding *>(context.get()));
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(context.get(), &info, error));
}

// Handles are used again, but not soon.
TEST(ApiTest, ManyHandles) {
  Context context = makeContext(1);
  Program program = load(context, countJson());
  attn_binding *dead = makeBinding(program).release();
  attn_binding_destroy(dead);
  for (int i = 0; i < 3000; ++i) {
    Binding binding = makeBinding(program);
    if (i < 1000) {
      ASSERT_NE(binding.get(), dead);
    }
    EXPECT_EQ(attn_program_argument_count(program.get()), 1u);
  }
}

// Memory of the same shape may change without anything being worked out anew.
TEST(ApiTest, OtherMemory) {
  Context context = makeContext(1);
  Program program = load(context, countJson());
  Binding binding = makeBinding(program);
  std::vector<std::vector<int32_t>> memory(3, std::vector<int32_t>(5, 0));
  for (std::vector<int32_t> &counts : memory) {
    attn_tensor tensor = tensorOf(counts);
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    tensor.data = reinterpret_cast<char *>(tensor.data) + 1;
    EXPECT_ERROR(attn_binding_set_argument(binding.get(), 0, &tensor, error),
                 ATTN_ERROR_INVALID_ARGUMENT, {"not aligned"});
    tensor.data = nullptr;
    EXPECT_ERROR(attn_binding_set_argument(binding.get(), 0, &tensor, error),
                 ATTN_ERROR_INVALID_ARGUMENT, {"NULL"});
  }
  for (const std::vector<int32_t> &counts : memory)
    EXPECT_EQ(counts, std::vector<int32_t>(5, 1));
}

//===----------------------------------------------------------------------===//
// Executors
//===----------------------------------------------------------------------===//

using Body = void (*)(void *, int64_t);
using Loop = std::function<void(int64_t, Body, void *)>;

/// A context on this executor.
Context contextOn(Loop &loop, size_t stack) {
  attn_executor executor = {};
  executor.parallel_for = [](void *user, int64_t count, Body body,
                             void *argument) {
    (*static_cast<Loop *>(user))(count, body, argument);
  };
  executor.user = &loop;
  executor.threads = 2;
  executor.stack_bytes = stack;
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.executor = &executor;
  attn_context *context = nullptr;
  EXPECT_OK(attn_context_create(&options, &context, error));
  return Context(context);
}

void inOrder(int64_t count, Body body, void *argument) {
  for (int64_t i = 0; i < count; ++i)
    body(argument, i);
}

class ExecutorTest : public ::testing::Test {
protected:
  void start(const std::string &json = countJson(), size_t stack = 0) {
    context = contextOn(loop, stack);
    program = load(context, json);
    binding = makeBinding(program);
    tensor = tensorOf(counts);
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  }

  Loop loop = inOrder;
  std::vector<int32_t> counts = std::vector<int32_t>(50, 0);
  attn_tensor tensor;
  Context context;
  Program program;
  Binding binding;
};

TEST_F(ExecutorTest, RunsEveryPointOnItsThreads) {
  std::vector<std::thread::id> ids;
  loop = [&](int64_t count, Body body, void *argument) {
    std::thread other([&] {
      ids.push_back(std::this_thread::get_id());
      for (int64_t i = count; i-- > count / 2;)
        body(argument, i);
    });
    for (int64_t i = 0; i < count / 2; ++i)
      body(argument, i);
    other.join();
  };
  start();
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(context.get(), &info, error));
  EXPECT_EQ(info.threads, 2);
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(counts, std::vector<int32_t>(50, 1));
  EXPECT_EQ(ids.size(), 1u);
}

TEST_F(ExecutorTest, StartsNoThreadBesideTheCallers) {
  auto countThreads = [] {
    std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  auto before = countThreads();
  start();
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(counts, std::vector<int32_t>(50, 1));
  EXPECT_EQ(countThreads(), before);
}

TEST_F(ExecutorTest, Misbehaviour) {
  start();
  loop = [](int64_t count, Body body, void *argument) {
    inOrder(count - 1, body, argument);
  };
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_DEVICE_ERROR, {"49 calls of 50"});
  loop = [](int64_t count, Body body, void *argument) {
    inOrder(count + 3, body, argument);
  };
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_DEVICE_ERROR, {"50 calls of 50", "out of range"});
  loop = [](int64_t, Body, void *) { throw std::runtime_error("no threads"); };
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_INTERNAL, {"no threads"});
  loop = inOrder;
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
}

TEST_F(ExecutorTest, Stack) {
  start(countJson(R"("stack":2000000,)"), 1 << 20);
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE,
               {"needs 2000000 bytes of stack", "786432"});
}

TEST_F(ExecutorTest, BadExecutors) {
  attn_executor executor = {};
  executor.threads = 1;
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.executor = &executor;
  attn_context *created = nullptr;
  EXPECT_ERROR(attn_context_create(&options, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"parallel_for is NULL"});
  executor.parallel_for = [](void *, int64_t, Body, void *) {};
  executor.threads = 0;
  EXPECT_ERROR(attn_context_create(&options, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"threads is 0"});
  executor.threads = 1;
  options.threads = 3;
  EXPECT_ERROR(attn_context_create(&options, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"threads is 3", "executor"});
  options.threads = 0;
  options.backend = "cuda";
  EXPECT_ERROR(attn_context_create(&options, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"executor", "'cuda'"});
  options.backend = "auto";
  EXPECT_OK(attn_context_create(&options, &created, error));
  attn_context_destroy(created);
}

// A launch has its binding to itself: seen from inside of one.
TEST_F(ExecutorTest, ConcurrentUse) {
  start();
  loop = [&](int64_t count, Body body, void *argument) {
    EXPECT_ERROR(attn_binding_set_argument(binding.get(), 0, &tensor, error),
                 ATTN_ERROR_INVALID_ARGUMENT, {"in use by another thread"});
    EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
                 ATTN_ERROR_INVALID_ARGUMENT, {"in use by another thread"});
    inOrder(count, body, argument);
  };
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  loop = inOrder;
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(counts, std::vector<int32_t>(50, 2));
}

TEST_F(ExecutorTest, DestroyedWhileInUse) {
  start();
  attn_binding *handle = binding.release();
  loop = [&](int64_t count, Body body, void *argument) {
    attn_binding_destroy(handle);
    attn_binding_destroy(handle);
    inOrder(count, body, argument);
  };
  EXPECT_OK(attn_launch(handle, nullptr, 0, nullptr, error));
  EXPECT_EQ(counts, std::vector<int32_t>(50, 1));
  EXPECT_ERROR(attn_launch(handle, nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"binding was destroyed"});
}

//===----------------------------------------------------------------------===//
// Artifacts with code for several chips
//===----------------------------------------------------------------------===//

struct DestroyArtifact {
  void operator()(attn_artifact *p) const { attn_artifact_destroy(p); }
};
using Artifact = std::unique_ptr<attn_artifact, DestroyArtifact>;

struct Part {
  std::string target, chip, features;
};

std::string makeBundle(const std::vector<Part> &parts) {
  std::string list;
  for (const Part &part : parts)
    list += std::string(list.empty() ? "" : ",") + R"({"target":")" +
            part.target + R"(","chip":")" + part.chip +
            R"(","entry":"f","section":"artifact/)" + part.chip + "\"}";
  attn::runtime::ArtifactWriter writer(
      R"({"format":"attn-bundle","version":1,"variants":[)" + list + "]}");
  std::string error;
  for (const Part &part : parts) {
    std::string json =
        replaced(countJson(), R"("cpu","chip":"test")",
                 "\"" + part.target + R"(","chip":")" + part.chip +
                     R"(","features":[)" + part.features + "]");
    EXPECT_TRUE(
        writer.addSection("artifact/" + part.chip, makeArtifact(json), error))
        << error;
  }
  return writer.toBytes();
}

Artifact open(const std::string &bytes) {
  attn_artifact *artifact = nullptr;
  EXPECT_OK(
      attn_artifact_open_memory(bytes.data(), bytes.size(), &artifact, error));
  return Artifact(artifact);
}

#if defined(__x86_64__)
const std::vector<Part> parts = {{"cpu", "small", ""},
                                 {"cpu", "large", R"("sse2","cx8")"},
                                 {"cpu", "alien", R"("warp9")"},
                                 {"cuda", "sm_90a", ""}};

TEST(BundleTest, LooksInside) {
  Artifact artifact = open(makeBundle(parts));
  ASSERT_EQ(attn_artifact_variant_count(artifact.get()), 4u);
  attn_variant_info info = ATTN_VARIANT_INFO_INIT;
  EXPECT_OK(attn_artifact_variant(artifact.get(), 1, &info, error));
  EXPECT_STREQ(info.target, "cpu");
  EXPECT_STREQ(info.chip, "large");
  EXPECT_STREQ(info.entry, "f");
  EXPECT_EQ(info.launches, 1u);
  EXPECT_EQ(info.code_bytes, kernelsObject().size());
  EXPECT_TRUE(std::strstr(info.json, "cx8"));
  EXPECT_ERROR(attn_artifact_variant(artifact.get(), 4, &info, error),
               ATTN_ERROR_NOT_FOUND, {"no variant 4", "has 4"});
  // An artifact for one chip has one variant.
  Artifact single = open(makeArtifact(countJson()));
  ASSERT_EQ(attn_artifact_variant_count(single.get()), 1u);
  EXPECT_OK(attn_artifact_variant(single.get(), 0, &info, error));
  EXPECT_STREQ(info.chip, "test");
}

TEST(BundleTest, TakesTheBestAndSaysWhy) {
  Artifact artifact = open(makeBundle(parts));
  Context context = makeContext(1);
  attn_program *loaded = nullptr;
  EXPECT_OK(attn_program_load(context.get(), artifact.get(), &loaded, error));
  Program program(loaded);
  EXPECT_STREQ(attn_program_chip(loaded), "large");
  std::string reason = attn_program_reason(loaded);
  for (const char *part :
       {"cpu:large for ", "not cpu:small: it makes less of the device",
        "not cpu:alien: it needs the CPU feature 'warp9'",
        "not cuda:sm_90a: this context runs 'cpu'"})
    EXPECT_NE(reason.find(part), std::string::npos) << part << "\n" << reason;
  // The program outlives the artifact, and runs.
  artifact.reset();
  Binding binding = makeBinding(program);
  std::vector<int32_t> counts(3, 0);
  attn_tensor tensor = tensorOf(counts);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(counts, std::vector<int32_t>(3, 1));
}

TEST(BundleTest, NothingFits) {
  Artifact artifact = open(makeBundle({parts[2], parts[3]}));
  Context context = makeContext(1);
  attn_program *loaded = nullptr;
  EXPECT_ERROR(
      attn_program_load(context.get(), artifact.get(), &loaded, error),
      ATTN_ERROR_UNSUPPORTED_DEVICE,
      {"nothing that runs here", "cpu:alien: it needs", "cuda:sm_90a"});
  attn_context *created = nullptr;
  EXPECT_ERROR(
      attn_context_create_for(artifact.get(), nullptr, &created, error),
      ATTN_ERROR_UNSUPPORTED_DEVICE, {"not cuda: ", "not cpu: ", "'warp9'"});
}

TEST(BundleTest, AutoTakesWhatTheArtifactHolds) {
  Artifact artifact = open(makeBundle({parts[0], parts[1]}));
  attn_context *created = nullptr;
  EXPECT_OK(attn_context_create_for(artifact.get(), nullptr, &created, error));
  Context context(created);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(created, &info, error));
  EXPECT_STREQ(info.backend, "cpu");
  std::string reason = info.reason;
  for (const char *part : {"cpu: cpu:large for ",
                           "not cuda: the artifact holds cpu:small, cpu:large"})
    EXPECT_NE(reason.find(part), std::string::npos) << part << "\n" << reason;
  EXPECT_ERROR(attn_context_create_for(nullptr, nullptr, &created, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"artifact is NULL"});
}

TEST(BundleTest, Malformed) {
  std::string good = R"({"format":"attn-bundle","version":1,"variants":[
    {"target":"cpu","chip":"test","entry":"f","section":"artifact/0"}]})";
  auto expectFailure = [&](const std::string &json, attn_status status,
                           std::initializer_list<const char *> messages) {
    attn::runtime::ArtifactWriter writer(json);
    std::string problem, bytes = makeArtifact(countJson());
    EXPECT_TRUE(writer.addSection("artifact/0", bytes, problem)) << problem;
    EXPECT_TRUE(writer.addSection("artifact/1", "text", problem)) << problem;
    bytes = writer.toBytes();
    attn_artifact *artifact = nullptr;
    EXPECT_ERROR(
        attn_artifact_open_memory(bytes.data(), bytes.size(), &artifact, error),
        status, messages);
    attn_artifact_destroy(artifact);
  };
  expectFailure(replaced(good, "artifact/0", "artifact/2"),
                ATTN_ERROR_MALFORMED_ARTIFACT, {"no section 'artifact/2'"});
  expectFailure(replaced(good, "artifact/0", "artifact/1"),
                ATTN_ERROR_MALFORMED_ARTIFACT,
                {"artifact/1", "not an attention artifact"});
  expectFailure(replaced(good, "\"test\"", "\"other\""),
                ATTN_ERROR_MALFORMED_ARTIFACT, {"holds cpu:test, not"});
  expectFailure(replaced(good, ":1", ":2"), ATTN_ERROR_UNSUPPORTED_VERSION,
                {"bundle has version 2"});
  expectFailure(replaced(good, "\"entry\"", "\"enter\""),
                ATTN_ERROR_MALFORMED_ARTIFACT, {"$.variants[0].enter"});
  expectFailure(R"({"format":"attn-bundle","version":1,"variants":[]})",
                ATTN_ERROR_MALFORMED_ARTIFACT, {"at least one variant"});
}
#endif

TEST(ApiTest, ArtifactMisuse) {
  attn_artifact *artifact = nullptr;
  EXPECT_ERROR(attn_artifact_open_memory("text", 4, &artifact, error),
               ATTN_ERROR_MALFORMED_ARTIFACT, {"not an attention artifact"});
  EXPECT_ERROR(attn_artifact_open_memory(nullptr, 4, &artifact, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"data is NULL"});
  EXPECT_ERROR(attn_artifact_open_memory("text", 4, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"artifact is NULL"});
  EXPECT_ERROR(attn_artifact_open_file("/no/such/file", &artifact, error),
               ATTN_ERROR_NOT_FOUND, {"/no/such/file"});
  EXPECT_ERROR(attn_artifact_open_file(nullptr, &artifact, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"path is NULL"});
  EXPECT_EQ(attn_artifact_variant_count(nullptr), 0u);
  Context context = makeContext(1);
  attn_program *program = nullptr;
  EXPECT_ERROR(attn_program_load(context.get(), nullptr, &program, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"artifact is NULL"});
  Artifact dead = open(makeArtifact(countJson()));
  artifact = dead.release();
  attn_artifact_destroy(artifact);
  EXPECT_ERROR(attn_program_load(context.get(), artifact, &program, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"artifact was destroyed"});
}

} // namespace
