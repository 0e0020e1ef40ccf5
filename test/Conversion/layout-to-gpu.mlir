// One pattern an op, by the layouts of its tiles.
// RUN: attn-opt %s --tile-layout-to-gpu --canonicalize --cse --split-input-file | FileCheck %s --implicit-check-not=tile.lo

// Loads, stores and relayouts. Four lanes and two subgroups, in subgroups of the
// machine that may have more lanes.
#rows = #tile.layout<register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0]], subgroup = [[4, 0]]>
#swapped = #tile.layout<register = [[0, 2], [0, 1]], lane = [[1, 0], [2, 0]], subgroup = [[4, 0]]>
#lanes = #tile.layout<register = [[0, 1], [1, 0]], lane = [[2, 0], [0, 2]], subgroup = [[4, 0]]>
#across = #tile.layout<register = [[0, 1], [4, 0]], lane = [[1, 0], [2, 0]], subgroup = [[0, 2]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // The choices are what --explain prints.
  // CHECK: gpu.func @relayouts(%[[A:.*]]: memref<f32>) workgroup(%[[SHARED:.*]] : memref<32xf32, #gpu.address_space<workgroup>> {attn.name = "tiles"}) kernel
  // CHECK-SAME: known_block_size = array<i32: 8, 1, 1>
  // CHECK-SAME: tile.choices = ["8 threads in 2 subgroups of 4 lanes (threads): lanes share rows, which subgroups divide",
  // CHECK-SAME: "relayout of !tile.tile<8x4xf32> from registers to registers: 4 moves a thread; whole rows are stored",
  // CHECK-SAME: from registers to registers: 8 shuffles a thread; whole rows are stored",
  // CHECK-SAME: from registers to registers: 128 bytes of workgroup memory, 4 values a thread; whole rows are stored"]
  // CHECK-SAME: tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points, threads = 8>
  // CHECK-DAG: %[[LANE:.*]] = gpu.lane_id
  // CHECK-DAG: %[[ID:.*]] = gpu.subgroup_id
  // CHECK-DAG: %[[SIZE:.*]] = gpu.subgroup_size
  // CHECK: %[[FIRST:.*]] = arith.muli %[[ID]], %[[SIZE]]
  // CHECK: %[[THREAD:.*]] = arith.addi %[[FIRST]], %[[LANE]] {tile.size = 7 : index}
  // CHECK: arith.remui %[[THREAD]], %c4
  // CHECK: arith.divui %[[THREAD]], %c4
  // CHECK-COUNT-4: memref.load %{{.*}} : memref<32xf32, strided<[1]>>
  // Registers change their numbers, nothing else.
  // CHECK-NOT: gpu.barrier
  // CHECK-COUNT-8: gpu.shuffle idx
  // CHECK-NOT: gpu.shuffle
  // CHECK: gpu.barrier
  // CHECK-COUNT-4: memref.store %{{.*}}, %[[SHARED]]
  // CHECK: gpu.barrier
  // CHECK-COUNT-4: memref.load %[[SHARED]]
  // CHECK-COUNT-4: memref.store %{{.*}} : memref<32xf32, strided<[1]>>
  // CHECK: gpu.return
  func.func private @relayouts(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 4], strides: [4, 1] : memref<f32> to memref<8x4xf32>
    %t = tile.load %m[%c0, %c0] valid [%c8, %c8] : memref<8x4xf32> -> !tile.tile<8x4xf32, #rows>
    %u = tile.relayout %t : <8x4xf32, #rows> -> <8x4xf32, #swapped>
    %v = tile.relayout %u : <8x4xf32, #swapped> -> <8x4xf32, #lanes>
    %w = tile.relayout %v : <8x4xf32, #lanes> -> <8x4xf32, #across>
    tile.store %w, %m[%c0, %c0] valid [%c8, %c8] : <8x4xf32, #across>, memref<8x4xf32>
    return
  }
}

// -----

// In place of a row that is not valid the begin of the memory is read and given
// up, without a branch; not where the kernel writes it: another thread might be
// doing so.
#rows = #tile.layout<register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0]], subgroup = [[4, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @reads(
  // CHECK-NOT: scf.if
  // CHECK: %[[AT:.*]] = arith.select %[[VALID:.*]], %{{.*}}, %c0
  // CHECK: %[[READ:.*]] = memref.load %{{.*}}[%[[AT]]]
  // CHECK: arith.select %[[VALID]], %[[READ]], %{{.*}} : f32
  func.func private @reads(%a: memref<f32>, %o: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 4], strides: [4, 1] : memref<f32> to memref<8x4xf32>
    %out = memref.reinterpret_cast %o to offset: [0], sizes: [8, 4], strides: [4, 1] : memref<f32> to memref<8x4xf32>
    %t = tile.load %m[%c0, %c0] valid [%n, %c4] : memref<8x4xf32> -> !tile.tile<8x4xf32, #rows>
    tile.store %t, %out[%c0, %c0] valid [%c8, %c4] : <8x4xf32, #rows>, memref<8x4xf32>
    return
  }

  // CHECK-LABEL: gpu.func @reads_and_writes(
  // CHECK: %[[VALID:.*]] = arith.cmpi slt
  // CHECK: scf.if %[[VALID]] -> (f32)
  // CHECK: memref.load
  // CHECK: else
  func.func private @reads_and_writes(%a: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 4], strides: [4, 1] : memref<f32> to memref<8x4xf32>
    %out = memref.reinterpret_cast %a to offset: [0], sizes: [8, 4], strides: [4, 1] : memref<f32> to memref<8x4xf32>
    %t = tile.load %m[%c0, %c0] valid [%n, %c4] : memref<8x4xf32> -> !tile.tile<8x4xf32, #rows>
    tile.store %t, %out[%c0, %c0] valid [%c8, %c4] : <8x4xf32, #rows>, memref<8x4xf32>
    return
  }
}

// -----

// Rows: registers first, then the lanes that share them; a region a register. A
// row statistic is stored by the first of its lanes. Two blocks cover 6 columns:
// those past them change nothing.
#block = #tile.layout<lane = [[0, 1], [0, 2], [1, 0]]>
#row = #tile.layout<lane = [[0, 0], [0, 0], [1, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @rows
  // CHECK: %[[IN:.*]] = arith.cmpi slt, %{{.*}}, %c6
  // CHECK-COUNT-2: math.exp2
  // CHECK: %[[LAST:.*]] = arith.select %[[IN]], %{{.*}}, %cst
  // CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %[[LAST]]
  // CHECK: %[[OTHER:.*]], %{{.*}} = gpu.shuffle xor %[[SUM]], %c1_i32, %c8_i32
  // CHECK: %[[PAIR:.*]] = arith.addf %[[SUM]], %[[OTHER]]
  // CHECK: %[[MORE:.*]], %{{.*}} = gpu.shuffle xor %[[PAIR]], %c2_i32, %c8_i32
  // CHECK: %[[ALL:.*]] = arith.addf %[[PAIR]], %[[MORE]]
  // CHECK-NOT: gpu.shuffle
  // CHECK: %[[IS_FIRST:.*]] = arith.cmpi eq, %{{.*}}, %c0
  // CHECK: scf.if %[[IS_FIRST]]
  // CHECK: memref.store
  func.func private @rows(%a: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 6], strides: [6, 1] : memref<f32> to memref<2x6xf32>
    %r = memref.reinterpret_cast %a to offset: [0], sizes: [2], strides: [1] : memref<f32> to memref<2xf32>
    %t = tile.load %m[%c0, %c0] valid [%n, %c8] : memref<2x6xf32> -> !tile.tile<2x6xf32, #block>
    %e = tile.map (%t) at [%c0, %c0] : (!tile.tile<2x6xf32, #block>) -> !tile.tile<2x6xf32, #block> {
    ^bb0(%u: f32, %i: index, %j: index):
      %v = math.exp2 %u : f32
      tile.yield %v : f32
    }
    %init = tile.splat %zero : f32 -> !tile.tile<2xf32, #row>
    %s = tile.reduce sum %e, %init : <2x6xf32, #block> -> <2xf32, #row>
    tile.store %s, %r[%c0] valid [%n] : <2xf32, #row>, memref<2xf32>
    return
  }
}

// -----

// A product: one k after another, a row of four columns a thread.
#acc = #tile.layout<register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @product
  // One after the other in a buffer.
  // CHECK-SAME: workgroup(%[[BOTH:.*]] : memref<40xf16, #gpu.address_space<workgroup>> {attn.name = "tiles"})
  // CHECK: scf.for %{{.*}} to %c4 step %c1
  // CHECK: memref.store %{{.*}}, %[[BOTH]]
  // CHECK: arith.addi %{{.*}}, %c24
  // CHECK: memref.store %{{.*}}, %[[BOTH]]
  // CHECK: gpu.barrier
  // CHECK: scf.for %[[K:.*]] = %c0 to %c4 step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst, %{{.*}} = %cst, %{{.*}} = %cst)
  // CHECK: memref.load %[[BOTH]]
  // CHECK: arith.extf
  // Swizzled.
  // CHECK: arith.remui %[[K]], %c2
  // CHECK-COUNT-4: memref.load %[[BOTH]]
  // CHECK-COUNT-4: math.fma
  func.func private @product(%a: memref<f16>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 4], strides: [4, 1] : memref<f16> to memref<4x4xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [4, 4], strides: [4, 1] : memref<f32> to memref<4x4xf32>
    %l = tile.load %m[%c0, %c0] valid [%c4, %c4] : memref<4x4xf16> -> !tile.tile<4x4xf16, #tile.shared<padding = 1>>
    %r = tile.load %m[%c0, %c0] valid [%c4, %c4] : memref<4x4xf16> -> !tile.tile<4x4xf16, #tile.shared<swizzle = [2, 2]>>
    %init = tile.splat %zero : f32 -> !tile.tile<4x4xf32, #acc>
    %p = tile.dot %l, %r, %init : <4x4xf16, #tile.shared<padding = 1>>, <4x4xf16, #tile.shared<swizzle = [2, 2]>> -> <4x4xf32, #acc>
    tile.store %p, %o[%c0, %c0] valid [%c4, %c4] : <4x4xf32, #acc>, memref<4x4xf32>
    return
  }
}

// -----

// Rows that a loop visits whole are not asked for: nothing but the last load has
// a branch.
#acc = #tile.layout<register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @whole
  // CHECK: scf.for
  // CHECK-NOT: scf.if
  // CHECK: scf.for
  // CHECK-NOT: scf.if
  // CHECK: gpu.barrier
  // CHECK: gpu.barrier
  // CHECK: scf.if
  func.func private @whole(%a: memref<f32>, %o: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 4], strides: [4, 1] : memref<f32> to memref<16x4xf32>
    %out = memref.reinterpret_cast %o to offset: [0], sizes: [4, 4], strides: [4, 1] : memref<f32> to memref<4x4xf32>
    %zero = arith.constant 0.0 : f32
    %init = tile.splat %zero : f32 -> !tile.tile<4x4xf32, #acc>
    %sum = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %init) -> (!tile.tile<4x4xf32, #acc>) {
      %first = arith.muli %i, %c4 : index
      %left = arith.subi %c16, %first : index
      %l = tile.load %m[%first, %c0] valid [%left, %c4] : memref<16x4xf32> -> !tile.tile<4x4xf32, #tile.shared<padding = 1>>
      %p = tile.dot %l, %l, %s : <4x4xf32, #tile.shared<padding = 1>>, <4x4xf32, #tile.shared<padding = 1>> -> <4x4xf32, #acc>
      scf.yield %p : !tile.tile<4x4xf32, #acc>
    }
    %l = tile.load %m[%c0, %c0] valid [%n, %c4] : memref<16x4xf32> -> !tile.tile<4x4xf32, #tile.shared<padding = 1>>
    %p = tile.dot %l, %l, %sum : <4x4xf32, #tile.shared<padding = 1>>, <4x4xf32, #tile.shared<padding = 1>> -> <4x4xf32, #acc>
    tile.store %p, %out[%c0, %c0] valid [%c4, %c4] : <4x4xf32, #acc>, memref<4x4xf32>
    return
  }
}

// -----

// Fragments: rows and columns by number, from fragments that are loaded with a
// stride of 0; reductions through workgroup memory; right factors from there.
#left = #tile.fragment<use = a, shape = [16, 16], subgroups = [2, 1]>
#sum = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>
#staged = #tile.shared<padding = 8>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: gpu.func @fragments
  // CHECK: arith.sitofp
  // CHECK: %[[A:.*]] = kernel.load_matrix %{{.*}} stride 24 : {{.*}} -> <16x16xf16, a>
  // CHECK: %[[B:.*]] = kernel.load_matrix %{{.*}}[%c0] stride 24 transposed : {{.*}} -> <16x16xf16, b>
  // CHECK: %[[S:.*]] = kernel.multiply_matrices %[[A]], %[[B]]
  // CHECK: kernel.multiply_matrices %[[A]]
  // CHECK: %[[ROWS:.*]] = kernel.load_matrix %{{.*}}[%c0] stride 0 transposed
  // The region for each of the eight elements of a lane and both fragments.
  // CHECK: kernel.extract_element %[[S]][0]
  // CHECK: %[[ROW:.*]] = kernel.extract_element %[[ROWS]][0]
  // CHECK: %[[NUMBER:.*]] = arith.fptosi %[[ROW]] : f32 to i32
  // CHECK: arith.index_cast %[[NUMBER]] {tile.size = 15 : index} : i32 to index
  // CHECK: kernel.insert_element
  // CHECK: tile.subgroup_barrier
  // CHECK: kernel.store_matrix %{{.*}}, %[[STRIP:.*]][%{{.*}}] stride 16
  // CHECK: tile.subgroup_barrier
  // CHECK: scf.for
  // CHECK-COUNT-16: memref.load %[[STRIP]]
  // CHECK: memref.store %{{.*}}, %[[STRIP]]
  // CHECK: tile.subgroup_barrier
  // CHECK: kernel.load_matrix %[[STRIP]][%{{.*}}] stride 0 transposed
  func.func private @fragments(%a: memref<f16>, %b: memref<f32>, %i0: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32, 16], strides: [16, 1] : memref<f16> to memref<32x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %q = tile.load %m[%c0, %c0] valid [%c32, %c32] : memref<32x16xf16> -> !tile.tile<32x16xf16, #staged>
    %l = tile.relayout %q : <32x16xf16, #staged> -> <32x16xf16, #left>
    %init = tile.splat %zero : f32 -> !tile.tile<32x32xf32, #sum>
    %s = tile.dot %l, %q, %init {transpose_b} : <32x16xf16, #left>, <32x16xf16, #staged> -> <32x32xf32, #sum>
    %biased = tile.map (%s) at [%i0, %c0] : (!tile.tile<32x32xf32, #sum>) -> !tile.tile<32x32xf32, #sum> {
    ^bb0(%u: f32, %i: index, %j: index):
      %n = arith.index_cast %i : index to i32
      %f = arith.sitofp %n : i32 to f32
      %v = arith.addf %u, %f : f32
      tile.yield %v : f32
    }
    %none = tile.splat %zero : f32 -> !tile.tile<32xf32, #sum>
    %max = tile.reduce max %biased, %none : <32x32xf32, #sum> -> <32xf32, #sum>
    %out = tile.relayout %max : <32xf32, #sum> -> <32xf32, #tile.shared>
    tile.store %out, %o[%c0] valid [%c32] : <32xf32, #tile.shared>, memref<32xf32>
    return
  }
}

// -----

// Two lanes have half of the depth of a product each. Both add up the products
// of two columns; the first keeps column 0, the second column 1.
// CHECK-LABEL: gpu.func @depth
// CHECK: %[[Q0:.+]] = memref.load
// CHECK: %[[Q1:.+]] = memref.load
// CHECK: %[[K00:.+]] = memref.load
// CHECK: %[[K01:.+]] = memref.load
// CHECK: %[[K10:.+]] = memref.load
// CHECK: %[[K11:.+]] = memref.load
// CHECK: %[[P0:.+]] = arith.mulf %[[Q0]], %[[K00]]
// CHECK: %[[S0:.+]] = math.fma %[[Q1]], %[[K01]], %[[P0]]
// CHECK: %[[P1:.+]] = arith.mulf %[[Q0]], %[[K10]]
// CHECK: %[[S1:.+]] = math.fma %[[Q1]], %[[K11]], %[[P1]]
// CHECK: %[[UPPER:.+]] = arith.cmpi ne
// CHECK: %[[KEPT:.+]] = arith.select %[[UPPER]], %[[S1]], %[[S0]]
// CHECK: %[[SENT:.+]] = arith.select %[[UPPER]], %[[S0]], %[[S1]]
// CHECK: %[[GOT:.+]], %{{.+}} = gpu.shuffle xor %[[SENT]]
// CHECK: arith.addf %[[KEPT]], %[[GOT]]
#halves = #tile.layout<register = [[0, 1]], lane = [[0, 2]]>
#rows = #tile.layout<register = [[0, 1], [1, 0]], lane = [[0, 2]]>
#column = #tile.layout<lane = [[0, 1]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 2, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @depth(%a: memref<f32>, %b: memref<f32>, %c: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 4], strides: [4, 1] : memref<f32> to memref<2x4xf32>
    %l = memref.reinterpret_cast %b to offset: [0], sizes: [1, 4], strides: [4, 1] : memref<f32> to memref<1x4xf32>
    %r = memref.reinterpret_cast %c to offset: [0], sizes: [1, 2], strides: [2, 1] : memref<f32> to memref<1x2xf32>
    %q = tile.load %l[%c0, %c0] valid [%c1, %c4] : memref<1x4xf32> -> !tile.tile<1x4xf32, #halves>
    %k = tile.load %m[%c0, %c0] valid [%c2, %c4] : memref<2x4xf32> -> !tile.tile<2x4xf32, #rows>
    %init = tile.splat %zero : f32 -> !tile.tile<1x2xf32, #column>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<1x4xf32, #halves>, !tile.tile<2x4xf32, #rows> -> !tile.tile<1x2xf32, #column>
    tile.store %s, %r[%c0, %c0] valid [%c1, %c2] : !tile.tile<1x2xf32, #column>, memref<1x2xf32>
    return
  }
}

// -----

// Two bits of lanes hold the depth. The one that halves what a lane keeps comes
// first, so that one number is exchanged for the other, not two.
// CHECK-LABEL: gpu.func @halving_first
// CHECK: %[[KEPT:.+]] = arith.select
// CHECK: %[[SENT:.+]] = arith.select
// CHECK: %[[GOT:.+]], %{{.+}} = gpu.shuffle xor %[[SENT]], %c1_i32
// CHECK: %[[HALF:.+]] = arith.addf %[[KEPT]], %[[GOT]]
// CHECK: %[[REST:.+]], %{{.+}} = gpu.shuffle xor %[[HALF]], %c2_i32
// CHECK: arith.addf %[[HALF]], %[[REST]]
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.return
#quarters = #tile.layout<lane = [[0, 1], [0, 2]]>
#rows = #tile.layout<register = [[1, 0]], lane = [[0, 1], [0, 2]]>
#column = #tile.layout<lane = [[0, 1], [0, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @halving_first(%a: memref<f32>, %b: memref<f32>, %c: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 4], strides: [4, 1] : memref<f32> to memref<2x4xf32>
    %l = memref.reinterpret_cast %b to offset: [0], sizes: [1, 4], strides: [4, 1] : memref<f32> to memref<1x4xf32>
    %r = memref.reinterpret_cast %c to offset: [0], sizes: [1, 2], strides: [2, 1] : memref<f32> to memref<1x2xf32>
    %q = tile.load %l[%c0, %c0] valid [%c1, %c4] : memref<1x4xf32> -> !tile.tile<1x4xf32, #quarters>
    %k = tile.load %m[%c0, %c0] valid [%c2, %c4] : memref<2x4xf32> -> !tile.tile<2x4xf32, #rows>
    %init = tile.splat %zero : f32 -> !tile.tile<1x2xf32, #column>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<1x4xf32, #quarters>, !tile.tile<2x4xf32, #rows> -> !tile.tile<1x2xf32, #column>
    tile.store %s, %r[%c0, %c0] valid [%c1, %c2] : !tile.tile<1x2xf32, #column>, memref<1x2xf32>
    return
  }
}

// -----

// Rows that may not be there are read from the begin of the memory, without a
// branch, and given up.
// CHECK-LABEL: gpu.func @run
// CHECK: %[[IN:.+]] = arith.cmpi slt
// CHECK: %[[AT:.+]] = arith.select %[[IN]], %{{.+}}, %{{.+}} : index
// CHECK-NOT: scf.if
// CHECK: %[[X:.+]] = memref.load %{{.+}}[%[[AT]]]
// CHECK: arith.select %[[IN]], %[[X]]
#pairs = #tile.layout<register = [[0, 1]], lane = [[1, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 2, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @run(%a: memref<f32>, %c: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 2], strides: [2, 1] : memref<f32> to memref<2x2xf32>
    %r = memref.reinterpret_cast %c to offset: [0], sizes: [2, 2], strides: [2, 1] : memref<f32> to memref<2x2xf32>
    %q = tile.load %m[%c0, %c0] valid [%n, %c2] : memref<2x2xf32> -> !tile.tile<2x2xf32, #pairs>
    tile.store %q, %r[%c0, %c0] valid [%c2, %c2] : !tile.tile<2x2xf32, #pairs>, memref<2x2xf32>
    return
  }
}

// -----

// Threads go down the rows of a factor, each in its columns, and divide only once.
#acc = #tile.layout<register = [[0, 1], [0, 2], [0, 4]], lane = [[1, 0], [2, 0]], subgroup = [[4, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @down
  // CHECK: %[[THREAD:.*]] = arith.addi %{{.*}} {tile.size = 7 : index}
  // CHECK: %[[ROW:.*]] = arith.divui %[[THREAD]], %c4
  // CHECK: scf.for %{{.*}} = %[[ROW]] to %c8 step %c2
  // CHECK-NOT: arith.divui
  // CHECK-NOT: arith.remui
  // CHECK: gpu.barrier
  func.func private @down(%a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 4], strides: [4, 1] : memref<f32> to memref<8x4xf32>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [8, 8], strides: [8, 1] : memref<f32> to memref<8x8xf32>
    %l = tile.load %m[%c0, %c0] valid [%c8, %c4] : memref<8x4xf32> -> !tile.tile<8x4xf32, #tile.shared<padding = 4>>
    %init = tile.splat %zero : f32 -> !tile.tile<8x8xf32, #acc>
    %p = tile.dot %l, %l, %init {transpose_b} : <8x4xf32, #tile.shared<padding = 4>>, <8x4xf32, #tile.shared<padding = 4>> -> <8x8xf32, #acc>
    tile.store %p, %o[%c0, %c0] valid [%c8, %c8] : <8x8xf32, #acc>, memref<8x8xf32>
    return
  }
}

// -----

// Pieces of a thread that lie one below the other: one address, and from there as
// many rows on each time.
#staged = #tile.shared<padding = 8>
#pieces = #tile.pieces<elements = 8, threads = 32>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: gpu.func @below
  // CHECK: %[[ALL:.*]] = arith.cmpi sge, %{{.*}}, %c48
  // CHECK: %[[FIRST:.*]] = arith.select %[[ALL]], %{{.*}}, %c0
  // CHECK: vector.load %[[MEMORY:.*]][%[[FIRST]]]
  // CHECK: %[[APART:.*]] = arith.muli %{{.*}}, %c16
  // CHECK: %[[STEP:.*]] = arith.select %[[ALL]], %[[APART]], %c0
  // CHECK: %[[SECOND:.*]] = arith.addi %[[FIRST]], %[[STEP]]
  // CHECK-NEXT: vector.load %[[MEMORY]][%[[SECOND]]]
  // CHECK-NEXT: %[[THIRD:.*]] = arith.addi %[[SECOND]], %[[STEP]]
  // CHECK-NEXT: vector.load %[[MEMORY]][%[[THIRD]]]
  // CHECK: scf.if
  func.func private @below(%a: memref<f16>, %rows: index, %pitch: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [48, 16], strides: [%pitch, 1] : memref<f16> to memref<48x16xf16, strided<[?, 1]>>
    %p = tile.load %m[%c0, %c0] valid [%rows, %c16] : memref<48x16xf16, strided<[?, 1]>> -> !tile.tile<48x16xf16, #pieces>
    %q = tile.load %m[%c0, %c0] valid [%rows, %c16] prefetched(%p : !tile.tile<48x16xf16, #pieces>) : memref<48x16xf16, strided<[?, 1]>> -> !tile.tile<48x16xf16, #staged>
    return
  }
}

// -----

// What is staged once is read without a branch, too, several pieces before the
// first one is stored: a row that is missing from the begin of the memory.
#staged = #tile.shared<padding = 8>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: gpu.func @once
  // CHECK: scf.if %{{.*}} {
  // CHECK: %[[IN:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS:.*]] : index
  // CHECK: %[[AT:.*]] = arith.select %[[IN]], %{{.*}}, %{{.*}} : index
  // CHECK: %[[FIRST:.*]] = vector.load %[[MEMORY:.*]][%[[AT]]] {alignment = 16 : i64}
  // CHECK-NOT: scf.if
  // CHECK: %[[ALSO_IN:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS]] : index
  // CHECK: %[[SECOND:.*]] = vector.load %[[MEMORY]][%{{.*}}] {alignment = 16 : i64}
  // CHECK: %[[STORED:.*]] = arith.select %[[IN]], %[[FIRST]], %{{.*}} : vector<8xf16>
  // CHECK: vector.store %[[STORED]]
  // CHECK: arith.select %[[ALSO_IN]], %[[SECOND]], %{{.*}} : vector<8xf16>
  // CHECK: } else {
  // CHECK: scf.for
  // CHECK: memref.load
  func.func private @once(%a: memref<f16>, %pitch: index, %rows: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32, 16], strides: [%pitch, 1] : memref<f16> to memref<32x16xf16, strided<[?, 1]>>
    %q = tile.load %m[%c0, %c0] valid [%rows, %c16] : memref<32x16xf16, strided<[?, 1]>> -> !tile.tile<32x16xf16, #staged>
    %f = tile.relayout %q : <32x16xf16, #staged> -> <32x16xf16, #tile.fragment<use = a, shape = [16, 16], subgroups = [1, 1]>>
    return
  }
}

// -----

// A computed left factor goes through the strip of its subgroup; with the
// feature matrix-element-map, element by element. Pieces come from memory without
// a branch: from its begin if a row is missing. Those of all rows go to workgroup
// memory where all begin at multiples of 16 bytes; otherwise the tile is read
// again.
#left = #tile.fragment<use = a, shape = [16, 16], subgroups = [1, 1]>
#sum = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [1, 1]>
#staged = #tile.shared<padding = 8>
#pieces = #tile.pieces<elements = 8, threads = 32>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: gpu.func @factor
  // CHECK: %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index
  // CHECK: arith.remui %[[ADDRESS]], %c16
  // CHECK: %[[FIRST:.*]] = arith.divui %{{.*}}, %c2
  // CHECK: %[[REST:.*]] = arith.remui %[[FIRST]], %c8
  // CHECK: %[[BEGIN:.*]] = arith.subi %c0, %[[REST]]
  // CHECK: %[[PIECES:.*]] = memref.reinterpret_cast %{{.*}} to offset: [%[[BEGIN]]]
  // CHECK: %[[ALL:.*]] = arith.cmpi sge, %{{.*}}, %c16
  // CHECK: %[[PLACE:.*]] = arith.select %[[ALL]], %{{.*}}, %c0
  // CHECK-NOT: scf.if
  // CHECK: %[[PIECE:.*]] = vector.load %[[PIECES]][%[[PLACE]]] {alignment = 16 : i64}
  // CHECK: gpu.barrier
  // CHECK: %[[USABLE:.*]] = arith.andi %{{.*}}, %[[ALL]]
  // CHECK: scf.if %[[USABLE]]
  // CHECK: vector.store %[[PIECE]], %{{.*}} {alignment = 16 : i64}
  // CHECK: } else {
  // CHECK: scf.for
  // CHECK: vector.load
  // CHECK: } else {
  // CHECK-COUNT-8: memref.load
  // CHECK: vector.from_elements
  // CHECK: vector.store %{{.*}}, %{{.*}} {alignment = 16 : i64}
  // CHECK: gpu.barrier
  // CHECK: %[[S:.*]] = kernel.multiply_matrices
  // CHECK: kernel.extract_element %[[S]]
  // CHECK: arith.cmpf ogt
  // CHECK-COUNT-7: arith.ori
  // CHECK: %[[ANY:.*]] = gpu.subgroup_reduce or %{{.*}} : (i1) -> i1
  // CHECK: scf.if %[[ANY]]
  // CHECK: %[[H:.*]] = kernel.convert_matrix %{{.*}} : <16x16xf32, accumulator> to <16x16xf16, accumulator>
  // CHECK: tile.subgroup_barrier
  // CHECK: kernel.store_matrix %[[H]], %[[STRIP:.*]][%{{.*}}] stride 16
  // CHECK: tile.subgroup_barrier
  // CHECK: kernel.load_matrix %[[STRIP]][%{{.*}}] stride 16 : {{.*}} -> <16x16xf16, a>
  func.func private @factor(%a: memref<f16>, %rows: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %p = tile.load %m[%c0, %c0] valid [%rows, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16, #pieces>
    %q = tile.load %m[%c0, %c0] valid [%rows, %c16] prefetched(%p : !tile.tile<16x16xf16, #pieces>) : memref<16x16xf16> -> !tile.tile<16x16xf16, #staged>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32, #sum>
    %limit = tile.splat %zero : f32 -> !tile.tile<16xf32, #sum>
    %s = tile.dot %q, %q, %init {transpose_b} : <16x16xf16, #staged>, <16x16xf16, #staged> -> <16x16xf32, #sum>
    %any = tile.any_above %s, %limit : <16x16xf32, #sum>, <16xf32, #sum>
    %t = scf.if %any -> (!tile.tile<16x16xf32, #sum>) {
      %u = tile.map (%s) at [%c0, %c0] : (!tile.tile<16x16xf32, #sum>) -> !tile.tile<16x16xf32, #sum> {
      ^bb0(%e: f32, %i: index, %j: index):
        %f = arith.addf %e, %e : f32
        tile.yield %f : f32
      }
      scf.yield %u : !tile.tile<16x16xf32, #sum>
    } else {
      scf.yield %s : !tile.tile<16x16xf32, #sum>
    }
    %h = tile.convert %t : <16x16xf32, #sum> -> <16x16xf16, #sum>
    %l = tile.relayout %h : <16x16xf16, #sum> -> <16x16xf16, #left>
    %o = tile.dot %l, %q, %s : <16x16xf16, #left>, <16x16xf16, #staged> -> <16x16xf32, #sum>
    %r = tile.convert %o : <16x16xf32, #sum> -> <16x16xf16, #sum>
    %out = tile.relayout %r : <16x16xf16, #sum> -> <16x16xf16, #staged>
    tile.store %out, %m[%c0, %c0] valid [%rows, %c16] : <16x16xf16, #staged>, memref<16x16xf16>
    return
  }
}

// -----

// A machine without subgroups: threads stand for lanes, which exchange through
// workgroup memory, the rows of a reduction together.
#shared_rows = #tile.layout<register = [[1, 0]], lane = [[0, 1], [0, 2]], subgroup = [[2, 0]]>
#statistic = #tile.layout<register = [[1, 0]], lane = [[0, 0], [0, 0]], subgroup = [[2, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 1, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @exchanged
  // CHECK-SAME: workgroup(%[[BUFFER:[a-z0-9]+]] : memref<32xf32, #gpu.address_space<workgroup>>
  // CHECK-NOT: gpu.shuffle
  // CHECK: %[[THREAD:.+]] = gpu.thread_id x
  // CHECK: memref.store %{{.+}}, %[[BUFFER]][%[[THREAD]]]
  // CHECK: memref.store %{{.+}}, %[[BUFFER]]
  // CHECK-NEXT: gpu.barrier
  // CHECK: memref.load %[[BUFFER]]
  // CHECK: memref.load %[[BUFFER]]
  // CHECK: gpu.barrier
  // CHECK-NOT: gpu.barrier
  // CHECK: gpu.return
  func.func private @exchanged(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 4], strides: [4, 1] : memref<f32> to memref<4x4xf32>
    %r = memref.reinterpret_cast %a to offset: [0], sizes: [4], strides: [1] : memref<f32> to memref<4xf32>
    %t = tile.load %m[%c0, %c0] valid [%c4, %c4] : memref<4x4xf32> -> !tile.tile<4x4xf32, #shared_rows>
    %i = tile.splat %zero : f32 -> !tile.tile<4xf32, #statistic>
    %s = tile.reduce sum %t, %i : !tile.tile<4x4xf32, #shared_rows> -> !tile.tile<4xf32, #statistic>
    tile.store %s, %r[%c0] valid [%c4] : <4xf32, #statistic>, memref<4xf32>
    return
  }
}

// -----

// Vectors in workgroup memory: a factor is stored and read by four neighbours,
// multiplied element by element along the depth.
#part = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0], [2, 0]]>
#vectors = #tile.shared<padding = 4>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  // CHECK-LABEL: gpu.func @depths
  // CHECK-SAME: workgroup(%[[BUFFER:[a-z0-9]+]] : memref<24xvector<4xf32>, #gpu.address_space<workgroup>>
  // Rows that may be missing are read from elsewhere, without a branch.
  // CHECK: %[[IN:.+]] = arith.cmpi slt
  // CHECK: %[[AT:.+]] = arith.select %[[IN]], %{{.+}}, %c0 : index
  // CHECK: %[[FOUR:.+]] = vector.load %{{.+}}[%[[AT]]]
  // CHECK: %[[READ:.+]] = arith.select %[[IN]], %[[FOUR]], %cst{{.*}} : vector<4xf32>
  // CHECK: memref.store %[[READ]], %[[BUFFER]]
  // CHECK: gpu.barrier
  // CHECK: %[[A:.+]] = memref.load %[[BUFFER]]{{.+}} : memref<24xvector<4xf32>
  // CHECK: %[[B:.+]] = memref.load %[[BUFFER]]
  // CHECK: %[[X:.+]] = vector.extract %[[A]][0]
  // CHECK: %[[Y:.+]] = vector.extract %[[B]][0]
  // CHECK: math.fma %[[X]], %[[Y]], %{{.+}} : f32
  func.func private @depths(%a: memref<f32>, %o: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<f32> to memref<4x8xf32>
    %out = memref.reinterpret_cast %o to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<f32> to memref<4x8xf32>
    %q = tile.load %m[%c0, %c0] valid [%x, %c8] : memref<4x8xf32> -> !tile.tile<4x8xf32, #vectors>
    %k = tile.load %m[%c0, %c0] valid [%c4, %c8] : memref<4x8xf32> -> !tile.tile<4x8xf32, #vectors>
    %i = tile.splat %zero : f32 -> !tile.tile<4x4xf32, #part>
    %s = tile.dot %q, %k, %i {transpose_b} : !tile.tile<4x8xf32, #vectors>, !tile.tile<4x8xf32, #vectors> -> !tile.tile<4x4xf32, #part>
    tile.store %s, %out[%c0, %c0] valid [%c4, %c4] : !tile.tile<4x4xf32, #part>, memref<4x8xf32>
    return
  }
}

// -----

// Of a factor whose columns are those of the result a thread reads neighbours
// together, and multiplies them with one element.
#neighbours = #tile.layout<register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 8]], subgroup = [[1, 0], [2, 0]]>
#vectors = #tile.shared<padding = 4>
#elements = #tile.shared<padding = 1>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  // CHECK-LABEL: gpu.func @columns
  // CHECK-SAME: workgroup(%[[P:[a-z0-9]+]] : memref<12xf32, #gpu.address_space<workgroup>> {{.+}}, %[[V:[a-z0-9]+]] : memref<10xvector<4xf32>, #gpu.address_space<workgroup>>
  // CHECK: gpu.barrier
  // CHECK: %[[WEIGHT:.+]] = memref.load %[[P]]
  // CHECK: %[[SPLAT:.+]] = vector.broadcast %[[WEIGHT]] : f32 to vector<4xf32>
  // CHECK: %[[VALUES:.+]] = memref.load %[[V]]
  // CHECK: math.fma %[[SPLAT]], %[[VALUES]], %{{.+}} : vector<4xf32>
  func.func private @columns(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 16], strides: [16, 1] : memref<f32> to memref<4x16xf32>
    %p = tile.load %m[%c0, %c0] valid [%c4, %c2] : memref<4x16xf32> -> !tile.tile<4x2xf32, #elements>
    %v = tile.load %m[%c0, %c0] valid [%c2, %c16] : memref<4x16xf32> -> !tile.tile<2x16xf32, #vectors>
    %i = tile.splat %zero : f32 -> !tile.tile<4x16xf32, #neighbours>
    %s = tile.dot %p, %v, %i : !tile.tile<4x2xf32, #elements>, !tile.tile<2x16xf32, #vectors> -> !tile.tile<4x16xf32, #neighbours>
    tile.store %s, %m[%c0, %c0] valid [%c4, %c16] : !tile.tile<4x16xf32, #neighbours>, memref<4x16xf32>
    return
  }
}

// -----

// A processor that imitates a device has few registers: rows are read when they are
// multiplied, and so are columns of which several rows are.
#rows = #tile.layout<register = [[1, 0]], lane = [[0, 1], [0, 2]], subgroup = [[2, 0]]>
#columns = #tile.layout<register = [[0, 1], [0, 2], [0, 16]], lane = [[0, 4], [0, 8]], subgroup = [[1, 0], [2, 0]]>
#vectors = #tile.shared<padding = 4>
#elements = #tile.shared<padding = 1>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 16, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, features = ["software"], lacks = "small_storage">} {
  // CHECK-LABEL: gpu.func @late_rows
  // CHECK: gpu.barrier
  // CHECK: scf.for
  // CHECK: %[[K:.+]] = memref.load
  // CHECK: %[[FIRST:.+]] = memref.load
  // CHECK-NOT: memref.load
  // CHECK: vector.extract %[[FIRST]][3]
  // CHECK: math.fma
  // CHECK: %[[SECOND:.+]] = memref.load
  // CHECK: vector.extract %[[SECOND]][0]
  func.func private @late_rows(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<f32> to memref<4x8xf32>
    %q = tile.load %m[%c0, %c0] valid [%c4, %c8] : memref<4x8xf32> -> !tile.tile<4x8xf32, #vectors>
    %k = tile.load %m[%c0, %c0] valid [%c4, %c8] : memref<4x8xf32> -> !tile.tile<4x8xf32, #vectors>
    %i = tile.splat %zero : f32 -> !tile.tile<4x4xf32, #rows>
    %s = tile.dot %q, %k, %i {transpose_b} : !tile.tile<4x8xf32, #vectors>, !tile.tile<4x8xf32, #vectors> -> !tile.tile<4x4xf32, #rows>
    tile.store %s, %m[%c0, %c0] valid [%c4, %c4] : !tile.tile<4x4xf32, #rows>, memref<4x8xf32>
    return
  }

  // CHECK-LABEL: gpu.func @late_columns
  // CHECK: scf.for
  // CHECK: %[[SPLAT:.+]] = vector.broadcast
  // CHECK: %[[FIRST:.+]] = memref.load
  // CHECK-NEXT: math.fma %[[SPLAT]], %[[FIRST]]
  // CHECK: %[[SECOND:.+]] = memref.load
  // CHECK-NEXT: math.fma %[[SPLAT]], %[[SECOND]]
  func.func private @late_columns(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 32], strides: [32, 1] : memref<f32> to memref<4x32xf32>
    %p = tile.load %m[%c0, %c0] valid [%c4, %c2] : memref<4x32xf32> -> !tile.tile<4x2xf32, #elements>
    %v = tile.load %m[%c0, %c0] valid [%c2, %c32] : memref<4x32xf32> -> !tile.tile<2x32xf32, #vectors>
    %i = tile.splat %zero : f32 -> !tile.tile<4x32xf32, #columns>
    %s = tile.dot %p, %v, %i : !tile.tile<4x2xf32, #elements>, !tile.tile<2x32xf32, #vectors> -> !tile.tile<4x32xf32, #columns>
    tile.store %s, %m[%c0, %c0] valid [%c4, %c32] : !tile.tile<4x32xf32, #columns>, memref<4x32xf32>
    return
  }
}

// -----

// What threads computed, in vectors of the columns that a thread has: one is read
// for four products, with rows that lie as far apart as its columns.
#scores = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0], [2, 0]]>
#neighbours = #tile.layout<register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 8]], subgroup = [[1, 0], [2, 0]]>
#vectors = #tile.shared<padding = 4>
#folds = #tile.shared<padding = 4, folds = 4>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  // CHECK-LABEL: gpu.func @folds
  // CHECK-SAME: workgroup(%[[BUFFER:[a-z0-9]+]] : memref<{{[0-9]+}}xvector<4xf32>, #gpu.address_space<workgroup>>
  // CHECK: %[[WEIGHTS:.+]] = vector.from_elements %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} : vector<4xf32>
  // CHECK: memref.store %[[WEIGHTS]], %[[BUFFER]]
  // Two of the four reads in a turn.
  // CHECK: scf.for %[[TURN:.+]] = %c0 to %c2 step %c1
  // CHECK: %[[FIRST:.+]] = arith.muli %[[TURN]], %c2
  // CHECK: arith.addi %{{.+}}, %[[FIRST]]
  // CHECK: %[[READ:.+]] = memref.load %[[BUFFER]]
  // CHECK: vector.extract %[[READ]][0]
  // CHECK: arith.addi %[[FIRST]], %c4
  // CHECK: vector.extract %[[READ]][1]
  // CHECK: vector.extract %[[READ]][3]
  // CHECK: %[[SECOND:.+]] = arith.addi %[[FIRST]], %c1
  // CHECK: arith.addi %{{.+}}, %[[SECOND]]
  // CHECK: %[[NEXT:.+]] = memref.load %[[BUFFER]]
  // CHECK: vector.extract %[[NEXT]][0]
  func.func private @folds(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %p = tile.load %m[%c0, %c0] valid [%c4, %c16] : memref<16x16xf32> -> !tile.tile<4x16xf32, #scores>
    %w = tile.relayout %p : <4x16xf32, #scores> -> <4x16xf32, #folds>
    %v = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32, #vectors>
    %i = tile.splat %zero : f32 -> !tile.tile<4x16xf32, #neighbours>
    %s = tile.dot %w, %v, %i : !tile.tile<4x16xf32, #folds>, !tile.tile<16x16xf32, #vectors> -> !tile.tile<4x16xf32, #neighbours>
    tile.store %s, %m[%c0, %c0] valid [%c4, %c16] : !tile.tile<4x16xf32, #neighbours>, memref<16x16xf32>
    return
  }
}

// -----

// A factor that stays in memory takes none of the workgroup and is read there,
// from where a row begins; one that is missing is another one.
#part = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0], [2, 0]]>
#vectors = #tile.shared<padding = 4>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  // CHECK-LABEL: gpu.func @in_memory
  // CHECK-SAME: workgroup(%[[BUFFER:[a-z0-9]+]] : memref<12xvector<4xf32>, #gpu.address_space<workgroup>>
  // CHECK: %[[IN:.+]] = arith.cmpi slt, %[[ROW:.+]], %
  // CHECK: %[[READ:.+]] = arith.select %[[IN]], %[[ROW]], %c0 : index
  // CHECK: %[[AT:.+]] = arith.muli %[[READ]], %c8 : index
  // CHECK: %[[QUERY:.+]] = memref.reinterpret_cast %{{.+}} to offset: [%[[AT]]], sizes: [8]
  // CHECK: vector.load %[[QUERY]][%c0] : memref<{{.+}}>, vector<4xf32>
  // CHECK: memref.load %[[BUFFER]]
  // CHECK: vector.load %[[QUERY]][%c4]
  func.func private @in_memory(%a: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<f32> to memref<4x8xf32>
    %q = tile.load %m[%c0, %c0] valid [%n, %c8] {tile.in_memory} : memref<4x8xf32> -> !tile.tile<4x8xf32, #vectors>
    %i = tile.splat %zero : f32 -> !tile.tile<4x4xf32, #part>
    %s = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %i) -> (!tile.tile<4x4xf32, #part>) {
      %k = tile.load %m[%c0, %c0] valid [%c4, %c8] : memref<4x8xf32> -> !tile.tile<4x8xf32, #vectors>
      %p = tile.dot %q, %k, %acc {transpose_b} : !tile.tile<4x8xf32, #vectors>, !tile.tile<4x8xf32, #vectors> -> !tile.tile<4x4xf32, #part>
      scf.yield %p : !tile.tile<4x4xf32, #part>
    }
    tile.store %s, %m[%c0, %c0] valid [%c4, %c4] : !tile.tile<4x4xf32, #part>, memref<4x8xf32>
    return
  }
}

// -----

// Two subgroups have all of a tile each and get a row each of their sum: what
// each has is beside what the other has, and lanes read what was theirs.
#alike = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[0, 0]]>
#divided = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK: gpu.func @combine(%{{.*}}: memref<f32>) workgroup(%[[SHARED:.*]] : memref<16xf32, #gpu.address_space<workgroup>> {attn.name = "combined"}) kernel
  // CHECK: %[[THREAD:.*]] = arith.addi %{{.*}} {tile.size = 7 : index}
  // CHECK-DAG: %[[LANE:.*]] = arith.remui %[[THREAD]], %c4
  // CHECK-DAG: %[[SUBGROUP:.*]] = arith.divui %[[THREAD]], %c4
  // CHECK: %[[OWN:.*]] = arith.muli %[[SUBGROUP]], %c8
  // CHECK: %[[AT:.*]] = arith.addi %[[OWN]], %[[LANE]]
  // CHECK: memref.store %{{.*}}, %[[SHARED]][%[[AT]]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[AT]], %c4
  // CHECK: memref.store %{{.*}}, %[[SHARED]][%[[NEXT]]]
  // CHECK: gpu.barrier
  // CHECK: %[[OF:.*]] = arith.remui %[[SUBGROUP]], %c2
  // CHECK: %[[ROW:.*]] = arith.muli %[[OF]], %c4
  // CHECK: %[[FROM:.*]] = arith.addi %[[ROW]], %[[LANE]]
  // CHECK: %[[FIRST:.*]] = memref.load %[[SHARED]][%[[FROM]]]
  // CHECK: %[[OTHER:.*]] = arith.addi %[[FROM]], %c8
  // CHECK: %[[SECOND:.*]] = memref.load %[[SHARED]][%[[OTHER]]]
  // CHECK: arith.addf %[[FIRST]], %[[SECOND]]
  func.func private @combine(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 4], strides: [4, 1] : memref<f32> to memref<2x4xf32>
    %number, %count = tile.subgroup
    %t = tile.load %m[%number, %c0] valid [%count, %c4] : memref<2x4xf32> -> !tile.tile<2x4xf32, #alike>
    %s = tile.combine sum %t : !tile.tile<2x4xf32, #alike> -> !tile.tile<2x4xf32, #divided>
    tile.store %s, %m[%c0, %c0] valid [%c4, %c4] : !tile.tile<2x4xf32, #divided>, memref<2x4xf32>
    return
  }
}

// -----

// Subgroups divide the columns of a thread's registers; two tiles are combined in
// places of their own, so that nobody waits for those who read the first one.
#alike = #tile.layout<register = [[0, 1]], lane = [[0, 2], [0, 4]], subgroup = [[0, 0]]>
#divided = #tile.layout<lane = [[0, 2], [0, 4]], subgroup = [[0, 1]]>
#few = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[0, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK: gpu.func @combine_columns({{.*}}) workgroup(%[[SHARED:.*]] : memref<24xf32, #gpu.address_space<workgroup>> {attn.name = "combined"}) kernel
  // CHECK-DAG: %[[LANE:.*]] = arith.remui %{{.*}}, %c4
  // CHECK-DAG: %[[SUBGROUP:.*]] = arith.divui %{{.*}}, %c4
  // CHECK: %[[OWN:.*]] = arith.muli %[[SUBGROUP]], %c4
  // CHECK: %[[AT:.*]] = arith.addi %[[OWN]], %[[LANE]]
  // CHECK: memref.store %{{.*}}, %[[SHARED]][%[[AT]]]
  // CHECK: gpu.barrier
  // CHECK: memref.load %[[SHARED]][%[[LANE]]]
  // CHECK-NOT: gpu.barrier
  // CHECK: %[[FIRST:.*]] = arith.addi %{{.*}}, %c8
  // CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[LANE]]
  // CHECK: memref.store %{{.*}}, %[[SHARED]][%[[AT]]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[AT]], %c4
  // CHECK: memref.store %{{.*}}, %[[SHARED]][%[[NEXT]]]
  // CHECK: gpu.barrier
  // CHECK: %[[BIT:.*]] = arith.remui %[[SUBGROUP]], %c2
  // CHECK: %[[COLUMN:.*]] = arith.muli %[[BIT]], %c4
  // CHECK: %[[PLACE:.*]] = arith.addi %[[COLUMN]], %c8
  // CHECK: %[[FROM:.*]] = arith.addi %[[PLACE]], %[[LANE]]
  // CHECK: %[[ONE:.*]] = memref.load %[[SHARED]][%[[FROM]]]
  // CHECK: %[[OTHER:.*]] = arith.addi %[[FROM]], %c8
  // CHECK: %[[TWO:.*]] = memref.load %[[SHARED]][%[[OTHER]]]
  // CHECK: arith.addf %[[ONE]], %[[TWO]]
  // CHECK-NOT: gpu.barrier
  // CHECK: gpu.return
  func.func private @combine_columns(%a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 8], strides: [8, 1] : memref<f32> to memref<2x8xf32>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [2, 8], strides: [8, 1] : memref<f32> to memref<2x8xf32>
    %number, %count = tile.subgroup
    %f = tile.load %m[%number, %c0] valid [%c1, %c4] : memref<2x8xf32> -> !tile.tile<1x4xf32, #few>
    %t = tile.load %m[%number, %c0] valid [%c1, %c8] : memref<2x8xf32> -> !tile.tile<1x8xf32, #alike>
    %max = tile.combine max %f : !tile.tile<1x4xf32, #few> -> !tile.tile<1x4xf32, #few>
    %s = tile.combine sum %t : !tile.tile<1x8xf32, #alike> -> !tile.tile<1x8xf32, #divided>
    tile.store %max, %o[%c0, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #few>, memref<2x8xf32>
    tile.store %s, %o[%c1, %c0] valid [%c1, %c8] : !tile.tile<1x8xf32, #divided>, memref<2x8xf32>
    return
  }
}

// -----

// Rows that are twice as long as there are threads: a thread has two columns of
// each, and four rows are read before what is valid of them is stored.
#own = #tile.layout<lane = [[0, 1], [0, 2]]>
#staged = #tile.shared<padding = 4>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK: gpu.func @store_rows
  // CHECK: %[[LANE:.*]] = arith.remui %{{.*}}, %c4
  // CHECK: gpu.barrier
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %c8 step %c4
  // CHECK: %[[PLACE:.*]] = arith.muli %[[ROW]], %c12
  // CHECK: %[[AT:.*]] = arith.addi %[[PLACE]], %{{.*}}
  // CHECK: %[[FIRST:.*]] = memref.load %{{.*}}[%[[AT]]] : memref<96xf32, #gpu.address_space<workgroup>>
  // CHECK-COUNT-7: memref.load
  // CHECK-NOT: memref.load
  // CHECK: scf.if
  // CHECK-NEXT: arith.muli %[[ROW]], %c8
  // CHECK: memref.store %[[FIRST]], %{{.*}} : memref<64xf32
  func.func private @store_rows(%a: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 8], strides: [8, 1] : memref<f32> to memref<8x8xf32>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [8, 8], strides: [8, 1] : memref<f32> to memref<8x8xf32>
    %t = tile.load %m[%c0, %c0] valid [%c8, %c8] : memref<8x8xf32> -> !tile.tile<8x8xf32, #own>
    %s = tile.relayout %t : !tile.tile<8x8xf32, #own> -> !tile.tile<8x8xf32, #staged>
    tile.store %s, %o[%c0, %c0] valid [%n, %c8] : !tile.tile<8x8xf32, #staged>, memref<8x8xf32>
    return
  }
}

// -----

// Rows of heads that are packed into a tile: one division a kernel, which all
// pieces of a thread multiply by.
#left = #tile.fragment<use = a, shape = [16, 16], subgroups = [1, 1]>
#sum = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [1, 1]>
#staged = #tile.shared<padding = 8>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: gpu.func @packed
  // CHECK-SAME: (%[[HEADS:.*]]: index {tile.size = 1000 : index}
  // CHECK: %[[SUM:.*]] = arith.addi %[[HEADS]], %c65535
  // CHECK: %[[INVERSE:.*]] = arith.divui %[[SUM]], %[[HEADS]]
  // CHECK: %[[BOUND:.*]] = arith.minui %[[INVERSE]], %c65536
  // CHECK: %[[PRODUCT:.*]] = arith.muli %[[ROW:.*]], %[[BOUND]]
  // CHECK: %[[OF_HEAD:.*]] = arith.shrui %[[PRODUCT]], %c16
  // CHECK: %[[WHOLE:.*]] = arith.muli %[[OF_HEAD]], %[[HEADS]] {tile.size = 255 : index}
  // CHECK: arith.subi %[[ROW]], %[[WHOLE]] {tile.size = 255 : index}
  func.func private @packed(%g: index {tile.size = 1000 : index}, %a: memref<f16>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 16, 16], strides: [256, 16, 1] : memref<f16> to memref<8x16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %m[%c0, %c0, %c0] valid [%c16, %c16] packed %g : memref<8x16x16xf16> -> !tile.tile<16x16xf16, #staged>
    %l = tile.relayout %q : <16x16xf16, #staged> -> <16x16xf16, #left>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32, #sum>
    %s = tile.dot %l, %q, %init {transpose_b} : <16x16xf16, #left>, <16x16xf16, #staged> -> <16x16xf32, #sum>
    %out = tile.relayout %s : <16x16xf32, #sum> -> <16x16xf32, #tile.shared<padding = 4>>
    tile.store %out, %o[%c0, %c0] valid [%c16, %c16] : <16x16xf32, #tile.shared<padding = 4>>, memref<16x16xf32>
    return
  }
}

// -----

// The same in registers; row 0 is the first row of the first head.
#rows = #tile.layout<register = [[0, 1], [0, 2], [1, 0]], lane = [[0, 4], [0, 8]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: gpu.func @packed_rows
  // CHECK-SAME: (%[[HEADS:.*]]: index {tile.size = 1000 : index}
  // CHECK: arith.divui %{{.*}}, %[[HEADS]]
  // CHECK: %[[BOUND:.*]] = arith.minui
  // CHECK-NOT: arith.divui
  // CHECK-NOT: arith.remui %{{.*}}, %[[HEADS]]
  // CHECK: %[[OF_HEAD:.*]] = arith.shrui %[[BOUND]], %c16
  // CHECK: arith.muli %[[OF_HEAD]], %[[HEADS]]
  // CHECK-NOT: arith.shrui %[[BOUND]]
  // CHECK-NOT: arith.remui %{{.*}}, %[[HEADS]]
  // CHECK: gpu.return
  func.func private @packed_rows(%g: index {tile.size = 1000 : index}, %a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c16 = arith.constant 16 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 16, 16], strides: [256, 16, 1] : memref<f32> to memref<8x16x16xf32>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [2, 16], strides: [16, 1] : memref<f32> to memref<2x16xf32>
    %q = tile.load %m[%c0, %c0, %c0] valid [%c2, %c16] packed %g : memref<8x16x16xf32> -> !tile.tile<2x16xf32, #rows>
    tile.store %q, %o[%c0, %c0] valid [%c2, %c16] : !tile.tile<2x16xf32, #rows>, memref<2x16xf32>
    return
  }
}
