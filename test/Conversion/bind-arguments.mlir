// RUN: attn-opt %s --tile-bind-arguments | FileCheck %s

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  // Scalars come with 32 bits, sign-extended.
  // CHECK-LABEL: gpu.func @scalars(
  // CHECK-SAME: %{{.+}}: memref<f32>, %[[I:.+]]: i32, %[[N:.+]]: i32 {tile.element = i64}, %[[B:.+]]: i32 {tile.element = i8}, %[[P:.+]]: i32 {tile.element = i1}, %[[X:.+]]: f32 {tile.element = f64}, %[[H:.+]]: f32 {tile.element = f16}, %[[S:.+]]: f32)
  gpu.func @scalars(%o: memref<f32>, %i: index, %n: i64, %b: i8, %p: i1, %x: f64, %h: f16, %s: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK-DAG: %[[AT:.+]] = arith.index_cast %[[I]] : i32 to index
    // CHECK-DAG: arith.extsi %[[N]] : i32 to i64
    // CHECK-DAG: arith.trunci %[[B]] : i32 to i8
    // CHECK-DAG: arith.cmpi ne, %[[P]], %{{.+}} : i32
    // CHECK-DAG: arith.extf %[[X]] : f32 to f64
    // CHECK-DAG: arith.truncf %[[H]] : f32 to f16
    // CHECK: memref.store %[[S]], %{{.+}}[%[[AT]]]
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %n1 = arith.addi %n, %n : i64
    %b1 = arith.addi %b, %b : i8
    %s1 = arith.select %p, %n1, %n : i64
    %x1 = arith.addf %x, %x : f64
    %h1 = arith.addf %h, %h : f16
    memref.store %s, %m[%i] : memref<32xf32>
    gpu.return
  }

  // A launcher has counted the elements of a buffer.
  // CHECK-LABEL: gpu.func @span(
  gpu.func @span(%o: memref<f32>, %n: index, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK: %[[SPAN:.+]] = arith.muli %{{.+}}, %{{.+}} {tile.size = 2147483647 : index} : index
    // CHECK: memref.reinterpret_cast %{{.+}} to offset: [0], sizes: [%[[SPAN]]]
    %c0 = arith.constant 0 : index
    %span = arith.muli %n, %n : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [%span], strides: [1] : memref<f32> to memref<?xf32>
    memref.store %x, %m[%c0] : memref<?xf32>
    gpu.return
  }

  // Elements, too. The extremes of i64, where something is compared with them,
  // are those of i32; what is stored keeps within them.
  // CHECK-LABEL: gpu.func @elements(
  // CHECK-SAME: memref<i32> {tile.element = i64}, %{{.+}}: memref<f32> {tile.element = f64}
  gpu.func @elements(%ids: memref<i64>, %ws: memref<f64>, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK-DAG: %[[MOST:.+]] = arith.constant 2147483647 : i64
    // CHECK-DAG: %[[LOW:.+]] = arith.constant 9223372036854775807 : i64
    %most = arith.constant 9223372036854775807 : i64
    %m = memref.reinterpret_cast %ids to offset: [0], sizes: [32], strides: [1] : memref<i64> to memref<32xi64>
    %w = memref.reinterpret_cast %ws to offset: [0], sizes: [32], strides: [1] : memref<f64> to memref<32xf64>
    // CHECK: %[[WORD:.+]] = memref.load %{{.+}} : memref<32xi32>
    // CHECK: %[[ID:.+]] = arith.extsi %[[WORD]] : i32 to i64
    %id = memref.load %m[%i] : memref<32xi64>
    // CHECK: %[[MIN:.+]] = arith.minsi %[[ID]], %[[MOST]] : i64
    %min = arith.minsi %id, %most : i64
    // CHECK: %[[FIT:.+]] = arith.trunci %[[MIN]] : i64 to i32
    // CHECK: memref.store %[[FIT]]
    memref.store %min, %m[%i] : memref<32xi64>
    // CHECK: %[[AND:.+]] = arith.andi %[[ID]], %[[LOW]]
    %and = arith.andi %id, %most : i64
    // CHECK: %[[BELOW:.+]] = arith.minsi %[[AND]]
    // CHECK: %[[WITHIN:.+]] = arith.maxsi %[[BELOW]]
    // CHECK: arith.trunci %[[WITHIN]]
    memref.store %and, %m[%i] : memref<32xi64>
    // CHECK: %[[F:.+]] = memref.load %{{.+}} : memref<32xf32>
    // CHECK: %[[D:.+]] = arith.extf %[[F]] : f32 to f64
    // CHECK: %[[R:.+]] = arith.truncf %[[D]] : f64 to f32
    // CHECK: memref.store %[[R]], %{{.+}} : memref<32xf32>
    %d = memref.load %w[%i] : memref<32xf64>
    memref.store %d, %w[%i] : memref<32xf64>
    gpu.return
  }

  // What was never narrowed is compared with, and chosen among, numbers of 64
  // bits.
  // CHECK-LABEL: gpu.func @arithmetic(
  gpu.func @arithmetic(%ids: memref<i64>, %i: index, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK-DAG: %[[FAR:.+]] = arith.constant 9223372036854775807 : i64
    // CHECK-DAG: %[[NEAR:.+]] = arith.constant 2147483647 : i64
    %most = arith.constant 9223372036854775807 : i64
    %one = arith.constant 1 : i64
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %m = memref.reinterpret_cast %ids to offset: [0], sizes: [32], strides: [1] : memref<i64> to memref<32xi64>
    %n64 = arith.index_cast %n : index to i64
    // CHECK: %[[IS:.+]] = arith.cmpi sle, %{{.+}}, %[[FAR]]
    %is = arith.cmpi sle, %n64, %most : i64
    // CHECK: arith.select %[[IS]], %{{.+}}, %[[FAR]]
    %x = arith.select %is, %one, %most : i64
    // CHECK: scf.for {{.*}} iter_args(%{{.+}} = %[[NEAR]])
    %least = scf.for %k = %c0 to %n step %c1 iter_args(%sofar = %most) -> i64 {
      %id = memref.load %m[%k] : memref<32xi64>
      %less = arith.minsi %sofar, %id : i64
      scf.yield %less : i64
    }
    // CHECK: scf.for {{.*}} iter_args(%{{.+}} = %[[FAR]])
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%sofar = %most) -> i64 {
      %next = arith.divsi %sofar, %x : i64
      scf.yield %next : i64
    }
    %y = arith.xori %sum, %least : i64
    memref.store %y, %m[%i] : memref<32xi64>
    gpu.return
  }
}
}
