// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launching real code on the CPU: every grid point once, in order across
// launches, with temporaries, strides, scalars, narrowing and from several
// threads at once.
#include "TestArtifact.h"

#include <algorithm>
#include <array>
#include <cfenv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <pthread.h>
#include <thread>
#include <tuple>

using namespace attn::test;

namespace {

class LaunchTest : public ::testing::TestWithParam<int32_t> {
protected:
  Context context = makeContext(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Threads, LaunchTest, ::testing::Values(1, 2, 3, 8));

const std::string countJson = makeJson(R"(
  "arguments":[{"name":"out","kind":"buffer","dtype":"i32","access":"write",
                "shape":["?","?","?"]}],
  "results":[],
  "launches":[{"kernel":"count_points","code":"code/cpu",
    "grid":[["dim","out",2],["dim","out",1],["dim","out",0]],
    "args":[{"buffer":"out"},{"value":["dim","out",2],"type":"i64"},
            {"value":["dim","out",1],"type":"i64"}]}])");

TEST_P(LaunchTest, EveryPointRunsOnce) {
  Program program = load(context, countJson);
  Binding binding = makeBinding(program);
  for (auto [z, y, x] : {std::array<int64_t, 3>{1, 1, 1},
                         {3, 5, 7},
                         {1, 1, 1000},
                         {100, 1, 1},
                         {2, 300, 1}}) {
    std::vector<int32_t> counts(size_t(x * y * z), 0);
    attn_tensor out = tensorOf(counts, {z, y, x});
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &out, error));
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    EXPECT_EQ(counts, std::vector<int32_t>(counts.size(), 1));
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    EXPECT_EQ(counts, std::vector<int32_t>(counts.size(), 2));
  }
}

TEST_P(LaunchTest, EmptyGridIsSkipped) {
  Program program = load(context, countJson);
  Binding binding = makeBinding(program);
  attn_tensor out{};
  out.dtype = ATTN_DTYPE_I32;
  out.rank = 3;
  out.dims[0] = 4, out.dims[1] = 0, out.dims[2] = 4;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &out, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
}

/// out[0] = in[0], whatever the size of in.
const std::string readJson = makeJson(R"(
  "arguments":[{"name":"in","kind":"buffer","dtype":"i64","access":"read",
                "shape":["?"]}],
  "results":[{"name":"out","dtype":"i64","shape":[1]}],
  "launches":[{"kernel":"prefix_sum_backwards","code":"code/cpu","grid":[1,1,1],
    "args":[{"buffer":"in"},{"buffer":"out"},{"value":1,"type":"i64"}]}])");

// Kernels may read the first element of what has none (rule 8): a zero.
TEST_P(LaunchTest, EmptyTensorsReadAsZero) {
  Program program = load(context, readJson);
  Binding binding = makeBinding(program);
  attn_tensor in{};
  in.dtype = ATTN_DTYPE_I64;
  in.rank = 1;
  in.strides[0] = 1;
  std::vector<int64_t> out(1, 7);
  attn_tensor tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(out[0], 0);
  // Another one is read where it is.
  std::vector<int64_t> full(1, 5);
  in = tensorOf(full);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(out[0], 5);
}

/// Two launches with a temporary between them: out[x] = sum of factor * i for
/// i >= x, which is right only if every point of the first ran before any of
/// the second, and if the temporary was zeroed.
const std::string twoLaunches = makeJson(R"(
  "arguments":[{"name":"factor","kind":"scalar","dtype":"i64"},
               {"name":"n","kind":"scalar","dtype":"i64"}],
  "results":[{"name":"out","dtype":"i64","shape":[["scalar","n"]]}],
  "temporaries":[{"name":"spare","bytes":8},
                 {"name":"t","bytes":["mul",8,["scalar","n"]],"zero":true}],
  "launches":[
    {"kernel":"produce","code":"code/cpu","grid":[["scalar","n"],1,1],
     "args":[{"buffer":"t"},{"scalar":"factor"}]},
    {"kernel":"prefix_sum_backwards","code":"code/cpu","grid":[["scalar","n"],1,1],
     "args":[{"buffer":"t"},{"buffer":"out"},{"value":["scalar","n"],"type":"i64"}]}])");

std::vector<int64_t> expectedSums(int64_t factor, int64_t n) {
  std::vector<int64_t> sums(size_t(n), 0);
  for (int64_t x = n - 1; x >= 0; --x)
    sums[size_t(x)] = factor * x + (x + 1 < n ? sums[size_t(x) + 1] : 0);
  return sums;
}

/// Binds and launches `twoLaunches` `times` times in a dirty workspace.
void runTwoLaunches(const Program &program, int64_t factor, int64_t n,
                    int times) {
  Binding binding = makeBinding(program);
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 0, factor, error));
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 1, n, error));
  std::vector<int64_t> out(size_t(n), -1);
  attn_tensor tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  size_t bytes = 0, alignment = 0;
  EXPECT_OK(
      attn_binding_workspace_size(binding.get(), &bytes, &alignment, error));
  EXPECT_EQ(bytes, size_t(64 + 8 * n));
  std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(alignment,
                         (bytes + alignment - 1) / alignment * alignment),
      &std::free);
  for (int i = 0; i < times; ++i) {
    std::memset(workspace.get(), 0x5a, bytes);
    std::fill(out.begin(), out.end(), -1);
    EXPECT_OK(
        attn_launch(binding.get(), workspace.get(), bytes, nullptr, error));
    ASSERT_EQ(out, expectedSums(factor, n));
  }
  std::fill(out.begin(), out.end(), -1);
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(out, expectedSums(factor, n));
}

TEST_P(LaunchTest, LaunchesRunInOrder) {
  Program program = load(context, twoLaunches);
  runTwoLaunches(program, 3, 1, 3);
  runTwoLaunches(program, 5, 700, 50);
}

TEST_P(LaunchTest, ConcurrentLaunches) {
  Program program = load(context, twoLaunches);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t)
    threads.emplace_back(
        [&, t] { runTwoLaunches(program, t, 50 + 10 * t, 40); });
  // Loading and launching something else meanwhile is fine as well.
  threads.emplace_back([&] {
    for (int i = 0; i < 10; ++i)
      runTwoLaunches(load(context, twoLaunches), 9, 20, 2);
  });
  for (std::thread &thread : threads)
    thread.join();
}

// The same when no caller has the stack to take part, so that every launch is
// the workers' alone.
TEST_P(LaunchTest, ConcurrentLaunchesOnWorkers) {
  std::string json = twoLaunches;
  for (size_t at = 0; (at = json.find("\"grid\"", at)) != std::string::npos;
       at += 30)
    json.insert(at, "\"stack\":15728640,");
  Program program = load(context, json);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t)
    threads.emplace_back(
        [&, t] { runTwoLaunches(program, t, 50 + 10 * t, 40); });
  for (std::thread &thread : threads)
    thread.join();
}

// The pool goes to sleep between launches; waking it must not lose a job.
TEST_P(LaunchTest, LaunchesAfterSleep) {
  Program program = load(context, twoLaunches);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    runTwoLaunches(program, i, 30, 1);
  }
}

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

/// One launch of a kernel on scalars a, b, c, with `extra` fields.
std::string gridJson(const std::string &kernel, const std::string &extra,
                     const std::string &arguments) {
  return makeJson(R"("arguments":[
      {"name":"a","kind":"scalar","dtype":"i64"},
      {"name":"b","kind":"scalar","dtype":"i64"},
      {"name":"c","kind":"scalar","dtype":"i64"},
      {"name":"out","kind":"buffer","dtype":"i64","shape":["?"],"access":"readwrite"}],
    "results":[],
    "launches":[{"kernel":")" +
                  kernel + R"(","code":"code/cpu",
      "grid":[["scalar","a"],["scalar","b"],["scalar","c"]],)" +
                  extra + R"("args":[)" + arguments + "]}]");
}

class GridTest : public ::testing::Test {
protected:
  void bindTo(const std::string &json, size_t size, Context &context) {
    program = load(context, json);
    binding = makeBinding(program);
    out.assign(size, 0);
    attn_tensor tensor = tensorOf(out);
    EXPECT_OK(attn_binding_set_argument(binding.get(), 3, &tensor, error));
  }
  attn_status launch(int64_t a, int64_t b, int64_t c, attn_error *error) {
    for (auto [index, value] :
         {std::pair<size_t, int64_t>{0, a}, {1, b}, {2, c}})
      EXPECT_OK(
          attn_binding_set_scalar_i64(binding.get(), index, value, error));
    return attn_launch(binding.get(), nullptr, 0, nullptr, error);
  }

  Context one = makeContext(1);
  Program program;
  Binding binding;
  std::vector<int64_t> out;
};

// The documented order: x fastest, z slowest; reverse turns it around.
TEST_F(GridTest, Order) {
  for (bool reverse : {false, true}) {
    bindTo(gridJson("log_order",
                    reverse ? R"("order":"reverse",)" : R"("order":"forward",)",
                    R"({"buffer":"out"})"),
           1 + 2 * 3 * 2, one);
    EXPECT_OK(launch(2, 3, 2, error));
    std::vector<int64_t> expected;
    for (int z = 0; z < 2; ++z)
      for (int y = 0; y < 3; ++y)
        for (int x = 0; x < 2; ++x)
          expected.push_back(z * 100 + y * 10 + x);
    if (reverse)
      std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(out[0], 12);
    EXPECT_EQ(std::vector<int64_t>(out.begin() + 1, out.end()), expected);
  }
}

TEST_F(GridTest, EmptyNegativeAndHuge) {
  bindTo(gridJson("answer", "", R"({"buffer":"out"})"), 1, one);
  for (auto [a, b, c] : {std::array<int64_t, 3>{0, 1, 1},
                         {1, 0, 1},
                         {1, 1, 0},
                         {0, INT64_MAX, INT64_MAX}})
    EXPECT_OK(launch(a, b, c, error));
  EXPECT_EQ(out[0], 0);
  EXPECT_ERROR(launch(1, -1, 1, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"$.launches[0].grid[1]", "-1"});
  EXPECT_ERROR(launch(0, -1, 1, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"$.launches[0].grid[1]", "-1"});
  EXPECT_ERROR(launch(INT64_MAX, 2, 1, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"launch 0 of 'answer'", "2^63"});
  EXPECT_EQ(out[0], 0);
  EXPECT_OK(launch(1, 1, 1, error));
  EXPECT_EQ(out[0], 1);
}

TEST_F(GridTest, When) {
  bindTo(gridJson("answer", R"("when":["gt",["scalar","b"],1],)",
                  R"({"buffer":"out"})"),
         1, one);
  EXPECT_OK(launch(1, 1, 1, error));
  EXPECT_EQ(out[0], 0);
  EXPECT_OK(launch(1, 2, 1, error));
  EXPECT_EQ(out[0], 1);
}

// i32 values are checked before anything runs.
TEST_F(GridTest, ValueOutOfRange) {
  bindTo(gridJson("answer", "",
                  R"({"buffer":"out"},
                     {"value":["mul",["scalar","c"],1073741824],"type":"i32"})"),
         1, one);
  EXPECT_OK(launch(1, 1, 1, error));
  out[0] = 0;
  EXPECT_ERROR(launch(1, 1, 2, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"$.launches[0].args[1].value", "2147483648 does not fit i32"});
  EXPECT_EQ(out[0], 0);
}

// What is never stepped along has any stride.
TEST_F(GridTest, StrideOfSizeOne) {
  bindTo(gridJson("answer", "",
                  R"({"buffer":"out"},
                     {"value":["stride","out",0],"type":"i32"})"),
         1, one);
  attn_tensor bound = tensorOf(out);
  for (int64_t stride : {int64_t(1) << 40, INT64_MIN, int64_t(7)}) {
    bound.dims[0] = 1;
    bound.strides[0] = stride;
    EXPECT_OK(attn_binding_set_argument(binding.get(), 3, &bound, error));
    EXPECT_OK(launch(1, 1, 1, error));
  }
}

// So has a dimension of a tensor without elements.
TEST_F(GridTest, StrideOfNothing) {
  program = load(one, makeJson(R"("arguments":[
      {"name":"in","kind":"buffer","dtype":"f32","shape":["?","?"],"access":"read"},
      {"name":"out","kind":"buffer","dtype":"i64","shape":["?"],"access":"readwrite"}],
    "results":[],
    "launches":[{"kernel":"answer","code":"code/cpu","grid":[1,1,1],"args":[
      {"buffer":"out"},
      {"value":["stride","in",1],"type":"i32","multiple":2}]}])"));
  binding = makeBinding(program);
  out.assign(1, 0);
  attn_tensor in{}, bound = tensorOf(out);
  in.dtype = ATTN_DTYPE_F32;
  in.rank = 2;
  in.dims[1] = 3, in.strides[1] = 1;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  EXPECT_OK(attn_binding_set_argument(binding.get(), 1, &bound, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(out[0], 1);
}

// Strides and addresses may have to be multiples.
TEST_F(GridTest, Multiples) {
  bindTo(gridJson("answer", "",
                  R"({"buffer":"out","multiple":8},
                     {"value":["scalar","c"],"type":"i64","multiple":8})"),
         1, one);
  EXPECT_OK(launch(1, 1, 16, error));
  EXPECT_ERROR(launch(1, 1, 12, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'c' = 12 is no multiple of 8"});
  bindTo(gridJson("answer", "", R"({"buffer":"out","multiple":16})"), 2, one);
  attn_tensor second = tensorOf(out);
  second.data = out.data() + 1;
  second.dims[0] = 1;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 3, &second, error));
  // What lies elsewhere is copied, and back.
  EXPECT_ERROR(launch(1, 1, 1, error), ATTN_ERROR_WORKSPACE_TOO_SMALL, {});
  int64_t bytes = 0;
  EXPECT_OK(attn_binding_metric(binding.get(), "copied_bytes", &bytes, error));
  EXPECT_EQ(bytes, 8);
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(out, (std::vector<int64_t>{0, 1}));
  // Other memory with the same sizes is asked again.
  second.data = out.data();
  EXPECT_OK(attn_binding_set_argument(binding.get(), 3, &second, error));
  EXPECT_OK(launch(1, 1, 1, error));
  EXPECT_EQ(out, (std::vector<int64_t>{1, 1}));
  EXPECT_OK(attn_binding_metric(binding.get(), "copied_bytes", &bytes, error));
  EXPECT_EQ(bytes, 0);
  // So is what has other strides; if dense ones do no better, they are named.
  bindTo(gridJson("answer", "",
                  R"({"buffer":"out","multiple":8},
                     {"value":["stride","out",0],"type":"i64","multiple":2})"),
         8, one);
  attn_tensor apart = tensorOf(out);
  apart.dims[0] = 3;
  apart.strides[0] = 3;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 3, &apart, error));
  EXPECT_ERROR(launch(1, 1, 1, error), ATTN_ERROR_WORKSPACE_TOO_SMALL, {});
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"1 is no multiple of 2"});
}

//===----------------------------------------------------------------------===//
// Stacks and the floating-point environment
//===----------------------------------------------------------------------===//

TEST_F(GridTest, Stack) {
  Context contexts[] = {makeContext(1), makeContext(3)};
  for (Context &context : contexts) {
    program = load(context, makeJson(R"(
      "arguments":[{"name":"n","kind":"scalar","dtype":"i64"},
                   {"name":"bytes","kind":"scalar","dtype":"i64"},
                   {"name":"c","kind":"scalar","dtype":"i64"},
                   {"name":"out","kind":"buffer","dtype":"i64","shape":["?"],"access":"write"}],
      "results":[],
      "launches":[{"kernel":"use_stack","code":"code/cpu","grid":[["scalar","n"],1,1],
        "stack":["scalar","bytes"],
        "args":[{"buffer":"out"},{"scalar":"bytes"}]}])"));
    binding = makeBinding(program);
    out.assign(16, -1);
    attn_tensor tensor = tensorOf(out);
    EXPECT_OK(attn_binding_set_argument(binding.get(), 3, &tensor, error));
    // More than a caller's usual stack, from a caller that has little.
    for (int64_t bytes : {int64_t(1) << 20, int64_t(15) << 20}) {
      for (bool small : {false, true}) {
        out.assign(16, -1);
        std::function<void()> call = [&] {
          EXPECT_OK(launch(16, bytes, 1, error));
        };
        auto run = [](void *opaque) -> void * {
          (*static_cast<std::function<void()> *>(opaque))();
          return nullptr;
        };
        if (!small) {
          call();
        } else {
          pthread_attr_t attributes;
          pthread_attr_init(&attributes);
          ASSERT_EQ(pthread_attr_setstacksize(&attributes, 512 << 10), 0);
          pthread_t thread;
          ASSERT_EQ(pthread_create(&thread, &attributes, run, &call), 0);
          pthread_join(thread, nullptr);
          pthread_attr_destroy(&attributes);
        }
        EXPECT_EQ(out, std::vector<int64_t>(16, bytes / 64));
      }
    }
    EXPECT_ERROR(launch(1, 16 << 20, 1, error), ATTN_ERROR_UNSUPPORTED_DEVICE,
                 {"'use_stack'", "16777216 bytes of stack"});
    EXPECT_ERROR(launch(1, -1, 1, error), ATTN_ERROR_INVALID_ARGUMENT,
                 {"launch 0 of 'use_stack'", "negative"});
  }
}

// A caller that rounds upwards or treats denormals as zeros gets the usual bits
// and its own settings back. Results that would be denormal are 0 for
// everybody: their products may take a hundred times as long.
TEST_P(LaunchTest, FloatEnvironment) {
  Program program = load(context, makeJson(R"(
    "arguments":[{"name":"in","kind":"buffer","dtype":"f32","shape":["?"],"access":"read"},
                 {"name":"factor","kind":"scalar","dtype":"f32"}],
    "results":[{"name":"out","dtype":"f32","shape":[["dim","in",0]]}],
    "launches":[{"kernel":"scale","code":"code/cpu","grid":[["dim","in",0],1,1],
      "args":[{"buffer":"out"},{"buffer":"in"},{"scalar":"factor"}]}])"));
  Binding binding = makeBinding(program);
  std::vector<float> in(64, 1.0000001f), out(64, 0);
  attn_tensor tensor = tensorOf(in);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_binding_set_scalar_f32(binding.get(), 1, 1.0000001f, error));
  tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  std::fesetround(FE_UPWARD);
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  int rounding = std::fegetround();
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(rounding, FE_UPWARD);
  EXPECT_EQ(out, std::vector<float>(64, 0x1.000004p0f));

#if defined(__x86_64__)
  constexpr float smallest = std::numeric_limits<float>::min();
  constexpr unsigned zeroDenormals = 0x8040; // results and operands
  unsigned saved = __builtin_ia32_stmxcsr();
  for (unsigned mode : {0u, zeroDenormals})
    for (auto [value, factor, expected] :
         {std::tuple(smallest, 0.5f, 0.0f), {smallest / 2, 2.0f, smallest}}) {
      std::fill(in.begin(), in.end(), value);
      EXPECT_OK(attn_binding_set_scalar_f32(binding.get(), 1, factor, error));
      __builtin_ia32_ldmxcsr(saved | mode);
      attn_status status =
          attn_launch(binding.get(), nullptr, 0, nullptr, nullptr);
      unsigned after = __builtin_ia32_stmxcsr();
      __builtin_ia32_ldmxcsr(saved);
      EXPECT_EQ(status, ATTN_OK);
      EXPECT_EQ(after & zeroDenormals, (saved | mode) & zeroDenormals);
      EXPECT_EQ(out, std::vector<float>(64, expected));
    }
#endif
}

//===----------------------------------------------------------------------===//
// Words, strides and narrowing
//===----------------------------------------------------------------------===//

TEST_F(GridTest, Slots) {
  Program program = load(one, makeJson(R"(
    "arguments":[
      {"name":"out","kind":"buffer","dtype":"i64","shape":["?"],"access":"write"},
      {"name":"i32","kind":"scalar","dtype":"i32"},
      {"name":"f32","kind":"scalar","dtype":"f32"},
      {"name":"f64","kind":"scalar","dtype":"f64"},
      {"name":"i1","kind":"scalar","dtype":"i1"}],
    "results":[{"name":"r","dtype":"f32","shape":[1]}],
    "temporaries":[{"name":"t","bytes":8}],
    "launches":[{"kernel":"dump_slots","code":"code/cpu","grid":[1,1,1],
      "args":[{"buffer":"out"},{"value":12,"type":"i64"},
              {"scalar":"i32"},{"scalar":"f32"},{"scalar":"f64"},{"scalar":"i1"},
              {"value":-2,"type":"i64"},{"value":-3,"type":"i32"},{"value":7,"type":"f32"},
              {"buffer":"r"},{"buffer":"t"},{"value":["threads"],"type":"i64"}]}])"));
  Binding binding = makeBinding(program);
  std::vector<int64_t> words(12, -1);
  std::vector<float> r(1);
  attn_tensor tensor = tensorOf(words);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 1, -5, error));
  EXPECT_OK(attn_binding_set_scalar_f32(binding.get(), 2, -1.5f, error));
  EXPECT_OK(attn_binding_set_scalar_f64(binding.get(), 3, 2.5, error));
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 4, 1, error));
  tensor = tensorOf(r);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  alignas(64) char workspace[64];
  EXPECT_OK(attn_launch(binding.get(), workspace, 64, nullptr, error));
  auto address = [](const void *p) {
    return int64_t(reinterpret_cast<intptr_t>(p));
  };
  EXPECT_EQ(words,
            (std::vector<int64_t>{address(words.data()), 12, -5, 0xbfc00000,
                                  0x4004000000000000, 1, -2, -3, 0x40e00000,
                                  address(r.data()), address(workspace), 1}));
}

/// A 2-D copy of an i32 or, narrowed, i64 input.
std::string copyJson(const std::string &inputType) {
  return makeJson(R"(
    "arguments":[{"name":"in","kind":"buffer",)" +
                  inputType +
                  R"(,"shape":["?","?"],"access":"read"}],
    "results":[{"name":"out","dtype":"i32","shape":[["dim","in",0],["dim","in",1]]}],
    "launches":[{"kernel":"copy_strided","code":"code/cpu",
      "grid":[["dim","in",1],["dim","in",0],1],
      "args":[{"buffer":"out"},{"buffer":"in"},{"value":["stride","out",0],"type":"i64"},
              {"value":["stride","in",0],"type":"i64"},{"value":["stride","in",1],"type":"i64"}]}])");
}

TEST_P(LaunchTest, Strides) {
  Program program = load(context, copyJson(R"("dtype":"i32")"));
  std::vector<int32_t> data(60);
  std::iota(data.begin(), data.end(), 0);
  struct {
    int64_t offset, rows, columns, rowStride, columnStride;
  } views[] = {{0, 6, 10, 10, 1},    {0, 10, 6, 1, 10}, {13, 3, 4, 10, 2},
               {59, 6, 10, -10, -1}, {7, 5, 4, 0, 1},   {3, 4, 5, 10, 0}};
  for (auto &view : views) {
    Binding binding = makeBinding(program);
    attn_tensor in{};
    in.data = data.data() + view.offset;
    in.dtype = ATTN_DTYPE_I32;
    in.rank = 2;
    in.dims[0] = view.rows, in.dims[1] = view.columns;
    in.strides[0] = view.rowStride, in.strides[1] = view.columnStride;
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
    std::vector<int32_t> out(size_t(view.rows * view.columns), -1), expected;
    attn_tensor result = tensorOf(out, {view.rows, view.columns});
    EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    for (int64_t y = 0; y < view.rows; ++y)
      for (int64_t x = 0; x < view.columns; ++x)
        expected.push_back(data[size_t(view.offset + y * view.rowStride +
                                       x * view.columnStride)]);
    EXPECT_EQ(out, expected);
  }
}

TEST_P(LaunchTest, NarrowedIntegers) {
  Program program =
      load(context, copyJson(R"("dtype":"i64","narrowed":"i32")"));
  attn_argument_info info = ATTN_ARGUMENT_INFO_INIT;
  EXPECT_OK(attn_program_argument(program.get(), 0, &info, error));
  EXPECT_EQ(info.dtype, ATTN_DTYPE_I64);
  EXPECT_EQ(info.narrowed, ATTN_DTYPE_I32);
  // Columns of a wider matrix, upside down: the copy is dense.
  std::vector<int64_t> data(40);
  std::iota(data.begin(), data.end(), -20);
  data[9] = INT32_MIN;
  data[31] = INT32_MAX;
  Binding binding = makeBinding(program);
  attn_tensor in{};
  in.data = data.data() + 30;
  in.dtype = ATTN_DTYPE_I64;
  in.rank = 2;
  in.dims[0] = 4, in.dims[1] = 5;
  in.strides[0] = -10, in.strides[1] = 1;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
  std::vector<int32_t> out(20, -1);
  attn_tensor result = tensorOf(out, {4, 5});
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
  size_t bytes = 0;
  EXPECT_OK(attn_binding_workspace_size(binding.get(), &bytes, nullptr, error));
  EXPECT_EQ(bytes, 80u);
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x)
      EXPECT_EQ(out[size_t(y * 5 + x)], data[size_t(30 - 10 * y + x)]);

  // The first element out of range is named and nothing runs.
  std::fill(out.begin(), out.end(), -1);
  data[22] = int64_t(INT32_MAX) + 1;
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'in'", "element [1,2] = 2147483648", "i32"});
  data[22] = int64_t(INT32_MIN) - 1;
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"element [1,2] = -2147483649"});
  EXPECT_EQ(out, std::vector<int32_t>(20, -1));
}

/// A strided matrix in memory of its own.
struct View {
  std::vector<int32_t> data;
  attn_tensor tensor{};
  View(int64_t size, int64_t first, int64_t rows, int64_t columns,
       int64_t rowStride, int64_t columnStride)
      : data(size_t(size), -7) {
    tensor.data = data.data() + first;
    tensor.dtype = ATTN_DTYPE_I32;
    tensor.rank = 2;
    tensor.dims[0] = rows, tensor.dims[1] = columns;
    tensor.strides[0] = rowStride, tensor.strides[1] = columnStride;
  }
  int32_t &at(int64_t row, int64_t column) {
    return static_cast<int32_t *>(
        tensor.data)[row * tensor.strides[0] + column * tensor.strides[1]];
  }
};

// Tensors with other strides than the code needs are copied, in and out; what
// lies between the elements stays.
TEST_P(LaunchTest, CopiesWhereStridesDiffer) {
  Program program = load(context, makeJson(R"("arguments":[
      {"name":"in","kind":"buffer","dtype":"i32","shape":["?","?"],"access":"read",
       "strides":["?",1]},
      {"name":"out","kind":"buffer","dtype":"i32","shape":["?","?"],"access":"readwrite",
       "strides":["?",1]}],
    "results":[{"name":"again","dtype":"i32","dense":true,
                "shape":[["dim","in",0],["dim","in",1]]}],
    "launches":[{"kernel":"copy_strided","code":"code/cpu",
      "grid":[["dim","in",1],["dim","in",0],1],
      "args":[{"buffer":"out"},{"buffer":"in"},{"value":["stride","out",0],"type":"i64"},
              {"value":["stride","in",0],"type":"i64"},{"value":1,"type":"i64"}]},
     {"kernel":"copy_strided","code":"code/cpu",
      "grid":[["dim","in",1],["dim","in",0],1],
      "args":[{"buffer":"again"},{"buffer":"out"},{"value":["stride","again",0],"type":"i64"},
              {"value":["stride","out",0],"type":"i64"},{"value":1,"type":"i64"}]}])"));
  struct {
    int64_t first, rowStride, columnStride;
    size_t bytes;
  } layouts[] = {
      {0, 5, 1, 0}, {0, 1, 4, 80}, {3, 10, 2, 80}, {39, -10, -2, 80}};
  for (auto &from : layouts)
    for (auto &to : layouts)
      for (auto &last : layouts) {
        View in(42, from.first, 4, 5, from.rowStride, from.columnStride);
        View out(42, to.first, 4, 5, to.rowStride, to.columnStride);
        View again(42, last.first, 4, 5, last.rowStride, last.columnStride);
        for (int y = 0; y < 4; ++y)
          for (int x = 0; x < 5; ++x)
            in.at(y, x) = 10 * y + x;
        std::vector<int32_t> expectedOut = out.data, expectedAgain = again.data;
        Binding binding = makeBinding(program);
        EXPECT_OK(
            attn_binding_set_argument(binding.get(), 0, &in.tensor, error));
        EXPECT_OK(
            attn_binding_set_argument(binding.get(), 1, &out.tensor, error));
        EXPECT_OK(
            attn_binding_set_result(binding.get(), 0, &again.tensor, error));
        size_t bytes = 0;
        EXPECT_OK(
            attn_binding_workspace_size(binding.get(), &bytes, nullptr, error));
        auto align = [](size_t n) { return (n + 63) / 64 * 64; };
        size_t expected = 0;
        for (size_t part : {from.bytes, to.bytes, last.bytes})
          expected = part ? align(expected) + part : expected;
        EXPECT_EQ(bytes, expected);
        EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
        for (int y = 0; y < 4; ++y)
          for (int x = 0; x < 5; ++x) {
            ASSERT_EQ(out.at(y, x), 10 * y + x);
            ASSERT_EQ(again.at(y, x), 10 * y + x);
            out.at(y, x) = again.at(y, x) = -7;
          }
        EXPECT_EQ(out.data, expectedOut);
        EXPECT_EQ(again.data, expectedAgain);
      }
}

// A dense copy would not have such strides, either.
TEST_F(GridTest, RefusesStridesThatNoCopyHas) {
  Program program = load(one, copyJson(R"("dtype":"i32","strides":[20,2])"));
  View in(60, 0, 3, 5, 10, 1);
  Binding binding = makeBinding(program);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in.tensor, error));
  EXPECT_ERROR(
      attn_binding_validate(binding.get(), error), ATTN_ERROR_INVALID_ARGUMENT,
      {"argument 0 'in'", "rule 1: the code needs stride 20 in dimension 0",
       "(stride = 10)"});
  // Of one row and one column no stride is used.
  for (int64_t *dim : {&in.tensor.dims[0], &in.tensor.dims[1]})
    *dim = 1;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in.tensor, error));
  View out(1, 0, 1, 1, 1, 1);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &out.tensor, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
}

// Checks of contents count elements as kernels do.
TEST_P(LaunchTest, ChecksContentsOfCopies) {
  std::string json = copyJson(R"("dtype":"i32","strides":["?",1])");
  json.insert(json.rfind('}'),
              R"(,"checks":[{"forall":[["dim","in",0],["dim","in",1]],
    "expr":["eq",["load","in",["add",["mul",["index",0],["stride","in",0]],["index",1]]],
            ["add",["mul",["index",0],10],["index",1]]],
    "message":"another number"}])");
  Program program = load(context, json);
  View in(40, 3, 4, 5, 1, 7);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x)
      in.at(y, x) = 10 * y + x;
  Binding binding = makeBinding(program);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in.tensor, error));
  View out(20, 0, 4, 5, 5, 1);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &out.tensor, error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  in.at(3, 2) = 0;
  EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"another number"});
}

TEST_P(LaunchTest, NarrowedFloats) {
  Program program = load(context, makeJson(R"(
    "arguments":[{"name":"in","kind":"buffer","dtype":"f64","shape":["?"],
                  "access":"read","narrowed":"f32"},
                 {"name":"factor","kind":"scalar","dtype":"f32"}],
    "results":[{"name":"out","dtype":"f32","shape":[["dim","in",0]]}],
    "launches":[{"kernel":"scale","code":"code/cpu","grid":[["dim","in",0],1,1],
      "args":[{"buffer":"out"},{"buffer":"in"},{"scalar":"factor"}]}])"));
  Binding binding = makeBinding(program);
  constexpr double largest = std::numeric_limits<float>::max();
  std::vector<double> in = {1.5, 0.1, -INFINITY, largest,
                            // the largest that rounds down to it
                            std::nextafter(0x1.ffffffp127, 0.0), 1e-60};
  std::vector<float> out(in.size(), -1);
  attn_tensor tensor = tensorOf(in);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_binding_set_scalar_f32(binding.get(), 1, 1, error));
  tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_EQ(out, (std::vector<float>{1.5f, 0.1f, -INFINITY, float(largest),
                                     float(largest), 0.0f}));
  in[1] = NAN;
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  EXPECT_TRUE(std::isnan(out[1]));
  for (double value : {0x1.ffffffp127, 1e39, -1e300}) {
    in[4] = value;
    EXPECT_ERROR(attn_launch_alloc(binding.get(), nullptr, error),
                 ATTN_ERROR_INVALID_ARGUMENT,
                 {"argument 0 'in'", "element [4]", "f32"});
  }
}

//===----------------------------------------------------------------------===//
// Loading code
//===----------------------------------------------------------------------===//

std::string answerJson(const std::string &fields = "") {
  return makeJson(fields + R"(
    "arguments":[],"results":[{"name":"out","dtype":"i64","shape":[1]}],
    "launches":[{"kernel":"answer","code":"code/cpu","grid":[1,1,1],
                 "args":[{"buffer":"out"}]}])");
}

attn_status loadBytes(const Context &context, const std::string &bytes,
                      Program &program, attn_error *error) {
  attn_program *loaded = nullptr;
  attn_status status = attn_program_load_memory(context.get(), bytes.data(),
                                                bytes.size(), &loaded, error);
  program.reset(loaded);
  return status;
}

int64_t answerOf(const Program &program) {
  Binding binding = makeBinding(program);
  std::vector<int64_t> out(1, -1);
  attn_tensor tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  return out[0];
}

// Code of one program must never be taken for another's, loaded at the same
// time or one after the other, whether the first can be unloaded or not.
TEST(LoadTest, ProgramsKeepTheirCode) {
  Context context = makeContext(1);
  const std::string objects[] = {kernelsObject(), contentsOf(TEST_KERNELS_2),
                                 contentsOf(TEST_KERNELS_3)};
  std::vector<Program> together;
  for (int round = 0; round < 3; ++round) {
    for (int i : {2, 0, 1, 2, 1, 0}) {
      Program program;
      EXPECT_OK(loadBytes(context, makeArtifact(answerJson(), objects[i]),
                          program, error));
      ASSERT_EQ(answerOf(program), i + 1);
      if (round == 1)
        together.push_back(std::move(program));
    }
  }
  for (size_t i = 0; i < together.size(); ++i)
    EXPECT_EQ(answerOf(together[i]), (std::array{3, 1, 2, 3, 2, 1})[i]);
}

// Of two launches one has no code: calls that need it are refused, whole.
TEST(LoadTest, PostponedCode) {
  Context context = makeContext(1);
  Program program = load(context, makeJson(R"(
    "arguments":[{"name":"n","kind":"scalar","dtype":"i64"}],
    "results":[{"name":"out","dtype":"i64","shape":[1]}],
    "launches":[{"kernel":"answer","code":"code/cpu","grid":[1,1,1],
                 "args":[{"buffer":"out"}]},
                {"kernel":"riddle","grid":[1,1,1],
                 "when":["le",["scalar","n"],16],
                 "args":[{"buffer":"out"}]}])"));
  Binding binding = makeBinding(program);
  std::vector<int64_t> out(1, -1);
  attn_tensor tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 0, 16, error));
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_NOT_FOUND, {"no code of the kernel 'riddle'"});
  EXPECT_EQ(out[0], -1);
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 0, 17, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(out[0], 1);
}

TEST(LoadTest, BadCode) {
  Context context = makeContext(1);
  Program program;
  EXPECT_ERROR(
      loadBytes(context, makeArtifact(answerJson(), "not ELF"), program, error),
      ATTN_ERROR_MALFORMED_ARTIFACT,
      {"'code/cpu'", "not an ELF shared object"});
  std::string object = kernelsObject();
  // The system's loader maps what the headers promise and reads it.
  for (size_t size : {64, 100, 1000, 3000})
    EXPECT_ERROR(loadBytes(context,
                           makeArtifact(answerJson(), object.substr(0, size)),
                           program, error),
                 ATTN_ERROR_MALFORMED_ARTIFACT, {"'code/cpu'", "truncated"});
  object[18] = 0x2a; // e_machine: SuperH
  object[19] = 0;
  EXPECT_ERROR(
      loadBytes(context, makeArtifact(answerJson(), object), program, error),
      ATTN_ERROR_UNSUPPORTED_DEVICE, {"ELF machine 42"});
  std::string json = answerJson();
  json.replace(json.find("\"answer\""), 8, "\"riddle\"");
  EXPECT_ERROR(loadBytes(context, makeArtifact(json), program, error),
               ATTN_ERROR_MALFORMED_ARTIFACT,
               {"$.launches[0].kernel", "'code/cpu' defines no 'riddle'"});
  for (const char *section : {"code/gpu", "json", "cpu"}) {
    json = answerJson();
    json.replace(json.find("code/cpu"), 8, section);
    EXPECT_ERROR(loadBytes(context, makeArtifact(json), program, error),
                 ATTN_ERROR_MALFORMED_ARTIFACT,
                 {"$.launches[0].code", section});
  }
  json = answerJson();
  json.replace(json.find("\"target\":\"cpu\""), 14, "\"target\":\"cuda\"");
  EXPECT_ERROR(loadBytes(context, makeArtifact(json), program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE, {"cuda:test", "'cpu'"});
}

TEST(LoadTest, Features) {
  Context context = makeContext(1);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  ASSERT_EQ(attn_context_get_info(context.get(), &info, nullptr), ATTN_OK);
  std::string present = std::string(",") + info.features + ",";
  Program program;
  EXPECT_ERROR(loadBytes(context,
                         makeArtifact(answerJson(R"("features":["warp9"],)")),
                         program, error),
               ATTN_ERROR_UNSUPPORTED_DEVICE, {"'warp9'", "does not know"});
#if defined(__x86_64__)
  EXPECT_NE(present.find(",sse2,"), std::string::npos) << present;
  // What the compiler that built this may use, the host has.
  EXPECT_EQ(present.find(",avx2,") != std::string::npos,
            bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(present.find(",avx512bf16,") != std::string::npos,
            bool(__builtin_cpu_supports("avx512bf16")));
  EXPECT_EQ(present.find(",avx512vl,") != std::string::npos,
            bool(__builtin_cpu_supports("avx512vl")));
  EXPECT_OK(loadBytes(context,
                      makeArtifact(answerJson(R"("features":["sse2","cx8"],)")),
                      program, error));
  // No processor has both AMD's and Intel's oddities.
  const char *missing =
      present.find(",xop,") == std::string::npos ? "xop" : "amx-tile";
  EXPECT_ERROR(
      loadBytes(context,
                makeArtifact(answerJson(std::string(R"("features":["sse2",")") +
                                        missing + "\"],")),
                program, error),
      ATTN_ERROR_UNSUPPORTED_DEVICE, {missing, "lacks", "cpu:test"});
#endif
}

} // namespace
