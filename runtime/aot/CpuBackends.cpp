// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends of libraries whose artifacts are for CPUs.
#include "Backend.h"

namespace attn::runtime {

const BackendKind *const backendKinds[] = {&cpuBackend, nullptr};

} // namespace attn::runtime
