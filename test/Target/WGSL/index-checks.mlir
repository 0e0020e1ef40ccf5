// REQUIRES: webgpu-run
// RUN: attn-compile %s --target=wgsl:webgpu -o %t.attn
// RUN: %web node %S/Inputs/index-checks.mjs %src_root/runtime/web %t.attn | FileCheck %s
// RUN: attn-compile %s --target=wgsl:webgpu-tiled -o %t-tiled.attn
// RUN: %web node %S/Inputs/index-checks.mjs %src_root/runtime/web %t-tiled.attn | FileCheck %s
// RUN: attn-compile %s --target=wgsl:webgpu-subgroups -o %t-subgroups.attn
// RUN: %web node %S/Inputs/index-checks.mjs %src_root/runtime/web %t-subgroups.attn | FileCheck %s

// Browsers bound each index of workgroup memory and arrays that may be out of range. They
// know the number of a thread and the counters of loops, and follow arithmetic
// but for masks. A quarter of the speed is at stake.
// CHECK: {{[1-9][0-9]+}} indices, 0 checked
func.func @f(%q: tensor<1x2x100x32xf32>, %k: tensor<1x2x100x32xf32>, %v: tensor<1x2x100x32xf32>, %o: tensor<1x2x100x32xf32>) -> tensor<1x2x100x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x100x32xf32>, tensor<1x2x100x32xf32>, tensor<1x2x100x32xf32>)
      outs(%o : tensor<1x2x100x32xf32>) {causal = #attn.causal<bottom_right>} -> tensor<1x2x100x32xf32>
  return %r : tensor<1x2x100x32xf32>
}
