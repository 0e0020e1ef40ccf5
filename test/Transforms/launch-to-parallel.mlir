// tile-launch-to-parallel: kernels are called from a parallel loop.
// RUN: attn-opt %s -attn-outline-kernels -tile-launch-to-parallel | FileCheck %s

// CHECK-LABEL: func @f
func.func @f(%a: memref<?xf32, strided<[1], offset: ?>>, %s: f32, %n: index) {
  // CHECK: %[[BASE:.*]] = memref.reinterpret_cast
  // CHECK: scf.parallel (%[[X:.*]], %[[Y:.*]], %[[Z:.*]]) =
  // CHECK:   func.call @f_kernel0(%{{.*}}, %[[BASE]], {{.*}}, %[[X]], %[[Y]], %[[Z]],
  // CHECK-NOT: tile.estimate
  tile.estimate flops %n scores %n
  scf.forall (%i) in (%n) {
    memref.store %s, %a[%i] : memref<?xf32, strided<[1], offset: ?>>
  }
  return
}
