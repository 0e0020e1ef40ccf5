// RUN: attn-translate --kernels-to-wgsl %s | FileCheck %s

// A barrier orders storage buffers, too, where a kernel reads what it writes.
gpu.module @kernels {
  // CHECK-LABEL: fn exchange(
  // CHECK: storageBarrier();
  // CHECK-NEXT: workgroupBarrier();
  gpu.func @exchange(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c31 = arith.constant 31 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %r = arith.subi %c31, %t : index
    %x = memref.load %m[%r] : memref<32xf32>
    gpu.barrier
    memref.store %x, %m[%t] : memref<32xf32>
    gpu.return
  }

  // The value is read before the barrier that precedes its use.
  // CHECK-LABEL: fn copy(
  // CHECK: let [[X:[a-z0-9]+]] = {{[a-z0-9]+}}[31 - {{.*}}];
  // CHECK-NOT: storageBarrier
  // CHECK: workgroupBarrier();
  // CHECK-NEXT: = [[X]];
  gpu.func @copy(%a: memref<f32>, %b: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c31 = arith.constant 31 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %n = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %r = arith.subi %c31, %t : index
    %x = memref.load %m[%r] : memref<32xf32>
    gpu.barrier
    memref.store %x, %n[%t] : memref<32xf32>
    gpu.return
  }
}
