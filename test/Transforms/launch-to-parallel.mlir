// tile-launch-to-parallel: kernels are called from a parallel loop, and are
// functions as any.
// RUN: attn-opt %s -attn-outline-kernels -tile-launch-to-parallel | FileCheck %s --implicit-check-not=tile.estimate --implicit-check-not=tile.kernel

// CHECK-LABEL: func @f
func.func @f(%a: memref<?xf32, strided<[1], offset: ?>>, %s: f32, %n: index) {
  // CHECK: %[[BASE:.*]] = memref.reinterpret_cast
  // CHECK: scf.parallel (%[[X:.*]], %[[Y:.*]], %[[Z:.*]]) =
  // CHECK:   func.call @f_kernel0(%{{.*}}, %[[BASE]], {{.*}}, %[[X]], %[[Y]], %[[Z]],
  tile.estimate flops %n scores %n
  scf.forall (%i) in (%n) {
    memref.store %s, %a[%i] : memref<?xf32, strided<[1], offset: ?>>
  }
  return
}
// The kernel starts where the pointer does, not at the base of its buffer.
// CHECK: func.func private @f_kernel0(%{{.*}}: f32, %[[POINTER:.*]]: memref<f32, strided<[], offset: ?>>,
// CHECK: %{{.*}}, %[[OFFSET:.*]] = memref.extract_strided_metadata %[[POINTER]]
// CHECK: memref.reinterpret_cast %[[POINTER]] to offset: [%[[OFFSET]]], sizes:

// A check is an assertion, with those of its numbers that are known; the others
// are for hosts that print them.
// CHECK-LABEL: func @checked
// CHECK-NEXT: arith.constant
// CHECK-NEXT: cf.assert %arg0, "B of key must be B of query"
// CHECK-NEXT: cf.assert %arg0, "B of key must be B of query (B of query = 3)"
// CHECK-NEXT: return
func.func @checked(%same: i1, %k: index, %q: index) {
  %c3 = arith.constant 3 : index
  tile.check %same, "B of key must be B of query" ["B of key" = %k, "B of query" = %q]
  tile.check %same, "B of key must be B of query" ["B of key" = %k, "B of query" = %c3]
  return
}

// A schedule is of kernels, and the function is none any more.
// CHECK-LABEL: func @scheduled
// CHECK-LABEL: func private @scheduled_kernel0
// CHECK-NOT: attn.schedule
// CHECK: return
func.func @scheduled(%out: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (4) {
    memref.store %zero, %out[%i] : memref<4xf32>
  } {attn.schedule = #attn.schedule<tile_m = 4>}
  return
}

// A table without elements is a zero that can be read, in one place a call.
// CHECK-LABEL: func @tables
// CHECK: %[[ZERO:.*]] = memref.alloca() : memref<f32>
// CHECK: memref.store %{{.*}}, %[[ZERO]][]
// CHECK: %[[READABLE:.*]] = memref.cast %[[ZERO]]
// CHECK: scf.for
// CHECK:   %[[BASE:.*]] = memref.reinterpret_cast
// CHECK:   %[[SIZE:.*]] = memref.dim
// CHECK:   %[[EMPTY:.*]] = arith.cmpi eq, %[[SIZE]]
// CHECK:   %[[TABLE:.*]] = arith.select %[[EMPTY]], %[[READABLE]], %[[BASE]]
// CHECK:   func.call @tables_kernel0(%[[TABLE]]
func.func @tables(%t: memref<?xf32>, %out: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %k = %c0 to %n step %c1 {
    scf.forall (%i) in (4) {
      %x = memref.load %t[%i] : memref<?xf32>
      memref.store %x, %out[%i] : memref<4xf32>
    }
  }
  return
}

// A kernel that takes a range of points is called with the number of each.
// CHECK-LABEL: func @ranges
// CHECK: %[[XY:.*]] = arith.muli %arg1, %arg2
// CHECK: %[[ALL:.*]] = arith.muli %[[XY]], %arg3
// CHECK: scf.parallel (%[[POINT:.*]]) = (%[[ZERO:.*]]) to (%[[ALL]])
// CHECK:   %[[END:.*]] = arith.addi %[[POINT]], %
// CHECK:   func.call @takes_range(%{{.*}}, %[[ZERO]], %[[END]], %[[POINT]], %arg1, %arg2, %arg3)
func.func private @takes_range(memref<f32>, index, index, index, index, index, index) attributes {tile.kernel, range_of_points}
func.func @ranges(%out: memref<4xf32>, %x: index, %y: index, %z: index) {
  tile.launch @takes_range grid [%x, %y, %z] (%out) : memref<4xf32>
  return
}
