// tile-defer-sums: row sums of fragments become partial sums, which are added
// after the loop; a sum that is used otherwise stays.
// RUN: attn-opt %s --split-input-file --tile-defer-sums | FileCheck %s
// RUN: attn-opt %s --split-input-file --tile-defer-sums=columns=8 | FileCheck %s --check-prefix=COLUMNS

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // A sum that begins with something else than 0 has it in its first column.
  // COLUMNS-LABEL: func private @scaled
  // COLUMNS: tile.reduce sum %{{.*}}, %{{.*}} : <16x32xf32> -> <16x8xf32>
  // CHECK-LABEL: func private @scaled
  // CHECK: %[[INIT:.*]] = tile.map(%{{.*}}) at[%[[ZERO:.*]], %[[ZERO]]] : (!tile.tile<16xf32>) -> !tile.tile<16x16xf32>
  // CHECK: arith.cmpi eq, %{{.*}}, %[[ZERO]]
  // CHECK: %[[LOOP:.*]] = scf.for {{.*}} iter_args(%[[L:.*]] = %[[INIT]]) -> (!tile.tile<16x16xf32>)
  // CHECK: %[[SCALED:.*]] = tile.map(%[[L]], %{{.*}}) at[%{{.*}}, %{{.*}}] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32>
  // CHECK: tile.reduce sum %{{.*}}, %[[SCALED]] : <16x32xf32> -> <16x16xf32>
  // CHECK: %[[SUM:.*]] = tile.reduce sum %[[LOOP]], %{{.*}} : <16x16xf32> -> <16xf32>
  // CHECK: tile.store %[[SUM]]
  func.func private @scaled(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32, 16], strides: [16, 1] : memref<f16> to memref<32x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<32x16xf16> -> !tile.tile<16x16xf16>
    %k = tile.load %m[%c0, %c0] valid [%c32, %c16] : memref<32x16xf16> -> !tile.tile<32x16xf16>
    %l0 = tile.load %o[%c0] valid [%c16] : memref<16xf32> -> !tile.tile<16xf32>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x32xf32>
    %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<16xf32>) {
      %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<32x16xf16> -> !tile.tile<16x32xf32>
      %scaled = tile.map (%li, %l0) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %w = arith.mulf %u, %v : f32
        tile.yield %w : f32
      }
      %l1 = tile.reduce sum %s, %scaled : !tile.tile<16x32xf32> -> !tile.tile<16xf32>
      scf.yield %l1 : !tile.tile<16xf32>
    }
    tile.store %l, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
    return
  }

  // CHECK-LABEL: func private @used
  // CHECK: scf.for {{.*}} -> (!tile.tile<16xf32>)
  // CHECK: tile.reduce sum %{{.*}}, %{{.*}} : <16x16xf32> -> <16xf32>
  // CHECK-NOT: tile.reduce
  func.func private @used(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %l0 = tile.splat %zero : f32 -> !tile.tile<16xf32>
    %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<16xf32>) {
      %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
      %l1 = tile.reduce sum %s, %li : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
      tile.store %l1, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
      scf.yield %l1 : !tile.tile<16xf32>
    }
    return
  }
}


// -----

// Lanes that share a row keep a sum each, and exchange after the loop alone.
#rows = #tile.layout<lane = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>
#statistic = #tile.layout<lane = [[0, 0], [0, 0], [0, 0], [1, 0], [2, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: func private @lanes
  // CHECK: %[[LOOP:.*]] = scf.for {{.*}} -> (!tile.tile<4x8xf32, #{{.*}}>)
  // CHECK: tile.reduce sum %{{.*}}, %{{.*}} : <4x16xf32, #{{.*}}> -> <4x8xf32, #{{.*}}>
  // CHECK: tile.reduce sum %[[LOOP]], %{{.*}} : <4x8xf32, #{{.*}}> -> <4xf32, #{{.*}}>
  func.func private @lanes(%b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %b to offset: [0], sizes: [4, 16], strides: [16, 1] : memref<f32> to memref<4x16xf32>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [4], strides: [1] : memref<f32> to memref<4xf32>
    %l0 = tile.splat %zero : f32 -> !tile.tile<4xf32, #statistic>
    %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<4xf32, #statistic>) {
      %s = tile.load %m[%c0, %c0] valid [%c4, %c16] : memref<4x16xf32> -> !tile.tile<4x16xf32, #rows>
      %l1 = tile.reduce sum %s, %li : !tile.tile<4x16xf32, #rows> -> !tile.tile<4xf32, #statistic>
      scf.yield %l1 : !tile.tile<4xf32, #statistic>
    }
    tile.store %l, %o[%c0] valid [%c4] : !tile.tile<4xf32, #statistic>, memref<4xf32>
    return
  }
}
