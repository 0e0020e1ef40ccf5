// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Vulkan backend where there is no loader: errors, nothing else.
#include "TestArtifact.h"

using namespace attn::test;

namespace {

TEST(VulkanTest, WithoutLoader) {
  expectMissing("vulkan", "libvulkan.so.1",
                "the vulkan backend needs a Vulkan loader");
}

TEST(VulkanTest, OtherBackendsHaveNoBuffers) {
  attn_error *error = attn_error_create();
  attn_context *context = nullptr;
  ASSERT_EQ(attn_context_create(nullptr, &context, error), ATTN_OK);
  attn_vulkan_buffer buffer{sizeof(attn_vulkan_buffer), 1, 0, 64, 0x20};
  void *memory = nullptr, *host = nullptr;
  EXPECT_EQ(attn_vulkan_import_buffer(context, &buffer, &memory, error),
            ATTN_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(attn_error_message(error),
               "a context of the backend 'cpu' imports no Vulkan buffers");
  // Memory of the CPU is the host's.
  EXPECT_EQ(attn_memory_allocate_mapped(context, 64, &memory, &host, error),
            ATTN_OK);
  EXPECT_EQ(memory, host);
  attn_memory_free(context, memory);
  attn_context_destroy(context);
  attn_error_destroy(error);
}

} // namespace
