// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA backend where there is no device: errors, nothing else.
#include "attn_runtime.h"

#include "gtest/gtest.h"

#include <dlfcn.h>
#include <string>

namespace {

TEST(CudaTest, WithoutDriver) {
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    GTEST_SKIP() << "this machine has NVIDIA's driver";
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "cuda";
  attn_error *error = attn_error_create();
  // The failure does not stick: the second call says the same.
  for (int attempt = 0; attempt < 2; ++attempt) {
    attn_context *context = nullptr;
    EXPECT_EQ(attn_context_create(&options, &context, error),
              ATTN_ERROR_NOT_FOUND);
    EXPECT_EQ(context, nullptr);
    std::string message = attn_error_message(error);
    EXPECT_NE(message.find("the cuda backend needs NVIDIA's driver"),
              std::string::npos)
        << message;
    EXPECT_NE(message.find("libcuda.so.1"), std::string::npos) << message;
  }
  attn_error_destroy(error);
}

TEST(CudaTest, UnknownBackend) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "tpu";
  attn_error *error = attn_error_create();
  attn_context *context = nullptr;
  EXPECT_EQ(attn_context_create(&options, &context, error),
            ATTN_ERROR_NOT_FOUND);
  EXPECT_STREQ(
      attn_error_message(error),
      "unknown backend 'tpu'; this runtime has: cpu, cuda, vulkan, auto");
  attn_error_destroy(error);
}

} // namespace
