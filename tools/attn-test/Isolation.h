//===- Isolation.h - Run a case in a process of its own ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A case that crashes must be one failed case, with a name.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_ISOLATION_H
#define ATTN_TOOLS_ATTN_TEST_ISOLATION_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <string>

namespace attn::tools {

/// What `run` returns, called in a copy of this process; or how that died.
std::string runIsolated(llvm::function_ref<std::string()> run);

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_ISOLATION_H
