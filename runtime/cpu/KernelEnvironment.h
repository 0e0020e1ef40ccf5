// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The floating-point environment that kernels run in, on whatever thread.
#ifndef ATTN_RUNTIME_CPU_KERNELENVIRONMENT_H
#define ATTN_RUNTIME_CPU_KERNELENVIRONMENT_H

#include <cfenv>

namespace attn::runtime {

/// The floating-point environment of kernels, whatever the caller's is: the
/// default one, but results that are too small for a normal number become 0.
/// Weights far below the largest make such products, and processors may take a
/// hundred times as long for them.
inline void setKernelEnvironment() {
  std::fesetenv(FE_DFL_ENV);
#if defined(__x86_64__)
  constexpr unsigned flushToZero = 0x8000;
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | flushToZero);
#endif
}

/// That environment for as long as this lives.
class KernelEnvironment {
public:
  KernelEnvironment() {
    std::fegetenv(&saved);
    setKernelEnvironment();
  }
  ~KernelEnvironment() { std::fesetenv(&saved); }

private:
  std::fenv_t saved;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_KERNELENVIRONMENT_H
