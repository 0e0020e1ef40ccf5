// attn-opt makes the kernels that attn-compile (and so attn-run, which compiles
// in the same function) makes code of: the same tiles, the same ops.
// RUN: %python %S/Inputs/same_kernels.py %s cpu x86-64-v3 | FileCheck %s
// RUN: %python %S/Inputs/same_kernels.py %s cpu x86-64-v4 | FileCheck %s
// RUN: %python %S/Inputs/same_kernels.py %s cpu host | FileCheck %s
// RUN: %python %S/Inputs/same_kernels.py %s cpu-standard x86-64-v4 | FileCheck %s
// RUN: %python %S/Inputs/same_kernels.py %s cuda sm_80 | FileCheck %s
// RUN: %python %S/Inputs/same_kernels.py %s cuda sm_90a | FileCheck %s
// CHECK: the same module
func.func @decode(%q: tensor<?x8x?x64xbf16>, %k: tensor<?x2x?x64xbf16>, %v: tensor<?x2x?x64xbf16>, %o: tensor<?x8x?x64xbf16>) -> tensor<?x8x?x64xbf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x2x?x64xbf16>)
      outs(%o : tensor<?x8x?x64xbf16>) {causal = #attn.causal<bottom_right>, softcap = 30.0 : f32} -> tensor<?x8x?x64xbf16>
  return %r : tensor<?x8x?x64xbf16>
}
