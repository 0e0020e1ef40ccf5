// RUN: attn-opt %s --tile-emulate-int64 --cse | FileCheck %s --implicit-check-not=i64

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  // A sum of two words with its carry.
  // CHECK-LABEL: gpu.func @sum(
  // CHECK-SAME: %[[A:[^:]+]]: i32, %[[B:[^:]+]]: i32
  // CHECK: %[[LOW:.+]] = arith.addi %[[A]], %[[B]] : i32
  // CHECK: arith.cmpi ult, %[[LOW]], %[[A]] : i32
  // CHECK: arith.cmpi
  // CHECK: memref.store
  gpu.func @sum(%o: memref<f32>, %a: i32, %b: i32, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %wa = arith.extsi %a : i32 to i64
    %wb = arith.extsi %b : i32 to i64
    %s = arith.addi %wa, %wb : i64
    %k = arith.cmpi slt, %s, %zero : i64
    %z = arith.select %k, %x, %y : f32
    memref.store %z, %m[%c0] : memref<32xf32>
    gpu.return
  }

  // What is left of index arithmetic has 64 bits as well.
  // CHECK-LABEL: gpu.func @index(
  // CHECK: %[[LOW:.+]] = arith.muli %{{.+}}, %{{.+}} : i32
  // The high word is no sign of the low one.
  // CHECK-NOT: arith.cmpi slt, %[[LOW]]
  // CHECK: memref.store
  gpu.func @index(%o: memref<f32>, %i: index, %j: index, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %s = arith.muli %i, %j : index
    %k = arith.cmpi slt, %s, %i : index
    %z = arith.select %k, %x, %y : f32
    memref.store %z, %m[%c0] : memref<32xf32>
    gpu.return
  }

  // Words alone are left as they are.
  // CHECK-LABEL: gpu.func @words(
  // CHECK: arith.subi
  // CHECK: memref.store
  gpu.func @words(%o: memref<i32>, %a: i32, %b: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %none = arith.subi %a, %a : i32
    %s = arith.addi %none, %b : i32
    memref.store %s, %m[%c0] : memref<32xi32>
    gpu.return
  }

  // A division by a power of two is a shift, another one a loop over the bits.
  // CHECK-LABEL: gpu.func @quotients(
  // CHECK-NOT: scf.for
  // CHECK: memref.store
  // CHECK: scf.for
  // CHECK: memref.store
  gpu.func @quotients(%o: memref<i32>, %a: i32, %b: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %wa = arith.extsi %a : i32 to i64
    %wb = arith.extsi %b : i32 to i64
    %s = arith.addi %wa, %wb : i64
    %q = arith.divsi %s, %c16 : i64
    %v = arith.trunci %q : i64 to i32
    memref.store %v, %m[%c0] : memref<32xi32>
    %r = arith.remui %s, %wb : i64
    %w = arith.trunci %r : i64 to i32
    memref.store %w, %m[%c1] : memref<32xi32>
    gpu.return
  }

  // A number of words of which one is 0 goes into that loop as two words.
  // CHECK-LABEL: gpu.func @extreme(
  // CHECK-NOT: vector.insert
  // CHECK: scf.for
  // CHECK-NOT: vector.insert
  // CHECK: memref.store
  gpu.func @extreme(%o: memref<i32>, %p: i1, %b: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %none = arith.constant 0 : i64
    %far = arith.constant 4611686018427387904 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %s = arith.select %p, %none, %far : i64
    %wb = arith.extsi %b : i32 to i64
    %r = arith.remui %s, %wb : i64
    %w = arith.trunci %r : i64 to i32
    memref.store %w, %m[%c0] : memref<32xi32>
    gpu.return
  }

  // No word is shifted by 32, as one of a number that is shifted by 0 would be.
  // CHECK-LABEL: gpu.func @shift(
  // CHECK: %[[IS_ZERO:.+]] = arith.cmpi eq, %{{.+}}, %c0_i32 : i32
  // CHECK: arith.select %[[IS_ZERO]], %c1_i32, %{{.+}} : i32
  // CHECK: arith.shrui
  // CHECK: arith.select %[[IS_ZERO]]
  // CHECK: memref.store
  gpu.func @shift(%o: memref<i32>, %a: i32, %n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %wa = arith.extsi %a : i32 to i64
    %wn = arith.extui %n : i32 to i64
    %s = arith.shrui %wa, %wn : i64
    %w = arith.trunci %s : i64 to i32
    memref.store %w, %m[%c0] : memref<32xi32>
    gpu.return
  }

  // A boolean that was extended to a word stays one.
  // CHECK-LABEL: gpu.func @boolean(
  // CHECK: %[[WORD:.+]] = arith.extsi %{{.+}} : i1 to i32
  // CHECK-NOT: arith.index_cast %{{.+}} : i1
  // CHECK: memref.store
  gpu.func @boolean(%o: memref<i32>, %a: i32, %b: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c63 = arith.constant 63 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %k = arith.cmpi slt, %a, %b : i32
    %word = arith.extsi %k : i1 to i32
    %index = arith.index_cast %word : i32 to index
    %wide = arith.index_cast %index : index to i64
    %s = arith.shrui %wide, %c63 : i64
    %w = arith.trunci %s : i64 to i32
    memref.store %w, %m[%c0] : memref<32xi32>
    gpu.return
  }

  // A loop between such bounds counts its iterations.
  // CHECK-LABEL: gpu.func @loop(
  // CHECK-DAG: %[[C0:.+]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C1:.+]] = arith.constant 1 : i32
  // CHECK: scf.for %{{.+}} = %[[C0]] to %{{.+}} step %[[C1]] : i32 {
  // CHECK: memref.store
  gpu.func @loop(%o: memref<f32>, %a: index, %b: index, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c3 = arith.constant 3 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    scf.for %k = %a to %b step %c3 {
      memref.store %x, %m[%k] : memref<32xf32>
    }
    gpu.return
  }

  // Branches and loops carry pairs of words.
  // CHECK-LABEL: gpu.func @carried(
  // CHECK: scf.for {{.*}} -> (vector<2xi32>)
  // CHECK: math.ctpop %{{.+}} : i32
  // CHECK: math.ctpop %{{.+}} : i32
  gpu.func @carried(%o: memref<i32>, %a: i32, %n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %i0 = arith.constant 0 : i32
    %i1 = arith.constant 1 : i32
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %wa = arith.extsi %a : i32 to i64
    %s = scf.for %k = %i0 to %n step %i1 iter_args(%x = %wa) -> i64 : i32 {
      %y = arith.addi %x, %wa : i64
      scf.yield %y : i64
    }
    %abs = math.absi %s : i64
    %q = math.ctpop %abs : i64
    %v = arith.trunci %q : i64 to i32
    memref.store %v, %m[%c0] : memref<32xi32>
    gpu.return
  }
}
}
