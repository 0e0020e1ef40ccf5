// attn-bufferize: parameters have free strides but the last.
// RUN: attn-opt %s -attn-bufferize | FileCheck %s

// CHECK: func.func @f(%{{.*}}: memref<1x2x?x16xf32, strided<[?, ?, ?, 1], offset: ?>>
// CHECK-NOT: tensor
// CHECK-NOT: memref.copy
func.func @f(%q: tensor<1x2x?x16xf32>, %o: tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>) outs(%o : tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32>
  return %r : tensor<1x2x?x16xf32>
}

// What has no rank stays so.
// CHECK: func.func private @unranked(memref<*xf32>)
func.func private @unranked(tensor<*xf32>)
