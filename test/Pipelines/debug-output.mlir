// Passes tell why they chose what they chose, in builds with assertions
// (LLVM's, too).
// REQUIRES: pass-statistics
// RUN: attn-opt %s --attn-to-cuda=chip=sm_90a --debug-only=attn-schedule,attn-tile,tile-to-hopper -o /dev/null 2>&1 | FileCheck %s

// CHECK: #attn.schedule<tile_m = 192, tile_n = 128>: three warpgroups
// CHECK: #attn.schedule<tile_m = 128, tile_n = 128>: taller tiles would waste
// CHECK: tiles [0, min(3, t + 1)) full [0, min(3, t + 1, 2, t))
// CHECK: f_kernel0:
// CHECK: q comes by TMA
func.func @f(%q: tensor<1x4x256x64xf16>, %k: tensor<1x4x300x64xf16>, %v: tensor<1x4x300x64xf16>, %o: tensor<1x4x256x64xf16>) -> tensor<1x4x256x64xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x4x256x64xf16>, tensor<1x4x300x64xf16>, tensor<1x4x300x64xf16>)
      outs(%o : tensor<1x4x256x64xf16>) {causal = #attn.causal<top_left>} -> tensor<1x4x256x64xf16>
  return %r : tensor<1x4x256x64xf16>
}
