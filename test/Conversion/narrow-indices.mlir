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

  // How far from a multiple of 16 bytes an address is, its low bits say.
  // CHECK-LABEL: gpu.func @aligned(
  // CHECK: %[[REST:.+]] = arith.remui %{{.+}}, %{{.+}} : i32
  // CHECK: arith.cmpi eq, %[[REST]], %{{.+}} : i32
  // CHECK: arith.remui %{{.+}}, %{{.+}} : index
  gpu.func @aligned(%o: memref<f32>, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c12 = arith.constant 12 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %at = memref.extract_aligned_pointer_as_index %o : memref<f32> -> index
    %rest = arith.remui %at, %c16 : index
    %k = arith.cmpi eq, %rest, %c0 : index
    // No part of its bits says that.
    %other = arith.remui %at, %c12 : index
    %l = arith.cmpi eq, %other, %c0 : index
    %both = arith.andi %k, %l : i1
    %z = arith.select %both, %x, %y : f32
    memref.store %z, %m[%c0] : memref<32xf32>
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

// -----

// A constant, and an argument of a kernel, that a number of 32 bits is compared
// with: the extremes of i32 compare alike. What both sides do not fit stays.
module attributes {tile.target = #tile.target<name = "t", chip = "c">} {
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @clamped(
  // CHECK-SAME: %[[S:[^:]+]]: index
  // CHECK-DAG: %[[MOST:.+]] = arith.constant 2147483647 : index
  // CHECK-DAG: %[[LEAST:.+]] = arith.constant -2147483648 : index
  // CHECK-DAG: %[[BELOW:.+]] = arith.minsi %[[S]], %[[MOST]] : index
  // CHECK-DAG: %[[WITHIN:.+]] = arith.maxsi %[[BELOW]], %[[LEAST]] : index
  // CHECK-DAG: %[[S32:.+]] = arith.index_cast %[[WITHIN]] : index to i32
  // CHECK: arith.cmpi slt, %{{.+}}, %[[S32]] : i32
  // CHECK: arith.cmpi slt, %{{.+}}, %c2147483647_i32 : i32
  // CHECK: arith.cmpi slt, %{{.+}}, %[[S]] : index
  gpu.func @clamped(%o: memref<f32>, %s: index, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c5000000000 = arith.constant 5000000000 : index
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %id = gpu.thread_id x
    %k = arith.cmpi slt, %id, %s : index
    %l = arith.cmpi slt, %id, %c5000000000 : index
    %far = arith.muli %id, %s : index
    %n = arith.cmpi slt, %far, %s : index
    %kl = arith.andi %k, %l : i1
    %all = arith.andi %kl, %n : i1
    %z = arith.select %all, %x, %y : f32
    memref.store %z, %m[%id] : memref<32xf32>
    gpu.return
  }
}
}

// -----

// Tile kernels with products of 16-bit numbers: positions, counts and bounds of loops are
// casts of i32. A position that may be far is clamped to where nothing is; a
// size that fits is cast once, where the kernel begins. Strides keep 64 bits.
module attributes {tile.target = #tile.target<name = "t", chip = "c">} {
  // CHECK-LABEL: func.func private @positions(
  // CHECK-SAME: %[[S:[^:]+]]: index, %[[N:[^:]+]]: index {tile.size = 1000 : index}, %[[FAR:[^:]+]]: index,
  // CHECK: %[[N32:.+]] = arith.index_cast %[[N]] : index to i32
  // CHECK: %[[BELOW:.+]] = arith.minsi %[[FAR]], %c1073741824 : index
  // CHECK: %[[NEAR:.+]] = arith.maxsi %[[BELOW]], %c-1073741824 : index
  // CHECK: %[[NEAR32:.+]] = arith.index_cast %[[NEAR]] : index to i32
  // CHECK: %[[POSITION:.+]] = arith.index_cast %[[NEAR32]] : i32 to index
  // CHECK: memref.reinterpret_cast %{{.+}} strides: [%[[S]], 1]
  // CHECK: %[[ROW32:.+]] = arith.muli %[[N32]], %{{.+}} : i32
  // CHECK: %[[ROW:.+]] = arith.index_cast %[[ROW32]] : i32 to index
  // CHECK: tile.load %{{.+}}[%[[POSITION]], %c0] valid[%[[ROW]], %c16]
  // CHECK: scf.for %[[I:.+]] = %c0 to %[[ROW]] step %c1
  // CHECK: %[[I32:.+]] = arith.index_cast %[[I]] : index to i32
  // CHECK: arith.muli %[[I32]], %{{.+}} : i32
  func.func private @positions(%a: memref<f32>, %s: index, %n: index {tile.size = 1000 : index}, %far: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 16], strides: [%s, 1] : memref<f32> to memref<?x16xf32, strided<[?, 1]>>
    %row = arith.muli %n, %c16 : index
    %t = tile.load %m[%far, %c0] valid[%row, %c16] : memref<?x16xf32, strided<[?, 1]>> -> <16x16xf32>
    %r = scf.for %i = %c0 to %row step %c1 iter_args(%sum = %t) -> (!tile.tile<16x16xf32>) {
      %at = arith.muli %i, %c16 : index
      %k = tile.load %m[%at, %c0] valid[%c16, %c16] : memref<?x16xf32, strided<[?, 1]>> -> <16x16xf32>
      %kh = tile.convert %k : <16x16xf32> -> <16x16xbf16>
      %next = tile.dot %kh, %kh, %sum : <16x16xbf16>, <16x16xbf16> -> <16x16xf32>
      scf.yield %next : !tile.tile<16x16xf32>
    }
    tile.store %r, %m[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<?x16xf32, strided<[?, 1]>>
    return
  }

  // What columns are compared with is clamped, if the thread's first column
  // cannot be subtracted from it; what differs from column to column is not.
  // CHECK-LABEL: func.func private @columns(
  // CHECK: ^bb0(%{{.+}}: f32, %[[I:.+]]: index, %[[J:.+]]: index):
  // CHECK: %[[BOUND:.+]] = arith.addi %[[I]], %{{.+}} : index
  // CHECK: %[[BELOW:.+]] = arith.minsi %[[BOUND]], %c1073741824 : index
  // CHECK: %[[NEAR:.+]] = arith.maxsi %[[BELOW]], %c-1073741824 : index
  // CHECK: %[[J32:.+]] = arith.index_cast %[[J]] : index to i32
  // CHECK: %[[NEAR32:.+]] = arith.index_cast %[[NEAR]] : index to i32
  // CHECK: arith.cmpi sle, %[[J32]], %[[NEAR32]] : i32
  // CHECK: %[[OTHER:.+]] = arith.addi %[[J]], %{{.+}} : index
  // CHECK: arith.cmpi sle, %[[J]], %[[OTHER]] : index
  func.func private @columns(%offset: index, %far: index, %o: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c16 = arith.constant 16 : index
    %out = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %half = arith.constant 0.0 : bf16
    %splat = tile.splat %zero : f32 -> <16x16xf32>
    %ab = tile.splat %half : bf16 -> <16x16xbf16>
    %s = tile.dot %ab, %ab, %splat : <16x16xbf16>, <16x16xbf16> -> <16x16xf32>
    %m = tile.map(%s) at[%c0, %c0] : (!tile.tile<16x16xf32>) -> !tile.tile<16x16xf32> {
    ^bb0(%e: f32, %i: index, %j: index):
      %bound = arith.addi %i, %offset : index
      %near = arith.cmpi sle, %j, %bound : index
      %other = arith.addi %j, %far : index
      %less = arith.cmpi sle, %j, %other : index
      %any = arith.ori %near, %less : i1
      %r = arith.select %any, %e, %zero : f32
      tile.yield %r : f32
    }
    tile.store %m, %out[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
    return
  }

  // Kernels without products of 16-bit numbers are not for tensor cores.
  // CHECK-LABEL: func.func private @other(
  // CHECK: arith.muli %{{.+}}, %{{.+}} : index
  func.func private @other(%a: memref<f32>, %n: index {tile.size = 1000 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
    %row = arith.muli %n, %c16 : index
    %t = tile.load %m[%row, %c0] valid[%c16, %c16] : memref<16x16xf32, strided<[16, 1]>> -> <16x16xf32>
    tile.store %t, %m[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
    return
  }
}
