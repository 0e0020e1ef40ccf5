// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Libraries that attn-compile writes take no devices of their callers.
#include "Backend.h"
#include "Failure.h"

namespace attn::runtime {

std::shared_ptr<Backend> adoptDevice(const attn_metal_device &) {
  fail(ATTN_ERROR_NOT_FOUND, "this library takes no Metal devices");
}

std::shared_ptr<Backend> adoptDevice(const attn_vulkan_device &,
                                     const attn_context_options &) {
  fail(ATTN_ERROR_NOT_FOUND, "this library takes no Vulkan devices");
}

} // namespace attn::runtime
