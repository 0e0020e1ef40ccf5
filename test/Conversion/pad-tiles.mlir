// tile-pad-tiles: rows and columns become multiples of fragments; no more is
// valid than was. Where rows are reduced over columns that are no multiple,
// nothing changes.
// RUN: attn-opt %s --tile-pad-tiles | FileCheck %s

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: func private @padded
  // CHECK: %[[ROWS:.*]] = arith.minsi %{{.*}}, %c12{{.*}} : index
  // CHECK: %[[Q:.*]] = tile.load %{{.*}} valid[%[[ROWS]], %c20{{.*}}] : {{.*}} -> <16x32xf16>
  // CHECK: tile.dot %[[Q]], %[[Q]], %{{.*}} {transpose_b} : <16x32xf16>, <16x32xf16> -> <16x16xf32>
  // CHECK: %[[STORED:.*]] = arith.minsi %{{.*}}, %c12{{.*}} : index
  // CHECK: tile.store %{{.*}} valid[%[[STORED]], %{{.*}}] : <16x16xf32>
  func.func private @padded(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c12 = arith.constant 12 : index
    %c20 = arith.constant 20 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 20], strides: [20, 1] : memref<f16> to memref<?x20xf16, strided<[20, 1]>>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 12], strides: [12, 1] : memref<f32> to memref<?x12xf32, strided<[12, 1]>>
    %q = tile.load %m[%c0, %c0] valid [%n, %c20] : memref<?x20xf16, strided<[20, 1]>> -> !tile.tile<12x20xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<12x12xf32>
    %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<12x20xf16>, !tile.tile<12x20xf16> -> !tile.tile<12x12xf32>
    tile.store %s, %o[%c0, %c0] valid [%n, %c12] : !tile.tile<12x12xf32>, memref<?x12xf32, strided<[12, 1]>>
    return
  }

  // CHECK-LABEL: func private @reduced
  // CHECK: tile.reduce max %{{.*}} : <16x12xf32> -> <16xf32>
  func.func private @reduced(%a: memref<f16>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c12 = arith.constant 12 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
    %k = tile.load %m[%c0, %c0] valid [%c12, %c16] : memref<16x16xf16> -> !tile.tile<12x16xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x12xf32>
    %m0 = tile.splat %zero : f32 -> !tile.tile<16xf32>
    %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<12x16xf16> -> !tile.tile<16x12xf32>
    %r = tile.reduce max %s, %m0 : !tile.tile<16x12xf32> -> !tile.tile<16xf32>
    tile.store %r, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
    return
  }
}
