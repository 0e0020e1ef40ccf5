// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

// The smallest op: three inputs and a destination.
// CHECK-LABEL: func @plain
// CHECK: attn.attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x64x32xf32>, tensor<2x2x96x32xf32>, tensor<2x2x96x48xf32>) outs(%{{.*}} : tensor<2x8x64x48xf32>) -> tensor<2x8x64x48xf32>
func.func @plain(%q: tensor<2x8x64x32xf32>, %k: tensor<2x2x96x32xf32>, %v: tensor<2x2x96x48xf32>, %o: tensor<2x8x64x48xf32>) -> tensor<2x8x64x48xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x2x96x32xf32>, tensor<2x2x96x48xf32>) outs(%o : tensor<2x8x64x48xf32>) -> tensor<2x8x64x48xf32>
  return %r : tensor<2x8x64x48xf32>
}
