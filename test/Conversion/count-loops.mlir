// RUN: attn-opt %s --tile-count-loops | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @loops(
  // CHECK-SAME: %[[M:.+]]: memref<256xf32>, %[[N:.+]]: index, %[[X:.+]]: f32)
  // CHECK: %[[T:.+]] = gpu.thread_id x
  gpu.func @loops(%m: memref<256xf32>, %n: index, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %c32 = arith.constant 32 : index
    %c100 = arith.constant 100 : index
    %c128 = arith.constant 128 : index
    %t = gpu.thread_id x
    // All threads four times.
    // CHECK: scf.for %[[TURN:.+]] = %c0{{.*}} to %c4{{.*}} step %c1{{.*}} {
    // CHECK-NEXT: %[[FIRST:.+]] = arith.muli %[[TURN]], %c32 : index
    // CHECK-NEXT: %[[I:.+]] = arith.addi %[[FIRST]], %[[T]] : index
    // CHECK-NEXT: memref.store %[[X]], %[[M]][%[[I]]]
    scf.for %i = %t to %c128 step %c32 {
      memref.store %x, %m[%i] : memref<256xf32>
    }
    // Some threads three times.
    // CHECK: scf.for %[[TURN:.+]] = %c0{{.*}} to %c4{{.*}} step %c1{{.*}} {
    // CHECK: %[[I:.+]] = arith.addi
    // CHECK-NEXT: %[[IN:.+]] = arith.cmpi slt, %[[I]], %c100 : index
    // CHECK-NEXT: scf.if %[[IN]] {
    // CHECK-NEXT: memref.store %[[X]], %[[M]][%[[I]]]
    // CHECK-NEXT: }
    scf.for %i = %t to %c100 step %c32 {
      memref.store %x, %m[%i] : memref<256xf32>
    }
    // From a constant: 3, 7, 11.
    // CHECK: scf.for %[[TURN:.+]] = %c0{{.*}} to %c3{{.*}} step %c1{{.*}} iter_args
    // CHECK-NEXT: %[[FIRST:.+]] = arith.muli %[[TURN]], %c4 : index
    // CHECK-NEXT: %[[I:.+]] = arith.addi %[[FIRST]], %c3 : index
    // CHECK-NEXT: memref.load %[[M]][%[[I]]]
    %c12 = arith.constant 12 : index
    %s = scf.for %i = %c3 to %c12 step %c4 iter_args(%sum = %x) -> f32 {
      %y = memref.load %m[%i] : memref<256xf32>
      %z = arith.addf %sum, %y : f32
      scf.yield %z : f32
    }
    // All threads from the same row on, which they compute.
    // CHECK: %[[ROW:.+]] = arith.divui %[[T]], %c32 : index
    // CHECK: scf.for %[[TURN:.+]] = %c0{{.*}} to %c8{{.*}} step %c1{{.*}} {
    // CHECK-NEXT: %[[I:.+]] = arith.addi %[[TURN]], %[[ROW]] : index
    // CHECK-NEXT: memref.store %[[X]], %[[M]][%[[I]]]
    %row = arith.divui %t, %c32 : index
    scf.for %i = %row to %c8 step %c1 {
      memref.store %x, %m[%i] : memref<256xf32>
    }
    // What some threads would not add has no branch: left alone, as are loops
    // that count already and those of unknown length, also by where they begin.
    // CHECK: scf.for %{{.+}} = %[[T]] to %c100 step %c32 iter_args
    %s2 = scf.for %i = %t to %c100 step %c32 iter_args(%sum = %s) -> f32 {
      %y = memref.load %m[%i] : memref<256xf32>
      %z = arith.addf %sum, %y : f32
      scf.yield %z : f32
    }
    // CHECK: scf.for %{{.+}} = %c0 to %c8 step %c1 {
    // CHECK-NEXT: memref.store
    scf.for %i = %c0 to %c8 step %c1 {
      memref.store %s2, %m[%i] : memref<256xf32>
    }
    // CHECK: scf.for %{{.+}} = %[[T]] to %[[N]] step %c32 {
    scf.for %i = %t to %n step %c32 {
      memref.store %x, %m[%i] : memref<256xf32>
    }
    // CHECK: scf.for %{{.+}} = %[[T]] to %c128 step %c8 {
    scf.for %i = %t to %c128 step %c8 {
      memref.store %x, %m[%i] : memref<256xf32>
    }
    gpu.return
  }
}
