// RUN: split-file %s %t
// RUN: attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/row.txt
// RUN: attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu=threads=128 --canonicalize --cse | FileCheck %t/lanes.txt
// RUN: attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu=workgroup-bytes=2000 --canonicalize --cse 2>&1 | FileCheck %t/direct.txt
// RUN: attn-opt %t/paged.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/paged.mlir
// RUN: attn-opt %t/lone-row-96.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/lone-row-96.mlir
// RUN: attn-opt %t/lone-row-96.mlir --tile-attach-target=target=cuda --tile-to-gpu=threads=96 --canonicalize --cse | FileCheck %t/lone-row-96.mlir --check-prefix=GIVEN
// RUN: attn-opt %t/lone-row.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/lone-row.mlir
// RUN: attn-opt %t/packed.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/packed.mlir
// RUN: attn-opt %t/left-out.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/left-out.mlir
// RUN: attn-opt %t/twice.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/twice.mlir
// RUN: attn-opt %t/number.mlir --tile-attach-target=target=cuda --tile-to-gpu --canonicalize --cse | FileCheck %t/number.mlir --implicit-check-not=private

//--- row.txt
// One thread a row: only the key and value tiles are shared, in one buffer
// since they are not live together. Everything else is private.
CHECK-LABEL: gpu.func @causal
CHECK-SAME:  workgroup(%[[SHARED:[a-z0-9]+]] : memref<1024xf32, #gpu.address_space<workgroup>> {attn.name = "shared_tile"})
CHECK-NOT:   gpu.barrier
CHECK:       scf.for
// The loop over key tiles stages both between barriers,
CHECK:         gpu.barrier
CHECK:         memref.store {{.*}} %[[SHARED]]
CHECK:         gpu.barrier
// multiplies in blocks of four columns: the size of the code does not depend
// on the size of the tiles,
CHECK-COUNT-4: math.fma
CHECK-NOT:     math.fma
CHECK:         gpu.barrier
CHECK:         memref.store {{.*}} %[[SHARED]]
CHECK:         gpu.barrier
CHECK-COUNT-4: math.fma
// and needs no barrier for row statistics.
CHECK-NOT:     gpu.barrier
CHECK:       gpu.return

//--- lanes.txt
// Four threads share a row: q and p are exchanged, too, and row statistics are
// combined in the order of the lanes.
CHECK-LABEL: gpu.func @causal
CHECK-SAME:  %[[EXCHANGE:[a-z0-9]+]] : memref<128xf32, #gpu.address_space<workgroup>>
CHECK-SAME:  known_block_size = array<i32: 128, 1, 1>
CHECK:       %[[THREAD:.+]] = gpu.thread_id x
CHECK:       %[[ROW:.+]] = arith.divui %[[THREAD]], %c4
CHECK:       %[[LANE:.+]] = arith.remui %[[THREAD]], %c4
CHECK:       memref.store %{{.+}}, %[[EXCHANGE]][%[[THREAD]]]
CHECK-NEXT:  gpu.barrier
CHECK:       %[[FIRST:.+]] = arith.subi %[[THREAD]], %[[LANE]]
CHECK:       scf.for %[[K:.+]] = %c0 to %c4
CHECK-NEXT:    %[[AT:.+]] = arith.addi %[[FIRST]], %[[K]]
CHECK-NEXT:    memref.load %[[EXCHANGE]][%[[AT]]]
// Only one of the threads writes a row statistic.
CHECK:       %[[LEADER:.+]] = arith.cmpi eq, %[[LANE]], %c0
CHECK:       arith.andi %[[LEADER]]

//--- direct.txt
// What does not fit is read from memory, and said.
CHECK: remark: does not fit into 2000 bytes of workgroup memory next to the other tiles (4096 bytes): it is read from memory for each product, which is slower
CHECK: remark: does not fit into 2000 bytes
CHECK-LABEL: gpu.func @causal
CHECK-NOT: workgroup
CHECK-NOT: gpu.barrier
CHECK: gpu.return

//--- paged.mlir
// Row r of the tile is row (r0 + r) mod 16 of page table[b, (r0 + r) / 16].
// CHECK-LABEL: gpu.func @paged
// CHECK-SAME: %[[POOL:[a-z0-9]+]]: memref<f32>, %[[TABLE:[a-z0-9]+]]: memref<i32>
// CHECK-DAG:  %[[PAGES:.+]] = memref.reinterpret_cast %[[TABLE]]
// CHECK-DAG:  %[[ROWS:.+]] = memref.reinterpret_cast %[[POOL]]
// CHECK:      %[[R:.+]] = arith.addi %{{.+}}, %{{.+}} : index
// CHECK:      %[[ENTRY:.+]] = arith.divui %[[R]], %c16
// CHECK:      %[[PAGE:.+]] = memref.load %[[PAGES]]
// Whatever the table holds, the page is one of the pool.
// CHECK:      %[[NUMBER:.+]] = arith.index_cast %[[PAGE]] : i32 to index
// CHECK:      %[[BELOW:.+]] = arith.minsi %[[NUMBER]],
// CHECK:      arith.maxsi %[[BELOW]], %c0
// CHECK:      arith.remui %[[R]], %c16
// CHECK:      memref.load %[[ROWS]]
func.func private @paged(%pool: memref<f32>, %table: memref<i32>, %o: memref<f32>, %n: index,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %p = memref.reinterpret_cast %pool to offset: [0], sizes: [%n, 4, 16, 8], strides: [512, 128, 8, 1] : memref<f32> to memref<?x4x16x8xf32>
  %t = memref.reinterpret_cast %table to offset: [0], sizes: [2, 10], strides: [10, 1] : memref<i32> to memref<2x10xi32>
  %m = memref.reinterpret_cast %o to offset: [0], sizes: [32, 8], strides: [8, 1] : memref<f32> to memref<32x8xf32>
  %r0 = arith.muli %z, %c32 : index
  %k = tile.load %p[%y, %r0, %c0] valid [%n, %c8] paged %t[%x] : memref<?x4x16x8xf32>, memref<2x10xi32> -> <32x8xf32>
  tile.store %k, %m[%c0, %c0] valid [%c32, %c8] : <32x8xf32>, memref<32x8xf32>
  return
}

//--- lone-row.mlir
// A lone row is shared by the threads of four warps. The product reads what is
// valid of its right operand once, so straight from memory and without checks.
// CHECK-LABEL: gpu.func @combine
// CHECK-SAME:  %{{[a-z0-9]+}}: memref<f32>, %[[ACC:[a-z0-9]+]]: memref<f32>
// CHECK-SAME:  known_block_size = array<i32: 128, 1, 1>
// CHECK-DAG:   %[[ROWS:.+]] = memref.reinterpret_cast %[[ACC]]
// CHECK:       %[[END:.+]] = arith.minsi %{{.+}}, %c32
// CHECK:       scf.for %{{.+}} = %c0 to %[[END]]
// CHECK-NOT:     scf.if
// CHECK:         memref.load %[[ROWS]]
// CHECK-NOT:     scf.if
// CHECK:         math.fma
func.func private @combine(%w: memref<f32>, %acc: memref<f32>, %o: memref<f32>, %n: index,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant 0.0 : f32
  %weights = memref.reinterpret_cast %w to offset: [0], sizes: [1, %n], strides: [32, 1] : memref<f32> to memref<1x?xf32, strided<[32, 1]>>
  %states = memref.reinterpret_cast %acc to offset: [0], sizes: [%n, 128], strides: [128, 1] : memref<f32> to memref<?x128xf32>
  %m = memref.reinterpret_cast %o to offset: [0], sizes: [1, 128], strides: [128, 1] : memref<f32> to memref<1x128xf32>
  %a = tile.load %weights[%c0, %c0] valid [%c1, %n] : memref<1x?xf32, strided<[32, 1]>> -> <1x32xf32>
  %b = tile.load %states[%c0, %c0] valid [%n, %c128] : memref<?x128xf32> -> <32x128xf32>
  %start = tile.splat %zero : f32 -> <1x128xf32>
  %sum = tile.dot %a, %b, %start : <1x32xf32>, <32x128xf32> -> <1x128xf32>
  tile.store %sum, %m[%c0, %c0] valid [%c1, %c128] : <1x128xf32>, memref<1x128xf32>
  return
}

//--- lone-row-96.mlir
// Threads past the columns, or past the row, store nothing.
// CHECK-LABEL: gpu.func @store
// CHECK-SAME:  known_block_size = array<i32: 128, 1, 1>
// CHECK:       %[[COL:.+]] = arith.remui %{{.+}}, %c128
// CHECK:       %[[INSIDE:.+]] = arith.cmpi slt, %[[COL]], %c96
// CHECK:       scf.if %[[INSIDE]] {
// CHECK:         memref.store
// GIVEN-LABEL: gpu.func @store
// GIVEN-SAME:  known_block_size = array<i32: 96, 1, 1>
// GIVEN:       %[[ROW:.+]] = arith.divui %{{.+}}, %c32
// GIVEN:       %[[INSIDE:.+]] = arith.cmpi slt, %[[ROW]], %c1
// GIVEN:       scf.if %[[INSIDE]] {
func.func private @store(%o: memref<f32>,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c96 = arith.constant 96 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.reinterpret_cast %o to offset: [0], sizes: [1, 96], strides: [96, 1] : memref<f32> to memref<1x96xf32>
  %t = tile.splat %zero : f32 -> <1x96xf32>
  tile.store %t, %m[%c0, %c0] valid [%c1, %c96] : <1x96xf32>, memref<1x96xf32>
  return
}

//--- packed.mlir
// Row r of the tile is row r0 + r / g of head y + r mod g.
// CHECK-LABEL: gpu.func @packed
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<f32>, %[[O:[a-z0-9]+]]: memref<f32>, %[[G:[a-z0-9]+]]: index
// CHECK:      %[[ROWS:.+]] = memref.reinterpret_cast %[[Q]]
// CHECK-DAG:  %[[HEAD:.+]] = arith.remui %[[ROW:.+]], %[[G]] : index
// CHECK-DAG:  arith.addi %{{.+}}, %[[HEAD]] : index
// CHECK-DAG:  %[[POSITION:.+]] = arith.divui %[[ROW]], %[[G]] : index
// CHECK-DAG:  arith.addi %{{.+}}, %[[POSITION]] : index
// CHECK:      memref.load %[[ROWS]]
func.func private @packed(%q: memref<f32>, %o: memref<f32>, %g: index,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %p = memref.reinterpret_cast %q to offset: [0], sizes: [2, 12, 16, 8], strides: [1536, 128, 8, 1] : memref<f32> to memref<2x12x16x8xf32>
  %m = memref.reinterpret_cast %o to offset: [0], sizes: [32, 8], strides: [8, 1] : memref<f32> to memref<32x8xf32>
  %t = tile.load %p[%x, %y, %z, %c0] valid [%c32, %c8] packed %g : memref<2x12x16x8xf32> -> <32x8xf32>
  tile.store %t, %m[%c0, %c0] valid [%c32, %c8] : <32x8xf32>, memref<32x8xf32>
  return
}

//--- left-out.mlir
// Rows that do not count are zero, in a tile that has some.
// CHECK-LABEL: gpu.func @left_out
// CHECK-SAME: %[[M:[a-z0-9]+]]: memref<f32>, %[[O:[a-z0-9]+]]: memref<f32>, %[[FIRST:[a-z0-9]+]]: index, %[[MIXED:[a-z0-9]+]]: i1
// CHECK:      %[[ROWS:.+]] = memref.reinterpret_cast %[[M]]
// CHECK:      %[[COUNTS:.+]] = scf.if %[[MIXED]] -> (i1) {
// CHECK:        %[[KEEP:.+]] = arith.cmpi sge, %[[ROW:.+]], %[[FIRST]] : index
// CHECK:        scf.yield %[[KEEP]] : i1
// CHECK:      scf.if %[[COUNTS]] -> (f32) {
// CHECK:        memref.load %[[ROWS]]
// CHECK:      } else {
// CHECK-NEXT:   scf.yield %cst : f32
func.func private @left_out(%m: memref<f32>, %o: memref<f32>, %first: index, %mixed: i1,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %p = memref.reinterpret_cast %m to offset: [0], sizes: [32, 8], strides: [8, 1] : memref<f32> to memref<32x8xf32>
  %q = memref.reinterpret_cast %o to offset: [0], sizes: [32, 8], strides: [8, 1] : memref<f32> to memref<32x8xf32>
  %t = tile.load %p[%c0, %c0] valid [%c32, %c8] where %mixed {
  ^bb0(%row: index):
    %keep = arith.cmpi sge, %row, %first : index
    tile.yield %keep : i1
  } : memref<32x8xf32> -> <32x8xf32>
  tile.store %t, %q[%c0, %c0] valid [%c32, %c8] : <32x8xf32>, memref<32x8xf32>
  return
}

//--- twice.mlir
// A tile that starts two carried values, or is needed after it is overwritten,
// is copied; a swap of carried tiles goes through a third buffer.
// CHECK-LABEL: gpu.func @twice
// CHECK-SAME: private(%[[A:[a-z0-9]+]] : memref<8xf32{{.*}}, %[[B:[a-z0-9]+]] : memref<8xf32{{.*}}, %[[C:[a-z0-9]+]] : memref<8xf32
// CHECK: scf.for
func.func private @twice(%o: memref<f32>, %n: index, %one: f32,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %m = memref.reinterpret_cast %o to offset: [0], sizes: [64, 8], strides: [8, 1] : memref<f32> to memref<64x8xf32>
  %init = tile.splat %one : f32 -> <32x8xf32>
  %r:2 = scf.for %k = %c0 to %n step %c1 iter_args(%a = %init, %b = %init) -> (!tile.tile<32x8xf32>, !tile.tile<32x8xf32>) {
    %c = tile.map(%a) at [%c0, %c0] : (!tile.tile<32x8xf32>) -> !tile.tile<32x8xf32> {
    ^bb0(%e: f32, %i: index, %j: index):
      %d = arith.addf %e, %e : f32
      tile.yield %d : f32
    }
    scf.yield %b, %c : !tile.tile<32x8xf32>, !tile.tile<32x8xf32>
  }
  tile.store %r#0, %m[%c0, %c0] valid [%c32, %c8] : <32x8xf32>, memref<64x8xf32>
  tile.store %r#1, %m[%c32, %c0] valid [%c32, %c8] : <32x8xf32>, memref<64x8xf32>
  return
}

//--- number.mlir
// A tile of one number that is only stored has no buffer.
// CHECK-LABEL: gpu.func @number
// CHECK-SAME:  , %[[ONE:[a-z0-9]+]]: f32
// CHECK:       memref.store %[[ONE]]
// CHECK-NOT:   memref.load
func.func private @number(%o: memref<f32>, %one: f32, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %m = memref.reinterpret_cast %o to offset: [0], sizes: [32, 8], strides: [8, 1] : memref<f32> to memref<32x8xf32>
  %t = tile.splat %one : f32 -> <32x8xf32>
  tile.store %t, %m[%c0, %c0] valid [%c32, %c8] : <32x8xf32>, memref<32x8xf32>
  return
}
