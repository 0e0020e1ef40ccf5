//===- MetalShimTest.cpp - Tests of the emulator of Metal -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels written by hand against numbers computed here, and kernels that are
// wrong in each way that the emulator knows.
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"

#include "gtest/gtest.h"

#include <cmath>
#include <numeric>

using namespace attn::execution::metal;

namespace {

class MetalShim : public testing::Test {
protected:
  void SetUp() override {
    if (std::string problem = explainUnavailable(); !problem.empty())
      GTEST_SKIP() << problem;
  }

  /// The kernel `test` of a text, on as many threads, which is to succeed.
  Counts run(const std::string &text, int64_t threads, int64_t groups = 1) {
    auto counts = tryRun(text, threads, groups);
    if (counts)
      return *counts;
    ADD_FAILURE() << llvm::toString(counts.takeError());
    Counts none;
    none.arguments.resize(arguments.size());
    return none;
  }
  /// What is wrong with such a kernel.
  std::string findProblem(const std::string &text, int64_t threads) {
    auto counts = tryRun(text, threads, 1);
    return counts ? "nothing" : llvm::toString(counts.takeError());
  }
  template <typename T> void bind(std::vector<T> &values) {
    arguments.push_back({values.data(), reinterpret_cast<char *>(values.data()),
                         values.size() * sizeof(T)});
  }

  int version = 310;

private:
  llvm::Expected<Counts> tryRun(const std::string &text, int64_t threads,
                                int64_t groups) {
    auto library = Library::compile("#include <metal_stdlib>\n"
                                    "#include <metal_simdgroup_matrix>\n"
                                    "using namespace metal;\n" +
                                        text,
                                    version);
    if (!library)
      return library.takeError();
    Dispatch dispatch;
    dispatch.kernel = "test";
    dispatch.arguments = arguments;
    dispatch.grid = {groups, 1, 1};
    dispatch.block = {threads, 1, 1};
    return (*library)->run(dispatch);
  }

  std::vector<Argument> arguments;
};

/// Numbers that are exact in half.
std::vector<_Float16> makeHalves(size_t count, unsigned seed) {
  std::vector<_Float16> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(_Float16(float((i * 37 + seed * 11) % 17) / 8 - 1));
  return values;
}

TEST_F(MetalShim, Positions) {
  std::vector<int> seen(2 * 40);
  bind(seen);
  run("kernel void test(device int *seen [[buffer(0)]],\n"
      "    uint3 local [[thread_position_in_threadgroup]],\n"
      "    uint3 group [[threadgroup_position_in_grid]],\n"
      "    uint3 group_count [[threadgroups_per_grid]],\n"
      "    uint lane [[thread_index_in_simdgroup]],\n"
      "    uint subgroup [[simdgroup_index_in_threadgroup]]) {\n"
      "  seen[int(group.x) * 40 + int(local.x)] =\n"
      "      int(group_count.x) * 1000 + int(subgroup) * 100 + int(lane);\n"
      "}\n",
      40, 2);
  EXPECT_EQ(seen[0], 2000);
  EXPECT_EQ(seen[40 + 31], 2031);
  EXPECT_EQ(seen[40 + 33], 2101);
}

TEST_F(MetalShim, Functions) {
  std::vector<float> results(16);
  bind(results);
  run("kernel void test(device float *r [[buffer(0)]]) {\n"
      "  r[0] = exp2(3.0f);\n"
      "  r[1] = fma(2.0f, 3.0f, 4.0f);\n"
      "  r[2] = as_type<float>(uint(0x40490fdb));\n"
      "  r[3] = float(half(0.1f)); // Rounded.\n"
      "  r[4] = float(bfloat(0.1f));\n"
      "  r[5] = float(popcount(uint(0xf0f0)));\n"
      "  r[6] = min(2.0f, -1.0f);\n"
      "  r[7] = max(NAN, 1.5f);\n"
      "  r[8] = select(1.0f, 2.0f, true);\n"
      "  r[9] = fast::tanh(100.0f);\n"
      "  r[10] = rsqrt(4.0f);\n"
      "  float4 v = float4(1.0f, 2.0f, 3.0f, 4.0f) * float4(2.0f);\n"
      "  r[11] = v.w + v.yz.x;\n"
      "  r[12] = float(half(2048.0f) + half(1.0f)); // Half has no 2049.\n"
      "  r[13] = float(mulhi(uint(0x80000000), uint(6)));\n"
      "  r[14] = rint(2.5f);\n"
      "  r[15] = fmod(-7.0f, 4.0f);\n"
      "}\n",
      1);
  EXPECT_EQ(results,
            (std::vector<float>{8, 10, 0x1.921fb6p+1f, 0x1.998p-4f, 0x1.9ap-4f,
                                8, -1, 1.5, 2, 1, 0.5, 12, 2048, 3, 2, -3}));
}

TEST_F(MetalShim, SimdFunctions) {
  std::vector<float> results(32 * 6);
  bind(results);
  run("kernel void test(device float *r [[buffer(0)]],\n"
      "                 uint lane [[thread_index_in_simdgroup]]) {\n"
      "  float x = float(lane);\n"
      "  r[lane] = simd_sum(x);\n"
      "  r[32 + lane] = simd_max(-x);\n"
      "  r[64 + lane] = simd_shuffle_xor(x, ushort(5));\n"
      "  r[96 + lane] = simd_shuffle(x, ushort(3));\n"
      "  r[128 + lane] = simd_any(lane == 7) ? 1.0f : 0.0f;\n"
      "  r[160 + lane] = simd_shuffle_down(x, ushort(16));\n"
      "}\n",
      32);
  for (unsigned lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(results[lane], 31 * 16);
    EXPECT_EQ(results[32 + lane], 0);
    EXPECT_EQ(results[64 + lane], lane ^ 5);
    EXPECT_EQ(results[96 + lane], 3);
    EXPECT_EQ(results[128 + lane], 1);
    // A lane that there is not has no value.
    EXPECT_EQ(std::isnan(results[160 + lane]), lane >= 16);
  }
}

/// Softmax of rows of 64, a row a threadgroup.
TEST_F(MetalShim, Softmax) {
  constexpr unsigned rows = 3, columns = 64;
  std::vector<_Float16> input = makeHalves(rows * columns, 1);
  std::vector<float> output(rows * columns);
  struct Parameters {
    int64_t columns;
    float scale;
  };
  std::vector<Parameters> parameters = {{columns, 0.5f}};
  bind(input);
  bind(output);
  bind(parameters);
  Counts counts =
      run("struct test_params { long columns; float scale; };\n"
          "[[max_total_threads_per_threadgroup(64)]]\n"
          "kernel void test(device const half *x [[buffer(0)]], // Rows, in\n"
          "    // order.\n"
          "    device float *y [[buffer(1)]],\n"
          "    constant test_params &params [[buffer(2)]],\n"
          "    uint3 local [[thread_position_in_threadgroup]],\n"
          "    uint3 group [[threadgroup_position_in_grid]]) {\n"
          "  threadgroup float row[64];\n"
          "  int i = int(local.x);\n"
          "  int at = int(group.x) * int(params.columns) + i;\n"
          "  float s = float(x[at]) * params.scale;\n"
          "  row[i] = s;\n"
          "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "  float m = row[0];\n"
          "  for (int j = 1; j < 64; ++j)\n"
          "    m = max(m, row[j]);\n"
          "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "  float p = exp2(s - m);\n"
          "  row[i] = p;\n"
          "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "  float l = 0.0f;\n"
          "  for (int j = 0; j < 64; ++j)\n"
          "    l += row[j];\n"
          "  y[at] = p / l;\n"
          "}\n",
          columns, rows);
  for (unsigned row = 0; row < rows; ++row) {
    std::vector<double> powers;
    for (unsigned i = 0; i < columns; ++i)
      powers.push_back(std::exp2(double(input[row * columns + i]) * 0.5));
    double sum = std::accumulate(powers.begin(), powers.end(), 0.0);
    for (unsigned i = 0; i < columns; ++i)
      ASSERT_NEAR(output[row * columns + i], powers[i] / sum, 1e-6);
  }
  EXPECT_EQ(counts.threadgroups, rows);
  EXPECT_EQ(counts.threadgroupBarriers, 3 * rows);
  EXPECT_EQ(counts.arguments[0].loaded, int64_t(rows * columns * 2));
  EXPECT_EQ(counts.arguments[0].stored, 0);
  EXPECT_EQ(counts.arguments[1].stored, int64_t(rows * columns * 4));
  ASSERT_EQ(counts.threadgroupArrays.size(), 1u);
  EXPECT_EQ(counts.threadgroupArrays[0].name, "row");
  EXPECT_EQ(counts.threadgroupArrays[0].stored,
            int64_t(2 * rows * columns * 4));
  EXPECT_EQ(counts.threadgroupArrays[0].loaded,
            int64_t(2 * rows * columns * columns * 4));
}

/// C = A * B^T of 16 x 16 x 32, a quarter a simdgroup.
TEST_F(MetalShim, MatrixProduct) {
  constexpr unsigned size = 16, inner = 32;
  std::vector<_Float16> a = makeHalves(size * inner, 2);
  std::vector<_Float16> b = makeHalves(size * inner, 3);
  std::vector<float> c(size * size);
  bind(a);
  bind(b);
  bind(c);
  Counts counts =
      run("kernel void test(device const half *a [[buffer(0)]],\n"
          "    device const half *b [[buffer(1)]],\n"
          "    device float *c [[buffer(2)]],\n"
          "    uint subgroup [[simdgroup_index_in_threadgroup]]) {\n"
          "  int row = int(subgroup) / 2 * 8, column = int(subgroup) % 2 * 8;\n"
          "  simdgroup_float8x8 sum = make_filled_simdgroup_matrix<float, 8, "
          "8>(0.0f);\n"
          "  for (int k = 0; k < 32; k += 8) {\n"
          "    simdgroup_half8x8 x, y;\n"
          "    simdgroup_load(x, a, 32, ulong2(k, row));\n"
          "    simdgroup_load(y, b + (column * 32 + k), 32, ulong2(0), true);\n"
          "    simdgroup_multiply_accumulate(sum, x, y, sum);\n"
          "  }\n"
          "  simdgroup_store(sum, c + (row * 16 + column), 16);\n"
          "}\n",
          128);
  for (unsigned i = 0; i < size; ++i)
    for (unsigned j = 0; j < size; ++j) {
      double sum = 0;
      for (unsigned k = 0; k < inner; ++k)
        sum += double(a[i * inner + k]) * double(b[j * inner + k]);
      EXPECT_EQ(c[i * size + j], float(sum)) << i << ", " << j;
    }
  EXPECT_EQ(counts.matrixProducts, 4 * 4);
  EXPECT_EQ(counts.arguments[0].loaded, int64_t(2 * size * inner * 2));
}

/// Which elements a lane holds, as kernels that work on rows know it: written
/// down from pictures of a matrix, not computed.
TEST_F(MetalShim, LanesOfMatrix) {
  std::vector<float> matrix(64), seen(64);
  std::iota(matrix.begin(), matrix.end(), 0.0f);
  bind(matrix);
  bind(seen);
  run("kernel void test(device const float *m [[buffer(0)]],\n"
      "    device float *seen [[buffer(1)]],\n"
      "    uint lane [[thread_index_in_simdgroup]]) {\n"
      "  simdgroup_matrix<float, 8, 8> x;\n"
      "  simdgroup_load(x, m);\n"
      "  seen[2 * lane] = x.thread_elements()[0];\n"
      "  seen[2 * lane + 1] = x.thread_elements()[1];\n"
      "}\n",
      32);
  static constexpr int lanes[8][4] = {
      {0, 1, 8, 9},     {2, 3, 10, 11},   {4, 5, 12, 13},   {6, 7, 14, 15},
      {16, 17, 24, 25}, {18, 19, 26, 27}, {20, 21, 28, 29}, {22, 23, 30, 31}};
  for (unsigned row = 0; row < 8; ++row)
    for (unsigned column = 0; column < 8; ++column)
      EXPECT_EQ(seen[2 * lanes[row][column / 2] + column % 2],
                float(8 * row + column));
}

TEST_F(MetalShim, UnwrittenIsNaN) {
  std::vector<float> results(3);
  bind(results);
  run("kernel void test(device float *r [[buffer(0)]],\n"
      "                 uint lane [[thread_index_in_simdgroup]]) {\n"
      "  threadgroup float tile[4];\n"
      "  simdgroup_float8x8 x;\n"
      "  if (lane == 0) {\n"
      "    r[0] = tile[2];\n"
      "    r[1] = x.thread_elements()[0];\n"
      "    r[2] = 1.0f;\n"
      "  }\n"
      "}\n",
      32);
  EXPECT_TRUE(std::isnan(results[0]));
  EXPECT_TRUE(std::isnan(results[1]));
  EXPECT_EQ(results[2], 1);
}

//===----------------------------------------------------------------------===//
// Wrong kernels
//===----------------------------------------------------------------------===//

TEST_F(MetalShim, BarrierThatAThreadDoesNotReach) {
  EXPECT_EQ(
      findProblem(
          "kernel void test(uint3 local [[thread_position_in_threadgroup]]"
          ") {\n"
          "  if (local.x == 3)\n"
          "    return;\n"
          "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "}\n",
          8),
      "the kernel 'test', line 7: thread 0 of the threadgroup (0, 0, 0) "
      "waits for a barrier of the threadgroup, but thread 3 has ended");
}

TEST_F(MetalShim, DifferentBarriers) {
  EXPECT_EQ(
      findProblem(
          "kernel void test(uint3 local [[thread_position_in_threadgroup]]) {\n"
          "  if (local.x < 4)\n"
          "    threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "  else\n"
          "    threadgroup_barrier(mem_flags::mem_threadgroup);\n"
          "}\n",
          8),
      "the kernel 'test', line 6: thread 0 of the threadgroup (0, 0, 0) waits "
      "for a barrier of the threadgroup, but thread 4 waits for a barrier of "
      "the threadgroup at line 8");
}

TEST_F(MetalShim, Races) {
  auto makeText = [](const std::string &between) {
    return "kernel void test(uint3 local [[thread_position_in_threadgroup]],\n"
           "    device float *out [[buffer(0)]]) {\n"
           "  threadgroup float tile[64];\n"
           "  int i = int(local.x);\n"
           "  tile[i] = 1.0f;\n" +
           between + "  out[i] = tile[i ^ 1];\n}\n";
  };
  std::vector<float> out(64);
  bind(out);
  EXPECT_EQ(findProblem(makeText(""), 64),
            "the kernel 'test': thread 1 of the threadgroup (0, 0, 0) writes "
            "'tile[1]', which thread 0 read, without a barrier in between");
  EXPECT_EQ(findProblem(makeText("  simdgroup_barrier("
                                 "mem_flags::mem_threadgroup);\n"),
                        64),
            "nothing");
  EXPECT_EQ(findProblem(makeText("  threadgroup_barrier("
                                 "mem_flags::mem_threadgroup);\n"),
                        64),
            "nothing");
  // Another simdgroup does not wait at this one's barriers.
  std::string far = makeText("  simdgroup_barrier("
                             "mem_flags::mem_threadgroup);\n");
  far.replace(far.find("i ^ 1"), 5, "i ^ 32");
  EXPECT_EQ(findProblem(far, 64),
            "the kernel 'test': thread 32 of the threadgroup (0, 0, 0) writes "
            "'tile[32]', which thread 0 read, without a barrier in between");
}

TEST_F(MetalShim, WritesWhatIsStillRead) {
  std::vector<float> out(4);
  bind(out);
  EXPECT_EQ(
      findProblem("kernel void test(device float *out [[buffer(0)]],\n"
                  "    uint3 local [[thread_position_in_threadgroup]]) {\n"
                  "  threadgroup float tile[4];\n"
                  "  int i = int(local.x);\n"
                  "  tile[i] = 1.0f;\n"
                  "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"
                  "  out[i] = tile[0];\n"
                  "  if (i == 3)\n"
                  "    tile[0] = 2.0f;\n"
                  "}\n",
                  4),
      "the kernel 'test': thread 3 of the threadgroup (0, 0, 0) writes "
      "'tile[0]', which another thread read, without a barrier in "
      "between");
}

TEST_F(MetalShim, OutsideOfMemory) {
  std::vector<float> out(4);
  bind(out);
  auto makeText = [](const std::string &statement) {
    return "kernel void test(device float *out [[buffer(0)]],\n"
           "    uint3 local [[thread_position_in_threadgroup]]) {\n"
           "  threadgroup float tile[4];\n"
           "  int i = int(local.x);\n" +
           statement + "}\n";
  };
  EXPECT_EQ(findProblem(makeText("  out[i + 4] = 1.0f;\n"), 1),
            "the kernel 'test': thread 0 of the threadgroup (0, 0, 0) writes 4 "
            "bytes outside of what it was given: at 16 of the 16 bytes of "
            "buffer 0");
  EXPECT_EQ(findProblem(makeText("  tile[i + 4] = 1.0f;\n"), 1),
            "the kernel 'test': thread 0 of the threadgroup (0, 0, 0) touches "
            "bytes behind the end of 'tile'");
}

TEST_F(MetalShim, LaneThatThereIsNot) {
  std::vector<float> out(40);
  bind(out);
  EXPECT_EQ(findProblem("kernel void test(device float *out [[buffer(0)]],\n"
                        "    uint lane [[thread_index_in_simdgroup]]) {\n"
                        "  out[lane] = simd_shuffle(float(lane), ushort(9));\n"
                        "}\n",
                        40),
            "the kernel 'test', line 6: thread 32 of the threadgroup (0, 0, 0) "
            "reads a lane that the simdgroup does not have");
}

TEST_F(MetalShim, AddressSpaces) {
  // Metal refuses pointers without one, and such that change it.
  std::string problem =
      findProblem("kernel void test(device float *out [[buffer(0)]]) {\n"
                  "  threadgroup float tile[4];\n"
                  "  device float *p = tile;\n"
                  "  p[0] = 1.0f;\n"
                  "}\n",
                  1);
  EXPECT_NE(problem.find("kernels.metal:6:"), std::string::npos) << problem;
}

TEST_F(MetalShim, LanguageVersions) {
  std::vector<float> out(1);
  bind(out);
  std::string text = "kernel void test(device float *out [[buffer(0)]]) {\n"
                     "  out[0] = float(bfloat(1.0f));\n"
                     "}\n";
  run(text, 1);
  EXPECT_EQ(out[0], 1);
  version = 240;
  EXPECT_NE(findProblem(text, 1).find("bfloat"), std::string::npos);
}

} // namespace
