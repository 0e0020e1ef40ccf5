// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In place of the CUDA backend in libraries whose artifacts are for CPUs.
#include "Backend.h"
#include "Failure.h"

namespace attn::runtime {

std::shared_ptr<Backend> createCudaBackend(int32_t) {
  fail(ATTN_ERROR_NOT_FOUND,
       "this library was compiled without the target cuda");
}

} // namespace attn::runtime
