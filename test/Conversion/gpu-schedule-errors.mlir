// RUN: attn-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(gpu-schedule))'
// RUN: not attn-opt %s --pass-pipeline='builtin.module(func.func(gpu-schedule{tile-m=99999}))' 2>&1 | FileCheck %s
// CHECK: error: gpu-schedule: tile-m = 99999 is not in 0 .. 65536
func.func @tensors(%t: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  // expected-error @below {{is on tensors; bufferize it first}}
  %r = attn.attention ins(%t, %t, %t : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
  return %r : tensor<1x2x8x16xf32>
}

// -----

// Once, however many kernels an op becomes: parts of keys and their merge.
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func @threads(%t: memref<1x2x8x16xf32>, %o: memref<1x2x8x16xf32>) {
    // expected-error @below {{gpu-schedule: threads = 16 is not in 32 .. 128}}
    attn.attention ins(%t, %t, %t : memref<1x2x8x16xf32>, memref<1x2x8x16xf32>, memref<1x2x8x16xf32>) outs(%o : memref<1x2x8x16xf32>) {attn.schedule = #attn.schedule<threads = 16>}
    return
  }
}
