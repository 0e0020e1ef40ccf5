// RUN: attn-opt %s --tile-narrow-indices --cse --split-input-file | FileCheck %s

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  // What is known of sizes and ids shows that 32 bits suffice.
  // CHECK-LABEL: gpu.func @proved(
  // CHECK-SAME: %[[N:[^:]+]]: index {tile.size = 1000 : index}
  // CHECK: %[[N32:.+]] = arith.index_cast %[[N]] : index to i32
  // CHECK: %[[T:.+]] = arith.muli %[[N32]], %{{.+}} : i32
  // CHECK: %[[K:.+]] = arith.cmpi slt, %{{.+}}, %[[T]] : i32
  // CHECK: arith.select %[[K]], %[[T]], %{{.+}} : i32
  gpu.func @proved(%o: memref<i32>, %n: index {tile.size = 1000 : index}) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c3 = arith.constant 3 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %t = arith.muli %n, %c3 : index
    %id = gpu.thread_id x
    %k = arith.cmpi slt, %id, %t : index
    %s = arith.select %k, %t, %id : index
    %v = arith.index_cast %s : index to i32
    memref.store %v, %m[%id] : memref<32xi32>
    gpu.return
  }

  // Of an address the low bits are enough (rule 21), of a comparison they are
  // not.
  // CHECK-LABEL: gpu.func @address(
  // CHECK-SAME: %[[I:[^:]+]]: index, %[[S:[^:]+]]: index
  // CHECK-DAG: %[[I32:.+]] = arith.index_cast %[[I]] : index to i32
  // CHECK-DAG: %[[S32:.+]] = arith.index_cast %[[S]] : index to i32
  // CHECK-DAG: %[[AT:.+]] = arith.muli %[[I32]], %[[S32]] : i32
  // CHECK-DAG: %[[INDEX:.+]] = arith.index_cast %[[AT]] : i32 to index
  // CHECK-DAG: %[[SUM:.+]] = arith.addi %[[I]], %[[S]] : index
  // CHECK-DAG: %[[K:.+]] = arith.cmpi sgt, %[[SUM]], %[[I]] : index
  // CHECK: memref.store %{{.+}}, %{{.+}}[%[[INDEX]]]
  gpu.func @address(%o: memref<f32>, %i: index, %s: index, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %at = arith.muli %i, %s : index
    %sum = arith.addi %i, %s : index
    %k = arith.cmpi sgt, %sum, %i : index
    %z = arith.select %k, %x, %y : f32
    memref.store %z, %m[%at] : memref<32xf32>
    gpu.return
  }

  // A loop that ends within 32 bits, a value that it carries, and one that
  // grows for as long as the loop runs.
  // CHECK-LABEL: gpu.func @loop(
  // CHECK: scf.for %{{.+}} = %{{.+}} to %{{.+}} step %{{.+}} iter_args(%{{.+}} = %{{.+}}, %{{.+}} = %{{.+}}) -> (i32, index) : i32
  gpu.func @loop(%o: memref<f32>, %ids: memref<i32>, %n: index {tile.size = 1000 : index}, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = memref.reinterpret_cast %ids to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %r:2 = scf.for %k = %c0 to %n step %c1 iter_args(%a = %c0, %b = %c0) -> (index, index) {
      %id = memref.load %t[%k] : memref<32xi32>
      %wide = arith.index_cast %id : i32 to index
      %max = arith.maxsi %a, %wide : index
      %sum = arith.addi %b, %wide : index
      scf.yield %max, %sum : index, index
    }
    %k = arith.cmpi slt, %r#0, %r#1 : index
    scf.if %k {
      memref.store %x, %m[%c0] : memref<32xf32>
    }
    gpu.return
  }

  // Differences that 32 bits do not hold are compared without them; other
  // numbers of 33 bits stay wide.
  // CHECK-LABEL: gpu.func @differences(
  // CHECK-SAME: %[[A:[^:]+]]: i32, %[[B:[^:]+]]: i32
  // CHECK: %[[K:.+]] = arith.cmpi sge, %[[A]], %[[B]] : i32
  // CHECK: %[[SUM:.+]] = arith.addi %{{.+}}, %{{.+}} : i64
  // CHECK: arith.cmpi sge, %[[SUM]], %{{.+}} : i64
  gpu.func @differences(%o: memref<f32>, %a: i32, %b: i32, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %wa = arith.extsi %a : i32 to i64
    %wb = arith.extsi %b : i32 to i64
    %d = arith.subi %wa, %wb : i64
    %k = arith.cmpi sge, %d, %zero : i64
    %s = arith.addi %wa, %wb : i64
    %l = arith.cmpi sge, %s, %zero : i64
    %both = arith.andi %k, %l : i1
    %z = arith.select %both, %x, %y : f32
    memref.store %z, %m[%c0] : memref<32xf32>
    gpu.return
  }

  // A shift by more than 31 is none of 32 bits; the order of numbers without
  // sign survives the sign extension.
  // CHECK-LABEL: gpu.func @bits(
  // CHECK: arith.shrsi %{{.+}}, %{{.+}} : i64
  // CHECK: arith.cmpi ult, %{{.+}}, %{{.+}} : i32
  gpu.func @bits(%o: memref<f32>, %a: i32, %b: i32, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c40 = arith.constant 40 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %wa = arith.extsi %a : i32 to i64
    %wb = arith.extsi %b : i32 to i64
    %sign = arith.shrsi %wa, %c40 : i64
    %k = arith.cmpi ult, %sign, %wb : i64
    %z = arith.select %k, %x, %y : f32
    memref.store %z, %m[%c0] : memref<32xf32>
    gpu.return
  }
}
}

// -----

// With 64 bits there are strides of 64 bits.
module attributes {tile.target = #tile.target<name = "t", chip = "c">} {
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @strides(
  // CHECK: %[[AT:.+]] = arith.muli %{{.+}}, %{{.+}} : index
  // CHECK: memref.store %{{.+}}, %{{.+}}[%[[AT]]]
  gpu.func @strides(%o: memref<f32>, %i: index {tile.size = 1000 : index}, %s: index, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %at = arith.muli %i, %s : index
    memref.store %x, %m[%at] : memref<32xf32>
    gpu.return
  }
}
}
