// RUN: attn-opt %s --tile-pack-elements | FileCheck %s

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = "int64|small_storage">} {
gpu.module @kernels {
  // Four bytes a word, whose number is the index without its low bits.
  // CHECK-LABEL: gpu.func @bytes(
  // CHECK-SAME: %[[B:.+]]: memref<i32> {tile.element = i8}, %[[O:.+]]: memref<i32>, %[[I:.+]]: index
  gpu.func @bytes(%b: memref<i8>, %o: memref<i32>, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK: %[[M:.+]] = memref.reinterpret_cast %[[B]] to offset: [0], sizes: [9], strides: [1] : memref<i32> to memref<9xi32>
    %m = memref.reinterpret_cast %b to offset: [0], sizes: [33], strides: [1] : memref<i8> to memref<33xi8>
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    // CHECK: %[[C2:.+]] = arith.constant 2 : index
    // CHECK: %[[AT:.+]] = arith.shrui %[[I]], %[[C2]] : index
    // CHECK: %[[WORD:.+]] = memref.load %[[M]][%[[AT]]] : memref<9xi32>
    // CHECK: %[[C3:.+]] = arith.constant 3 : index
    // CHECK: %[[LANE:.+]] = arith.andi %[[I]], %[[C3]] : index
    // CHECK: %[[LANE32:.+]] = arith.index_cast %[[LANE]] : index to i32
    // CHECK: %[[C8:.+]] = arith.constant 8 : i32
    // CHECK: %[[SHIFT:.+]] = arith.muli %[[LANE32]], %[[C8]] : i32
    // CHECK: %[[LOW:.+]] = arith.shrui %[[WORD]], %[[SHIFT]] : i32
    // CHECK: %[[X:.+]] = arith.trunci %[[LOW]] : i32 to i8
    %x = memref.load %m[%i] : memref<33xi8>
    // CHECK: arith.extsi %[[X]]
    %y = arith.extsi %x : i8 to i32
    memref.store %y, %r[%i] : memref<32xi32>
    gpu.return
  }

  // Halves, with an offset and a size that are known at run time; what an
  // access adds up is the number of an element, which 31 bits hold.
  // CHECK-LABEL: gpu.func @halves(
  // CHECK-SAME: %[[T:.+]]: memref<i32> {tile.element = bf16}, %{{.+}}: memref<f32>, %[[I:.+]]: index, %[[N:.+]]: index, %[[F:.+]]: index
  gpu.func @halves(%t: memref<bf16>, %o: memref<f32>, %i: index, %n: index, %f: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK: %[[UP:.+]] = arith.addi %[[N]]
    // CHECK: %[[WORDS:.+]] = arith.shrui %[[UP]]
    // CHECK: memref.reinterpret_cast %[[T]] to offset: [0], sizes: [%[[WORDS]]], strides: [1] : memref<i32> to memref<?xi32>
    %m = memref.reinterpret_cast %t to offset: [%f], sizes: [%n], strides: [1] : memref<bf16> to memref<?xbf16, strided<[1], offset: ?>>
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    // CHECK: %[[E:.+]] = arith.addi %[[F]], %[[I]] {tile.size = 2147483647 : index} : index
    // CHECK: arith.shrui %[[E]], %{{.+}} : index
    // CHECK: %[[BITS:.+]] = arith.trunci %{{.+}} : i32 to i16
    // CHECK: arith.bitcast %[[BITS]] : i16 to bf16
    %x = memref.load %m[%i] : memref<?xbf16, strided<[1], offset: ?>>
    %y = arith.extf %x : bf16 to f32
    memref.store %y, %r[%i] : memref<32xf32>
    gpu.return
  }

  // A boolean has a byte, which is 0 or not.
  // CHECK-LABEL: gpu.func @booleans(
  // CHECK-SAME: memref<i32> {tile.element = i1}
  gpu.func @booleans(%b: memref<i1>, %o: memref<f16>, %x: f16, %y: f16, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
    // Halves that are floats have memory of their own.
    // CHECK: memref<f16> to memref<32xf16>
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f16> to memref<32xf16>
    // CHECK: %[[BITS:.+]] = arith.trunci %{{.+}} : i32 to i8
    // CHECK: %[[C0:.+]] = arith.constant 0 : i8
    // CHECK: arith.cmpi ne, %[[BITS]], %[[C0]] : i8
    %k = memref.load %m[%i] : memref<32xi1>
    %z = arith.select %k, %x, %y : f16
    memref.store %z, %r[%i] : memref<32xf16>
    gpu.return
  }

  // Elements of a word are stored by other threads meanwhile: bits are cleared
  // and set, each in one step.
  // CHECK-LABEL: gpu.func @stores(
  // CHECK-SAME: %[[O:.+]]: memref<i32> {tile.element = bf16}, %[[B:.+]]: memref<i32> {tile.element = i1}, %[[X:.+]]: bf16, %[[K:.+]]: i1, %[[I:.+]]: index
  gpu.func @stores(%o: memref<bf16>, %b: memref<i1>, %x: bf16, %k: i1, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // CHECK: %[[M:.+]] = memref.reinterpret_cast %[[O]] to offset: [0], sizes: [17], strides: [1] : memref<i32> to memref<17xi32>
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [33], strides: [1] : memref<bf16> to memref<33xbf16>
    %r = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
    // CHECK: %[[AT:.+]] = arith.shrui %[[I]], %{{.+}} : index
    // CHECK: %[[LANE:.+]] = arith.andi %[[I]], %{{.+}} : index
    // CHECK: %[[SHIFT:.+]] = arith.muli
    // CHECK: %[[LOW:.+]] = arith.constant 65535 : i32
    // CHECK: %[[MASK:.+]] = arith.shli %[[LOW]], %[[SHIFT]] : i32
    // CHECK: %[[OTHERS:.+]] = arith.xori %[[MASK]], %{{.+}} : i32
    // CHECK: %[[HALF:.+]] = arith.bitcast %[[X]] : bf16 to i16
    // CHECK: %[[WORD:.+]] = arith.extui %[[HALF]] : i16 to i32
    // CHECK: %[[BITS:.+]] = arith.shli %[[WORD]], %[[SHIFT]] : i32
    // CHECK: memref.atomic_rmw andi %[[OTHERS]], %[[M]][%[[AT]]]
    // CHECK: memref.atomic_rmw ori %[[BITS]], %[[M]][%[[AT]]]
    memref.store %x, %m[%i] : memref<33xbf16>
    // CHECK: arith.constant 255 : i32
    // CHECK: arith.extui %[[K]] : i1 to i32
    // CHECK: memref.atomic_rmw ori
    memref.store %k, %r[%i] : memref<32xi1>
    gpu.return
  }
}
}
