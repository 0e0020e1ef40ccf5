// attn-expand-copies: copies and transpositions become grids.
// RUN: attn-opt %s -attn-expand-copies | FileCheck %s
// RUN: attn-opt %s -attn-expand-copies -attn-outline-kernels | FileCheck %s --check-prefix=KERNELS

// CHECK-LABEL: func @copy
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]], %[[K:.*]]) in (2, %{{.*}}, 3)
// CHECK:   scf.for %[[L:.*]] =
// CHECK:     scf.for %[[M:.*]] =
// CHECK:       %[[X:.*]] = memref.load %arg0[%[[I]], %[[J]], %[[K]], %[[L]], %[[M]]]
// CHECK:       memref.store %[[X]], %arg1[%[[I]], %[[J]], %[[K]], %[[L]], %[[M]]]
// CHECK-NOT: memref.copy
// KERNELS: tile.launch @copy_kernel0
func.func @copy(%a: memref<2x?x3x4x5xf16>, %b: memref<2x?x3x4x5xf16, strided<[?, ?, ?, ?, 1]>>) {
  memref.copy %a, %b : memref<2x?x3x4x5xf16> to memref<2x?x3x4x5xf16, strided<[?, ?, ?, ?, 1]>>
  return
}

// CHECK-LABEL: func @transpose
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (4, 2)
// CHECK:   scf.for %[[K:.*]] =
// CHECK:     %[[X:.*]] = memref.load %arg0[%[[J]], %[[K]], %[[I]]]
// CHECK:     memref.store %[[X]], %arg1[%[[I]], %[[J]], %[[K]]]
// CHECK-NOT: linalg
func.func @transpose(%a: memref<2x3x4xi32>, %b: memref<4x2x3xi32>) {
  linalg.transpose ins(%a : memref<2x3x4xi32>) outs(%b : memref<4x2x3xi32>) permutation = [2, 0, 1]
  return
}

// CHECK-LABEL: func @scalar
// CHECK: scf.forall (%{{.*}}) in (1)
// CHECK:   %[[X:.*]] = memref.load %arg0[]
// CHECK:   memref.store %[[X]], %arg1[]
func.func @scalar(%a: memref<f32>, %b: memref<f32>) {
  memref.copy %a, %b : memref<f32> to memref<f32>
  return
}
