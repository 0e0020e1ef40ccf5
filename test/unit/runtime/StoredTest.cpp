// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An artifact that version 0.1 of the compiler wrote must load and run for
// ever:
//   attn-compile examples/causal.mlir --target=cpu:x86-64-v3,cpu:x86-64-v4
#include "TestArtifact.h"

#include <cmath>
#include <cstring>

using namespace attn::test;

namespace {

TEST(StoredTest, Version1Runs) {
  std::string bytes = contentsOf(TEST_INPUTS "/causal-v1.attn");
  attn_artifact *artifact = nullptr;
  EXPECT_OK(
      attn_artifact_open_memory(bytes.data(), bytes.size(), &artifact, error));
  EXPECT_EQ(attn_artifact_variant_count(artifact), 2u);
  attn_artifact_destroy(artifact);
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    GTEST_SKIP() << "the code needs AVX2";
  Context context = makeContext(2);
  attn_program *loaded = nullptr;
  EXPECT_OK(attn_program_load_memory(context.get(), bytes.data(), bytes.size(),
                                     &loaded, error));
  Program program(loaded);
  EXPECT_STREQ(attn_program_entry(loaded), "causal");
  Binding binding = makeBinding(program);

  // All scores are 0: row i is the mean of the values 0 .. i.
  constexpr int64_t rows = 70;
  std::vector<float> q(8 * rows * 64, 0), k(2 * rows * 64, 0), v(2 * rows * 64),
      o(8 * rows * 64, -1), lse(8 * rows, -1);
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = float(i / 64 % rows);
  attn_tensor tensors[] = {
      tensorOf(q, {1, 8, rows, 64}), tensorOf(k, {1, 2, rows, 64}),
      tensorOf(v, {1, 2, rows, 64}), tensorOf(o, {1, 8, rows, 64}),
      tensorOf(lse, {1, 8, rows})};
  for (size_t i = 0; i < 5; ++i)
    EXPECT_OK(attn_binding_set_argument(binding.get(), i, &tensors[i], error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
  for (size_t i = 0; i < o.size(); ++i)
    ASSERT_NEAR(o[i], float(i / 64 % rows) / 2, 1e-4f) << i;
  for (size_t i = 0; i < lse.size(); ++i)
    ASSERT_NEAR(lse[i], std::log(float(i % rows + 1)), 1e-5f) << i;
#endif
}

} // namespace
