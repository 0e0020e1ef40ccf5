// RUN: attn-opt %s --tile-mark-exact | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @k
  gpu.func @k(%o: memref<f32>, %n: memref<i32>, %x: f32, %stride: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c32 = arith.constant 32 : i32
    %tile = gpu.block_id x {tile.size = 1024 : index}
    %row = arith.index_cast %tile : index to i32
    %mo = memref.reinterpret_cast %o to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
    %mn = memref.reinterpret_cast %n to offset: [0], sizes: [8], strides: [1] : memref<i32> to memref<8xi32>
    // By ranges.
    // CHECK: arith.muli {{.*}}, %c32{{.*}} overflow<nsw> : i32
    %first = arith.muli %row, %c32 : i32
    // A position, whatever the stride.
    // CHECK: arith.muli {{.*}} overflow<nsw> : i32
    %start = arith.muli %first, %stride : i32
    // CHECK: arith.addi {{.*}} overflow<nsw> : i32
    %at = arith.addi %start, %row : i32
    %position = arith.index_cast %at : i32 to index
    memref.store %x, %mo[%position] : memref<8xf32>
    // A number that is stored, and one that is a position and stored.
    // CHECK: arith.addi {{.*}} : i32
    // CHECK-NOT: nsw
    %wraps = arith.addi %stride, %c32 : i32
    memref.store %wraps, %mn[%position] : memref<8xi32>
    %both = arith.subi %stride, %row : i32
    %there = arith.index_cast %both : i32 to index
    memref.store %both, %mn[%there] : memref<8xi32>
    gpu.return
  }
}
