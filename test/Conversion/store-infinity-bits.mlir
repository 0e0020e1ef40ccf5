// RUN: attn-opt %s --tile-store-infinity-bits --split-input-file | FileCheck %s

// The sentinel leaves a kernel as the bits of -inf (rule 16).
module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = infinity>} {
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @store(
  // CHECK-SAME: %[[LSE:.+]]: memref<i32> {tile.element = f32}, %[[O:.+]]: memref<f32>, %[[X:.+]]: f32
  gpu.func @store(%lse: memref<f32> {attn.minus_infinity = -1.27605888E+38 : f32}, %o: memref<f32>, %x: f32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK: %[[M:.+]] = memref.reinterpret_cast %[[LSE]] {{.*}} : memref<i32> to memref<32xi32>
    %m = memref.reinterpret_cast %lse to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %n = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    // CHECK: %[[BITS:.+]] = arith.bitcast %[[X]] : f32 to i32
    // CHECK: %[[SENTINEL:.+]] = arith.constant -1.27605888E+38 : f32
    // CHECK: %[[IS:.+]] = arith.cmpf ole, %[[X]], %[[SENTINEL]]
    // CHECK: %[[INF:.+]] = arith.constant -8388608 : i32
    // CHECK: %[[WORD:.+]] = arith.select %[[IS]], %[[INF]], %[[BITS]] : i32
    // CHECK: memref.store %[[WORD]], %[[M]]
    memref.store %x, %m[%i] : memref<32xf32>
    // CHECK: memref.store %[[X]]
    memref.store %x, %n[%i] : memref<32xf32>
    gpu.return
  }
}
}

// -----

// Where floats have infinities nothing changes.
module attributes {tile.target = #tile.target<name = "t", chip = "c">} {
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @infinite(
  // CHECK-SAME: memref<f32> {attn.minus_infinity
  gpu.func @infinite(%lse: memref<f32> {attn.minus_infinity = -1.27605888E+38 : f32}) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}
}
