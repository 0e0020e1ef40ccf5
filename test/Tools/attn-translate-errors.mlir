// What has no kernels is not printed as nothing: the message names the pipeline
// that makes them.
// RUN: not attn-translate --kernels-to-ptx %s 2>&1 | FileCheck %s --check-prefixes=CHECK,PTX
// RUN: not attn-translate --kernels-to-wgsl %s 2>&1 | FileCheck %s --check-prefixes=CHECK,WGSL
// CHECK: attn-translate-errors.mlir:[[@LINE+3]]:1: error: {{.*}}there is no gpu.module to print
// PTX-SAME: attn-opt --attn-to-cuda makes them
// WGSL-SAME: attn-opt --attn-to-tile --attn-to-wgsl makes them
func.func @f(%q: memref<1x1x8x16xf32>, %o: memref<1x1x8x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x8x16xf32>, memref<1x1x8x16xf32>, memref<1x1x8x16xf32>) outs(%o : memref<1x1x8x16xf32>)
  return
}
