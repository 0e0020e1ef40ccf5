//===- Isolation.h - Run a case in a process of its own ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A case that crashes must be one failed case, with a name; and cases in
// processes of their own can run side by side.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_ISOLATION_H
#define ATTN_TOOLS_ATTN_TEST_ISOLATION_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <string>
#include <sys/types.h>

namespace attn::tools {

/// A call in a copy of this process.
class IsolatedRun {
public:
  /// Starts `run` there.
  explicit IsolatedRun(llvm::function_ref<std::string()> run);
  /// What it returned, or how the process died; to be called once.
  std::string wait();

private:
  pid_t child = -1;
  /// The end of the pipe from which the message is read.
  int source = -1;
  /// Why there is no process.
  std::string problem;
};

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_ISOLATION_H
