// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finding backends, and what one answers that does not offer something.
#include "Backend.h"

#include "Failure.h"

namespace attn::runtime {

const BackendKind *findBackend(std::string_view name) {
  const BackendKind *const *kind = backendKinds;
  while (*kind && name != (*kind)->name)
    ++kind;
  return *kind;
}

double PreparedLaunch::deviceTime() {
  fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
       "this backend does not measure the time of a launch");
}

void *Backend::allocateMapped(size_t, size_t, void **) {
  fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
       std::string("the backend '") + name() + "' maps no memory");
}

void *Backend::importBuffer(const attn_vulkan_buffer &) {
  fail(ATTN_ERROR_INVALID_ARGUMENT, std::string("a context of the backend '") +
                                        name() + "' imports no Vulkan buffers");
}

void *Backend::importBuffer(const attn_metal_buffer &) {
  fail(ATTN_ERROR_INVALID_ARGUMENT, std::string("a context of the backend '") +
                                        name() + "' imports no Metal buffers");
}

} // namespace attn::runtime
