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

  // Of one bit: by nothing nothing is divided (rule 8), a shift by true is one
  // by the width, and the opposite of -1 is -1.
  // CHECK-LABEL: gpu.func @divide_and_shift(
  // CHECK-SAME: %{{.+}}: memref<i1>, %[[A:[^:]+]]: i1, %[[B:[^:]+]]: i1
  gpu.func @divide_and_shift(%o: memref<i1>, %a: i1, %b: i1, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r0 = arith.divsi %a, %b : i1
    memref.store %r0, %m[%i] : memref<32xi1>
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[B]]
    // CHECK: memref.store %[[R]]
    %r1 = arith.divui %a, %b : i1
    memref.store %r1, %m[%i] : memref<32xi1>
    // CHECK: memref.store %false
    %r2 = arith.remsi %a, %b : i1
    memref.store %r2, %m[%i] : memref<32xi1>
    // CHECK: memref.store %false
    %r3 = arith.remui %a, %b : i1
    memref.store %r3, %m[%i] : memref<32xi1>
    // CHECK: %[[N:.+]] = arith.xori %[[B]], %true
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[N]]
    // CHECK: memref.store %[[R]]
    %r4 = arith.shli %a, %b : i1
    memref.store %r4, %m[%i] : memref<32xi1>
    // CHECK: %[[N:.+]] = arith.xori %[[B]], %true
    // CHECK: %[[R:.+]] = arith.andi %[[A]], %[[N]]
    // CHECK: memref.store %[[R]]
    %r5 = arith.shrui %a, %b : i1
    memref.store %r5, %m[%i] : memref<32xi1>
    // CHECK-COUNT-3: memref.store %[[A]],
    %r6 = arith.shrsi %a, %b : i1
    memref.store %r6, %m[%i] : memref<32xi1>
    %r7 = math.absi %a : i1
    memref.store %r7, %m[%i] : memref<32xi1>
    %r8 = math.ctpop %a : i1
    memref.store %r8, %m[%i] : memref<32xi1>
    gpu.return
  }

  // True is -1 where signed. Printers and SPIR-V take an index for an i32.
  // CHECK-LABEL: gpu.func @casts(
  // CHECK-SAME: %[[A:[^:]+]]: i1, %[[X:[^:]+]]: f32, %[[I:[^:]+]]: index
  gpu.func @casts(%of: memref<f32>, %oi: memref<i8>, %a: i1, %x: f32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %of to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %n = memref.reinterpret_cast %oi to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
    // CHECK: %[[W:.+]] = arith.extsi %[[A]] : i1 to i32
    // CHECK: arith.sitofp %[[W]] : i32 to f32
    %f0 = arith.sitofp %a : i1 to f32
    memref.store %f0, %m[%i] : memref<32xf32>
    // CHECK: %[[W:.+]] = arith.extui %[[A]] : i1 to i32
    // CHECK: arith.uitofp %[[W]] : i32 to f32
    %f1 = arith.uitofp %a : i1 to f32
    memref.store %f1, %m[%i] : memref<32xf32>
    // CHECK: %[[W:.+]] = arith.fptosi %[[X]] : f32 to i32
    // CHECK: %[[T:.+]] = arith.trunci %[[W]] : i32 to i1
    // CHECK: %[[E:.+]] = arith.extui %[[T]] : i1 to i32
    // CHECK: %[[P:.+]] = arith.index_cast %[[E]] : i32 to index
    // CHECK: memref.store %{{.*}}[%[[P]]] : memref<32xf32>
    %t = arith.fptosi %x : f32 to i1
    %p = arith.index_castui %t : i1 to index
    memref.store %f1, %m[%p] : memref<32xf32>
    // CHECK: %[[W:.+]] = arith.fptoui %[[X]] : f32 to i32
    // CHECK: %[[T:.+]] = arith.trunci %[[W]] : i32 to i1
    // CHECK: memref.store %{{.*}}[%{{.+}}] : memref<32xf32>
    %tu = arith.fptoui %x : f32 to i1
    %pu = arith.index_castui %tu : i1 to index
    memref.store %f1, %m[%pu] : memref<32xf32>
    // CHECK: %[[W:.+]] = arith.index_cast %[[I]] : index to i32
    // CHECK: %[[C:.+]] = arith.trunci %[[W]] : i32 to i8
    // CHECK: %[[E:.+]] = arith.extsi %[[C]] : i8 to i32
    // CHECK: %[[P:.+]] = arith.index_cast %[[E]] : i32 to index
    // CHECK: memref.store %[[C]], %{{.*}}[%[[P]]] : memref<32xi8>
    %c = arith.index_cast %i : index to i8
    %d = arith.index_cast %c : i8 to index
    memref.store %c, %n[%d] : memref<32xi8>
    gpu.return
  }
}
