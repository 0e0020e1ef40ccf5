// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In place of the Vulkan backend in libraries that attn-compile writes, whose
// artifacts are for CPUs and CUDA.
#include "Backend.h"
#include "Failure.h"

namespace attn::runtime {

std::shared_ptr<Backend> createVulkanBackend(const attn_context_options &) {
  fail(ATTN_ERROR_NOT_FOUND,
       "this library was compiled without the target vulkan");
}

std::shared_ptr<Backend>
createVulkanBackend(const attn_vulkan_device &,
                    const attn_context_options &options) {
  return createVulkanBackend(options);
}

} // namespace attn::runtime
