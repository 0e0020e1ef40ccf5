// RUN: attn-opt %s --verify-diagnostics --pass-pipeline='builtin.module(func.func(gpu-schedule))'
// RUN: not attn-opt %s --pass-pipeline='builtin.module(func.func(gpu-schedule{tile-m=99999}))' 2>&1 | FileCheck %s
// CHECK: error: gpu-schedule: tile-m = 99999 is not in 0 .. 65536
func.func @tensors(%t: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  // expected-error @below {{is on tensors; bufferize it first}}
  %r = attn.attention ins(%t, %t, %t : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
  return %r : tensor<1x2x8x16xf32>
}
