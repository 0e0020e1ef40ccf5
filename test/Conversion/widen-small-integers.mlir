// RUN: attn-opt %s --tile-widen-small-integers --cse | FileCheck %s

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_int>} {
gpu.module @kernels {
  // A sum wraps at 8 bits: what is read again has its sign in front.
  // CHECK-LABEL: gpu.func @wrap(
  // CHECK-SAME: %{{.+}}: memref<i32>, %[[N:[^:]+]]: i32
  // CHECK: %[[C24:.+]] = arith.constant 24 : i32
  // CHECK: %[[UP:.+]] = arith.shli %[[N]], %[[C24]] : i32
  // CHECK: %[[X:.+]] = arith.shrsi %[[UP]], %[[C24]] : i32
  // CHECK: %[[Y:.+]] = arith.addi %[[X]], %[[X]] : i32
  // CHECK: %[[UP2:.+]] = arith.shli %[[Y]]
  // CHECK: %[[Z:.+]] = arith.shrsi %[[UP2]]
  // CHECK: memref.store %[[Z]]
  gpu.func @wrap(%o: memref<i32>, %n: i32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %x = arith.trunci %n : i32 to i8
    %y = arith.addi %x, %x : i8
    %z = arith.extsi %y : i8 to i32
    memref.store %z, %m[%i] : memref<32xi32>
    gpu.return
  }

  // A boolean that fills 8 bits, without a sign, fills those alone.
  // CHECK-LABEL: gpu.func @boolean(
  // CHECK-NOT: i8
  // CHECK: %[[BITS:.+]] = arith.extsi %{{.+}} : i1 to i32
  // CHECK: arith.andi %[[BITS]], %c255_i32 : i32
  // CHECK-NOT: i8
  // CHECK: memref.store
  gpu.func @boolean(%o: memref<i32>, %n: i32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %seven = arith.constant 7 : i32
    %p = arith.cmpi slt, %n, %seven : i32
    %x = arith.extsi %p : i1 to i8
    %z = arith.extui %x : i8 to i32
    memref.store %z, %m[%i] : memref<32xi32>
    gpu.return
  }

  // Unsigned ops read zeros in front.
  // CHECK-LABEL: gpu.func @unsigned(
  // CHECK-SAME: %{{.+}}: memref<i32>, %[[N:[^:]+]]: i32
  // CHECK-DAG: %[[MASK:.+]] = arith.constant 65535 : i32
  // CHECK-DAG: %[[C7:.+]] = arith.constant 7 : i32
  // CHECK: %[[X:.+]] = arith.andi %[[N]], %[[MASK]] : i32
  // CHECK: %[[Q:.+]] = arith.divui %[[X]], %[[C7]] : i32
  // CHECK: %[[K:.+]] = arith.cmpi ult, %[[X]], %[[C7]] : i32
  // CHECK: %[[R:.+]] = arith.andi %[[Q]], %[[MASK]] : i32
  // CHECK: arith.select %[[K]], %[[R]], %[[N]] : i32
  gpu.func @unsigned(%o: memref<i32>, %n: i32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c7 = arith.constant 7 : i16
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %x = arith.trunci %n : i32 to i16
    %q = arith.divui %x, %c7 : i16
    %k = arith.cmpi ult, %x, %c7 : i16
    %r = arith.extui %q : i16 to i32
    %s = arith.select %k, %r, %n : i32
    memref.store %s, %m[%i] : memref<32xi32>
    gpu.return
  }

  // Branches and loops carry words.
  // CHECK-LABEL: gpu.func @carried(
  // CHECK: scf.for {{.*}} iter_args({{.*}}) -> (i32)
  // CHECK: scf.if {{.*}} -> (i32)
  gpu.func @carried(%o: memref<i32>, %n: i32, %p: i1, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %x = arith.trunci %n : i32 to i8
    %y = scf.for %k = %c0 to %c4 step %c1 iter_args(%a = %x) -> i8 {
      %b = scf.if %p -> i8 {
        %d = arith.muli %a, %x : i8
        scf.yield %d : i8
      } else {
        scf.yield %a : i8
      }
      scf.yield %b : i8
    }
    %z = arith.extsi %y : i8 to i32
    memref.store %z, %m[%i] : memref<32xi32>
    gpu.return
  }

  // bf16 is the upper half of an f32.
  // CHECK-LABEL: gpu.func @halves(
  // CHECK-SAME: %{{.+}}: memref<f32>, %[[N:[^:]+]]: i32
  // CHECK: %[[LOW:.+]] = arith.andi %[[N]], %{{.+}} : i32
  // CHECK: %[[BITS:.+]] = arith.shli %[[LOW]], %{{.+}} : i32
  // CHECK: %[[X:.+]] = arith.bitcast %[[BITS]] : i32 to f32
  // CHECK: memref.store %[[X]]
  gpu.func @halves(%o: memref<f32>, %n: i32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %bits = arith.trunci %n : i32 to i16
    %h = arith.bitcast %bits : i16 to bf16
    %x = arith.extf %h : bf16 to f32
    memref.store %x, %m[%i] : memref<32xf32>
    gpu.return
  }

  // What moves a bf16 moves its bits; a small element of the kernel's own
  // buffers has a word.
  // CHECK-LABEL: gpu.func @moves(
  // CHECK-SAME: workgroup(%[[W:.+]] : memref<8xi32, #gpu.address_space<workgroup>>)
  // CHECK-SAME: private(%[[P:.+]] : memref<4xi32, #gpu.address_space<private>>, %{{.+}} : memref<4xf16, #gpu.address_space<private>>)
  gpu.func @moves(%o: memref<f32>, %n: i32, %p: i1, %i: index) workgroup(%w: memref<8xbf16, #gpu.address_space<workgroup>>)
      private(%l: memref<4xi8, #gpu.address_space<private>>, %h: memref<4xf16, #gpu.address_space<private>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    // CHECK-NOT: bf16
    // CHECK-NOT: : i16
    // CHECK: %[[X:.+]] = memref.load %[[W]]
    // CHECK: scf.if %{{.+}} -> (i32)
    // CHECK: scf.for {{.*}} -> (i32)
    // CHECK: arith.select {{.*}} : i32
    // CHECK: memref.store %{{.+}}, %[[W]]
    // CHECK: arith.bitcast %{{.+}} : i32 to f32
    // CHECK-NOT: bf16
    %one = arith.constant 1.0 : bf16
    %x = memref.load %w[%i] : memref<8xbf16, #gpu.address_space<workgroup>>
    %y = scf.if %p -> bf16 {
      scf.yield %x : bf16
    } else {
      scf.yield %one : bf16
    }
    %z = scf.for %k = %c0 to %c4 step %c1 iter_args(%a = %y) -> bf16 {
      %s = arith.select %p, %a, %x : bf16
      scf.yield %s : bf16
    }
    memref.store %z, %w[%i] : memref<8xbf16, #gpu.address_space<workgroup>>
    %f = arith.extf %z : bf16 to f32
    memref.store %f, %m[%i] : memref<32xf32>
    %b = arith.trunci %n : i32 to i8
    // CHECK: memref.store %{{.+}}, %[[P]]
    memref.store %b, %l[%c1] : memref<4xi8, #gpu.address_space<private>>
    gpu.return
  }

  // Lanes exchange words: the bits of a bf16, an i8 with its sign.
  // CHECK-LABEL: gpu.func @exchanges(
  // CHECK-NOT: : i16
  // CHECK-NOT: : i8
  // CHECK: gpu.shuffle xor %{{.+}} : i32
  // CHECK: gpu.shuffle idx %{{.+}} : i32
  // CHECK-NOT: : i16
  // CHECK-NOT: : i8
  // CHECK: gpu.return
  gpu.func @exchanges(%o: memref<f32>, %n: i32, %i: index) workgroup(%w: memref<8xbf16, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %c1 = arith.constant 1 : i32
    %c32 = arith.constant 32 : i32
    %x = memref.load %w[%i] : memref<8xbf16, #gpu.address_space<workgroup>>
    %y, %all = gpu.shuffle xor %x, %c1, %c32 : bf16
    %s = arith.trunci %n : i32 to i8
    %t, %every = gpu.shuffle idx %s, %c1, %c32 : i8
    %f = arith.extf %y : bf16 to f32
    %g = arith.sitofp %t : i8 to f32
    %sum = arith.addf %f, %g : f32
    memref.store %sum, %m[%i] : memref<32xf32>
    gpu.return
  }

  // The bits of an f16 follow from those of the f32 that it is.
  // CHECK-LABEL: gpu.func @half_bits(
  // CHECK-NOT: i16
  // CHECK: %[[X:.+]] = arith.extf %{{.+}} : f16 to f32
  // CHECK: arith.bitcast %[[X]] : f32 to i32
  // CHECK: arith.fptosi
  // CHECK: arith.cmpi eq, %{{.+}}, %{{.+}} : i32
  // CHECK-NOT: i16
  // CHECK: gpu.return
  gpu.func @half_bits(%o: memref<f16>, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f16> to memref<32xf16>
    %c = arith.constant -1024 : i16
    %zero = arith.constant 0.0 : f16
    %x = memref.load %m[%i] : memref<32xf16>
    %bits = arith.bitcast %x : f16 to i16
    %is = arith.cmpi eq, %bits, %c : i16
    %y = arith.select %is, %zero, %x : f16
    memref.store %y, %m[%i] : memref<32xf16>
    gpu.return
  }
}
}
