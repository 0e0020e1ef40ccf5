// RUN: attn-opt %s --tile-outline-holes | FileCheck %s

// A function a name, ahead of the kernels; unfilled, it gives its first operand
// or true.
// CHECK: gpu.module @kernels {
// CHECK-NEXT: func.func private @score(%[[S:.*]]: f32 {attn.name = "s"}, %{{.*}}: i32 {attn.name = "i"}) -> f32 attributes {attn.hole} {
// CHECK-NEXT: return %[[S]] : f32
// CHECK: func.func private @mask(%{{.*}}: i32 {attn.name = "i"}) -> i1 attributes {attn.hole} {
// CHECK-NEXT: %[[TRUE:.*]] = arith.constant true
// CHECK-NEXT: return %[[TRUE]] : i1
// CHECK-NOT: func.func
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @one(
  gpu.func @one(%o: memref<f32>, %s: f32, %i: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    // CHECK: func.call @score(%{{.*}}, %{{.*}}) : (f32, i32) -> f32
    %x = attn.hole "score"(%s, %i) ["s", "i"] : (f32, i32) -> f32
    // CHECK: func.call @mask(%{{.*}}) : (i32) -> i1
    %m = attn.hole "mask"(%i) ["i"] : (i32) -> i1
    scf.if %m {
      memref.store %x, %r[%t] : memref<32xf32>
    }
    gpu.return
  }
  // CHECK-LABEL: gpu.func @other(
  gpu.func @other(%o: memref<f32>, %s: f32, %i: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    // CHECK: func.call @score
    %x = attn.hole "score"(%s, %i) ["s", "i"] : (f32, i32) -> f32
    memref.store %x, %r[%t] : memref<32xf32>
    gpu.return
  }
}
