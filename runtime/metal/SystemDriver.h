// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Metal of the system that the library is built for.
#ifndef ATTN_RUNTIME_METAL_SYSTEMDRIVER_H
#define ATTN_RUNTIME_METAL_SYSTEMDRIVER_H

#include "attn/runtime/MetalDriver.h"

namespace attn::runtime::metal {

/// Null where there is none.
Driver *systemDriver();

} // namespace attn::runtime::metal

#endif // ATTN_RUNTIME_METAL_SYSTEMDRIVER_H
