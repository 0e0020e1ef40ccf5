// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends of the runtime.
#include "Backend.h"

namespace attn::runtime {

const BackendKind *const backendKinds[] = {
    &cpuBackend, &cudaBackend, &vulkanBackend, &metalBackend, nullptr};

} // namespace attn::runtime
