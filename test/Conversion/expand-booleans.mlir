// RUN: attn-opt %s --tile-expand-booleans | FileCheck %s

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @all(
  // CHECK-SAME: %{{.+}}: memref<i1>, %[[A:[^:]+]]: i1, %[[B:[^:]+]]: i1
  gpu.func @all(%o: memref<i1>, %a: i1, %b: i1, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
    // CHECK: %[[R:.+]] = arith.xori %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r0 = arith.addi %a, %b : i1
    memref.store %r0, %m[%i] : memref<32xi1>
    // CHECK: %[[R:.+]] = arith.xori %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r1 = arith.subi %a, %b : i1
    memref.store %r1, %m[%i] : memref<32xi1>
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r2 = arith.muli %a, %b : i1
    memref.store %r2, %m[%i] : memref<32xi1>
    // Of signed numbers true, -1, is the smaller one.
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r3 = arith.maxsi %a, %b : i1
    memref.store %r3, %m[%i] : memref<32xi1>
    // CHECK: %[[R:.+]] = arith.ori %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r4 = arith.maxui %a, %b : i1
    memref.store %r4, %m[%i] : memref<32xi1>
    // CHECK: %[[R:.+]] = arith.ori %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r5 = arith.minsi %a, %b : i1
    memref.store %r5, %m[%i] : memref<32xi1>
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r6 = arith.minui %a, %b : i1
    memref.store %r6, %m[%i] : memref<32xi1>
    // CHECK: %[[N:.+]] = arith.xori %[[A]], %true
    // CHECK: %[[R:.+]] = arith.andi %[[N]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r7 = arith.cmpi ult, %a, %b : i1
    memref.store %r7, %m[%i] : memref<32xi1>
    // CHECK: %[[N:.+]] = arith.xori %[[B]], %true
    // CHECK: %[[R:.+]] = arith.andi %[[N]], %[[A]]
    // CHECK: memref.store %[[R]]
    %r8 = arith.cmpi slt, %a, %b : i1
    memref.store %r8, %m[%i] : memref<32xi1>
    // CHECK: %[[N:.+]] = arith.xori %[[B]], %true
    // CHECK: %[[R:.+]] = arith.ori %[[N]], %[[A]]
    // CHECK: memref.store %[[R]]
    %r9 = arith.cmpi uge, %a, %b : i1
    memref.store %r9, %m[%i] : memref<32xi1>
    // CHECK: %[[N:.+]] = arith.xori %[[A]], %true
    // CHECK: %[[R:.+]] = arith.ori %[[N]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r10 = arith.cmpi sge, %a, %b : i1
    memref.store %r10, %m[%i] : memref<32xi1>
    // Equality there is.
    // CHECK: arith.cmpi eq, %[[A]], %[[B]]
    %r11 = arith.cmpi eq, %a, %b : i1
    memref.store %r11, %m[%i] : memref<32xi1>
    gpu.return
  }
}
