// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends of libraries with artifacts for NVIDIA's GPUs, too.
#include "Backend.h"

namespace attn::runtime {

const BackendKind *const backendKinds[] = {&cpuBackend, &cudaBackend, nullptr};

} // namespace attn::runtime
