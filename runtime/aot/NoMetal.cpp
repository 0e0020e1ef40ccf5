// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In place of the Metal backend in libraries that attn-compile writes, whose
// artifacts are for CPUs and CUDA.
#include "Backend.h"
#include "Failure.h"

namespace attn::runtime {

std::shared_ptr<Backend> createMetalBackend(const attn_context_options &) {
  fail(ATTN_ERROR_NOT_FOUND,
       "this library was compiled without the target metal");
}

std::shared_ptr<Backend> createMetalBackend(const attn_metal_device &) {
  return createMetalBackend(attn_context_options{});
}

} // namespace attn::runtime
