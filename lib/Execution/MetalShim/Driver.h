//===- Driver.h - The emulator as a Metal device ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lets the runtime's backend `metal` run where there is no Metal.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_DRIVER_H
#define ATTN_LIB_EXECUTION_METALSHIM_DRIVER_H

#include "llvm/Support/JSON.h"

#include <string>

namespace attn::execution::metal {

/// From now on the runtime's Metal devices are emulated. What keeps them from
/// being so, or "".
std::string installEmulator();

/// What each dispatch since the last call of this did, in order.
llvm::json::Array takeCounts();

} // namespace attn::execution::metal

#endif // ATTN_LIB_EXECUTION_METALSHIM_DRIVER_H
