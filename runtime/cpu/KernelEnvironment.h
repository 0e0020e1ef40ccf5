// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The floating-point environment that kernels run in, on whatever thread.
#ifndef ATTN_RUNTIME_CPU_KERNELENVIRONMENT_H
#define ATTN_RUNTIME_CPU_KERNELENVIRONMENT_H

#ifndef __x86_64__
#include <cfenv>
#endif

namespace attn::runtime {

/// The floating-point environment of kernels, whatever the caller's is: the
/// default one, but results that are too small for a normal number become 0.
/// Weights far below the largest make such products, and processors may take a
/// hundred times as long for them. It holds as long as this lives.
class KernelEnvironment {
public:
#ifdef __x86_64__
  // What the x87 unit does is of no concern to kernels, and its environment
  // takes a hundred times as long to save and to load.
  KernelEnvironment() : saved(__builtin_ia32_stmxcsr()) {
    constexpr unsigned defaults = 0x1f80, flushToZero = 0x8000;
    __builtin_ia32_ldmxcsr(defaults | flushToZero);
  }
  ~KernelEnvironment() { __builtin_ia32_ldmxcsr(saved); }

private:
  unsigned saved;
#else
  KernelEnvironment() {
    std::fegetenv(&saved);
    std::fesetenv(FE_DFL_ENV);
  }
  ~KernelEnvironment() { std::fesetenv(&saved); }

private:
  std::fenv_t saved;
#endif
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_KERNELENVIRONMENT_H
