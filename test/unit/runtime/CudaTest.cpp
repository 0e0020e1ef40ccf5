// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA backend where there is no device: errors, nothing else.
#include "TestArtifact.h"

using namespace attn::test;

namespace {

TEST(CudaTest, WithoutDriver) {
  expectMissing("cuda", "libcuda.so.1",
                "the cuda backend needs NVIDIA's driver");
}

TEST(CudaTest, UnknownBackend) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "tpu";
  attn_error *error = attn_error_create();
  attn_context *context = nullptr;
  EXPECT_EQ(attn_context_create(&options, &context, error),
            ATTN_ERROR_NOT_FOUND);
  EXPECT_STREQ(attn_error_message(error),
               "unknown backend 'tpu'; this runtime has: cpu, cuda, vulkan, "
               "metal, auto");
  attn_error_destroy(error);
}

} // namespace
