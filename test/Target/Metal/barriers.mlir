// RUN: attn-translate --kernels-to-msl %s | FileCheck %s

gpu.module @kernels {
  // A barrier orders device memory, too, where a kernel reads what it writes.
  // CHECK-LABEL: kernel void exchange(
  // CHECK: threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
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

  // Lanes of a simdgroup exchange values in statements of their own, not where
  // an operand is evaluated for some of them.
  // CHECK-LABEL: kernel void lanes(
  // CHECK: const float [[Y:[a-z0-9]+]] = simd_shuffle_xor([[X:[a-z0-9]+]], ushort(16));
  // CHECK: const bool [[ANY:[a-z0-9]+]] = simd_any([[X]] < [[Y]]);
  // CHECK: simdgroup_barrier(mem_flags::mem_threadgroup);
  // CHECK: = [[ANY]] ? [[Y]] : [[X]];
  gpu.func @lanes(%a: memref<f32>, %b: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c16 = arith.constant 16 : i32
    %c32 = arith.constant 32 : i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %n = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.lane_id
    %x = memref.load %m[%t] : memref<32xf32>
    %y, %valid = gpu.shuffle xor %x, %c16, %c32 : f32
    %less = arith.cmpf olt, %x, %y : f32
    %any = gpu.subgroup_reduce or %less : (i1) -> i1
    tile.subgroup_barrier
    %z = arith.select %any, %y, %x : f32
    memref.store %z, %n[%t] : memref<32xf32>
    gpu.return
  }
}
