// attn-outline-kernels: memrefs become base pointers, sizes and strides.
// RUN: attn-opt %s -attn-outline-kernels | FileCheck %s

// CHECK-LABEL: func @f
// CHECK-SAME: %[[A:.*]]: memref<?x4xf32, strided<[?, 1], offset: ?>>, %[[S:.*]]: f32, %[[N:.*]]: index
func.func @f(%a: memref<?x4xf32, strided<[?, 1], offset: ?>>, %s: f32, %n: index) {
  // CHECK-DAG: %[[DIM:.*]] = memref.dim %[[A]]
  // CHECK-DAG: %{{.*}}, %{{.*}}, %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[A]]
  // CHECK: tile.launch @f_kernel0 grid[%[[N]], %{{.*}}, %{{.*}}] (%[[S]], %[[A]], %[[DIM]], %[[STRIDES]]#0) writes [1]
  // CHECK-NOT: scf.forall
  scf.forall (%i, %j) in (%n, 4) {
    memref.store %s, %a[%i, %j] : memref<?x4xf32, strided<[?, 1], offset: ?>>
  }
  return
}

// Sizes and grid indices are marked for range analysis, strides are not: they
// can be anything.
// CHECK: func.func private @f_kernel0(%[[V:.*]]: f32, %[[P:.*]]: memref<f32>, %[[D:.*]]: index {tile.size = 1073676288 : index}, %[[ST:.*]]: index, %[[X:.*]]: index {tile.size = 2147418111 : index}, %[[Y:.*]]: index {tile.size = 3 : index}, %{{.*}}: index {tile.size = 0 : index}, %{{.*}}: index {tile.size = 2147418112 : index}, %{{.*}}: index {tile.size = 4 : index}, %{{.*}}: index {tile.size = 1 : index}) attributes {tile.kernel}
// CHECK:   %[[M:.*]] = memref.reinterpret_cast %[[P]] to offset: [0], sizes: [%[[D]], 4], strides: [%[[ST]], 1]
// CHECK:   memref.store %[[V]], %[[M]][%[[X]], %[[Y]]]

// What is only read is not listed, what is written through a view is.
// CHECK-LABEL: func @views
// CHECK: tile.launch @views_kernel0 {{.*}} writes [1]
func.func @views(%in: memref<4xf32>, %out: memref<4x2xf32>) {
  scf.forall (%i) in (4) {
    %x = memref.load %in[%i] : memref<4xf32>
    %c0 = arith.constant 0 : index
    %t = memref.transpose %out (i, j) -> (j, i) : memref<4x2xf32> to memref<2x4xf32, strided<[1, 2]>>
    memref.store %x, %t[%c0, %i] : memref<2x4xf32, strided<[1, 2]>>
  }
  return
}

// A table that may be empty is marked: a launch gives it a first element.
// CHECK: tile.launch @tables_kernel0 {{.*}} writes [3]
// CHECK: func.func private @tables_kernel0(%{{.*}}: memref<f32> {tile.table}, %{{.*}}: index {tile.size{{[^}]*}}}, %{{.*}}: memref<f32>, %{{.*}}: memref<f32>,
func.func @tables(%t: memref<?xf32>, %full: memref<4xf32>, %out: memref<4xf32>) {
  scf.forall (%i) in (4) {
    %x = memref.load %t[%i] : memref<?xf32>
    %y = memref.load %full[%i] : memref<4xf32>
    %z = arith.addf %x, %y : f32
    memref.store %z, %out[%i] : memref<4xf32>
  }
  return
}
