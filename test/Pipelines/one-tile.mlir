// A grid of one point stays a kernel with three indices.
// RUN: attn-opt %s -attn-to-tile | FileCheck %s

// CHECK-LABEL: func @f
// CHECK: tile.launch @f_kernel0 grid[%c1, %c1, %c1]
func.func @f(%q: memref<1x1x3x16xf32>, %k: memref<1x1x64x16xf32>, %v: memref<1x1x64x16xf32>, %o: memref<1x1x3x16xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x1x3x16xf32>, memref<1x1x64x16xf32>, memref<1x1x64x16xf32>) outs(%o : memref<1x1x3x16xf32>)
  return
}
