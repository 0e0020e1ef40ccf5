// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Systems that are not Apple's have no Metal.
#include "SystemDriver.h"

namespace attn::runtime::metal {

Driver *systemDriver() { return nullptr; }

} // namespace attn::runtime::metal
