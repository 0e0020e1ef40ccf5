// RUN: attn-opt %s --tile-signed-when-equivalent | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @ids(
  gpu.func @ids(%o: memref<f32>, %a: i32, %n: i32 {tile.size = 100 : index}) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c3 = arith.constant 3 : index
    %i3 = arith.constant 3 : i32
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    // CHECK: arith.divsi
    %q = arith.divui %t, %c3 : index
    // CHECK: arith.remsi
    %r = arith.remui %t, %c3 : index
    // CHECK: arith.maxsi
    %hi = arith.maxui %q, %r : index
    // CHECK: arith.minsi
    %lo = arith.minui %hi, %t : index
    // CHECK: arith.cmpi slt
    %k = arith.cmpi ult, %n, %i3 : i32
    // CHECK: arith.shrsi
    %s = arith.shrui %n, %i3 : i32
    // CHECK: arith.sitofp
    %x = arith.uitofp %s : i32 to f32
    // Of a number that may be negative they are not the same.
    // CHECK: arith.divui
    %u = arith.divui %a, %i3 : i32
    // CHECK: arith.cmpi ult
    %l = arith.cmpi ult, %u, %a : i32
    %both = arith.andi %k, %l : i1
    // CHECK: arith.uitofp
    %y = arith.uitofp %a : i32 to f32
    %z = arith.select %both, %x, %y : f32
    memref.store %z, %m[%lo] : memref<32xf32>
    gpu.return
  }
}
