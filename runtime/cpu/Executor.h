// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs grids on the threads of the embedding program (attn_executor).
#ifndef ATTN_RUNTIME_CPU_EXECUTOR_H
#define ATTN_RUNTIME_CPU_EXECUTOR_H

#include "attn_runtime.h"

#include <cstddef>
#include <cstdint>

namespace attn::runtime {

class Executor {
public:
  /// Throws Failure when `given` cannot be one.
  explicit Executor(const attn_executor &given);

  int32_t size() const { return executor.threads; }
  size_t stackBytes() const { return executor.stack_bytes; }

  /// Calls body(context, i) once for each i in 0 .. count-1, in the
  /// environment of kernels. Throws Failure when the executor did not.
  void run(int64_t count, void (*body)(void *, int64_t), void *context) const;

private:
  attn_executor executor;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_EXECUTOR_H
