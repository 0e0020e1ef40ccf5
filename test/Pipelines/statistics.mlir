// Passes count what they did, in builds with assertions (LLVM's, too).
// REQUIRES: pass-statistics
// RUN: attn-opt %s --attn-to-cuda=chip=sm_90a --mlir-pass-statistics --mlir-pass-statistics-display=list -o /dev/null 2>&1 | FileCheck %s --check-prefixes=CHECK,HOPPER
// RUN: attn-opt %s --attn-to-cuda=chip=sm_80 --mlir-pass-statistics --mlir-pass-statistics-display=list -o /dev/null 2>&1 | FileCheck %s --check-prefixes=CHECK,MMA
// RUN: attn-opt %s --attn-to-cpu=chip=x86-64-v3 --mlir-pass-statistics --mlir-pass-statistics-display=list -o /dev/null 2>&1 | FileCheck %s --check-prefixes=CHECK,CPU

// CHECK-DAG:  1 attention-tiled
// CHECK-DAG:  1 masks-exact
// CHECK-DAG:  0 masks-bounded
// CHECK-DAG:  1 loops-fused
// CHECK-DAG:  1 kernels-outlined
// CHECK-DAG:  1 schedules-chosen
// HOPPER-DAG: 3 tiles-by-tma
// HOPPER-DAG: 0 tiles-gathered
// HOPPER-DAG: 1 outputs-by-tma
// HOPPER-DAG: 1 scales-sunk
// HOPPER-DAG: 1 exponentials-contracted
// MMA-DAG:    2 tiles-double-buffered
// CPU-DAG:    1 ranges-expanded
// CPU-DAG:    1 loops-split
// CPU-DAG:    5 tiles-copied
// CPU-DAG:    7 loop-nests
func.func @f(%q: tensor<1x4x256x64xf16>, %k: tensor<1x4x300x64xf16>, %v: tensor<1x4x300x64xf16>, %o: tensor<1x4x256x64xf16>) -> tensor<1x4x256x64xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x4x256x64xf16>, tensor<1x4x300x64xf16>, tensor<1x4x300x64xf16>)
      outs(%o : tensor<1x4x256x64xf16>) {causal = #attn.causal<top_left>} -> tensor<1x4x256x64xf16>
  return %r : tensor<1x4x256x64xf16>
}
