// cpu-schedule: tiles for vectors and caches, packed heads and split keys where
// queries are few, versions where only a launch knows.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(cpu-schedule,canonicalize))' | FileCheck %s
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(cpu-schedule{tile-m=32},canonicalize))' | FileCheck %s --check-prefix=GIVEN
// With 48 KiB of L1, in which 64 queries of 128 leave room for 64 keys, scores get
// three quarters of it.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=sapphirerapids},func.func(cpu-schedule,canonicalize))' | FileCheck %s --check-prefix=LARGE

// 32 query heads share 8 key heads: four rows a query.
// CHECK-LABEL: func @dynamic
// CHECK-DAG:   %[[ROWS:.*]] = arith.muli %{{.*}}, %c4
// CHECK-DAG:   %[[FEW:.*]] = arith.cmpi sle, %[[ROWS]], %c16
// CHECK:       scf.if %[[FEW]] {
// CHECK:         #attn.schedule<tile_m = 16, tile_n = 32, workers = 128>
// CHECK:       } else {
// CHECK-DAG:     %[[ONE:.*]] = arith.cmpi sle, %[[ROWS]], %c64
// CHECK-DAG:     %[[WORK:.*]] = arith.muli %{{.*}}, %c4
// CHECK-DAG:     %[[MANY:.*]] = arith.cmpi sge, %[[WORK]], %c1024
// CHECK:         %[[SOME:.*]] = arith.andi %[[ONE]], %[[MANY]]
// CHECK:         scf.if %[[SOME]] {
// CHECK:           #attn.schedule<tile_m = 64, tile_n = 96, workers = 128>
// CHECK:         } else {
// CHECK:           #attn.schedule<tile_m = 64, tile_n = 96>
// LARGE-LABEL: func @dynamic
// LARGE:       #attn.schedule<tile_m = 16, tile_n = 32, workers = 128>
// LARGE:       #attn.schedule<tile_m = 64, tile_n = 144, workers = 128>
// LARGE:       #attn.schedule<tile_m = 64, tile_n = 144>
// GIVEN-LABEL: func @dynamic
// GIVEN-NOT:   scf.if
// GIVEN:       #attn.schedule<tile_m = 32, tile_n = 192>
func.func @dynamic(%q: memref<?x32x?x128xf32>, %k: memref<?x8x?x128xf32>, %v: memref<?x8x?x128xf32>, %o: memref<?x32x?x128xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x32x?x128xf32>, memref<?x8x?x128xf32>, memref<?x8x?x128xf32>) outs(%o : memref<?x32x?x128xf32>)
  return
}

// -----

// Sizes that are known need no condition, and rows that are fewer than a vector
// no padding; a tile has 32 keys at least, though they take more of L1 than a sixth.
// CHECK-LABEL: func @decoding
// CHECK-NOT:   scf.if
// CHECK:       #attn.schedule<tile_m = 3, tile_n = 32, workers = 128>
func.func @decoding(%q: memref<?x4x3x256xf16>, %k: memref<?x4x4096x256xf16>, %v: memref<?x4x4096x256xf16>, %o: memref<?x4x3x256xf16>) {
  attn.attention ins(%q, %k, %v : memref<?x4x3x256xf16>, memref<?x4x4096x256xf16>, memref<?x4x4096x256xf16>) outs(%o : memref<?x4x3x256xf16>)
  return
}

// -----

// Twenty rows of four heads: two vectors of rows. Keys are not split for one
// head a tile.
// CHECK-LABEL: func @some
// CHECK-NOT:   scf.if
// CHECK:       #attn.schedule<tile_m = 32, tile_n = 192, workers = 128>
// CHECK-NOT:   scf.if
// CHECK:       #attn.schedule<tile_m = 32, tile_n = 192>
func.func @some(%q: memref<1x4x5x64xf32>, %k: memref<1x1x4096x64xf32>, %v: memref<1x1x4096x64xf32>, %q1: memref<1x4x20x64xf32>, %k1: memref<1x4x4096x64xf32>, %o: memref<1x4x5x64xf32>, %o1: memref<1x4x20x64xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x5x64xf32>, memref<1x1x4096x64xf32>, memref<1x1x4096x64xf32>) outs(%o : memref<1x4x5x64xf32>)
  attn.attention ins(%q1, %k1, %k1 : memref<1x4x20x64xf32>, memref<1x4x4096x64xf32>, memref<1x4x4096x64xf32>) outs(%o1 : memref<1x4x20x64xf32>)
  return
}

// -----

// A mask that differs between heads cannot be shared by packed heads: the rows
// of one head count.
// CHECK-LABEL: func @by_head
// CHECK:       %[[QUERIES:.*]] = memref.dim %arg0, %c2
// CHECK:       arith.cmpi sle, %[[QUERIES]], %c16
// CHECK:       scf.if
// CHECK:         workers = 128
// CHECK-NOT:     scf.if
func.func @by_head(%q: memref<1x8x?x128xf16>, %k: memref<1x2x?x128xf16>, %v: memref<1x2x?x128xf16>, %o: memref<1x8x?x128xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x?x128xf16>, memref<1x2x?x128xf16>, memref<1x2x?x128xf16>) outs(%o : memref<1x8x?x128xf16>)
      mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sle, %j, %h : index
    attn.yield %keep : i1
  }
  return
}

// -----

// Sequences of one query or a few: short tiles for all of them.
// CHECK-LABEL: func @ragged
// CHECK-DAG:   %[[TOTAL:.*]] = memref.dim %arg0, %c1
// CHECK-DAG:   %[[BOUNDS:.*]] = memref.dim %arg3, %c0
// CHECK-DAG:   %[[ROWS:.*]] = arith.muli %[[BOUNDS]], %c16
// CHECK:       %[[SHORT:.*]] = arith.cmpi sle, %[[TOTAL]], %[[ROWS]]
// CHECK:       scf.if %[[SHORT]] {
// CHECK:         #attn.schedule<tile_m = 16, tile_n = 32>
// CHECK:         #attn.schedule<tile_m = 64, tile_n = 96>
func.func @ragged(%q: memref<4x?x64xf32>, %k: memref<4x?x64xf32>, %v: memref<4x?x64xf32>, %c: memref<?xi32>, %o: memref<4x?x64xf32>) {
  attn.attention ins(%q, %k, %v : memref<4x?x64xf32>, memref<4x?x64xf32>, memref<4x?x64xf32>)
      cu_seqlens(%c, %c : memref<?xi32>, memref<?xi32>) outs(%o : memref<4x?x64xf32>)
      {q_layout = #attn.layout<htd>, k_layout = #attn.layout<htd>, v_layout = #attn.layout<htd>, o_layout = #attn.layout<htd>}
  return
}

// -----

// The schedule of a user stays, but for what an option overrides.
// CHECK-LABEL: func @kept
// CHECK-NOT:   scf.if
// CHECK:       #attn.schedule<tile_m = 16, tile_n = 16>
// GIVEN-LABEL: func @kept
// GIVEN:       #attn.schedule<tile_m = 32, tile_n = 16>
func.func @kept(%q: memref<1x4x?x64xf32>, %o: memref<1x4x?x64xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4x?x64xf32>, memref<1x4x?x64xf32>, memref<1x4x?x64xf32>) outs(%o : memref<1x4x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 16>}
  return
}

// -----

// Whole vectors of keys whatever the head and the rows are.
// CHECK-LABEL: func @odd
// CHECK:       #attn.schedule<tile_m = 1, tile_n = 32, workers = 128>
// CHECK:       #attn.schedule<tile_m = 48, tile_n = 96>
func.func @odd(%q: memref<1x4x1x180xf32>, %k: memref<1x4x4096x180xf32>, %q1: memref<1x4x48x64xf32>, %k1: memref<1x4x4096x64xf32>, %o: memref<1x4x1x180xf32>, %o1: memref<1x4x48x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x4x1x180xf32>, memref<1x4x4096x180xf32>, memref<1x4x4096x180xf32>) outs(%o : memref<1x4x1x180xf32>)
  attn.attention ins(%q1, %k1, %k1 : memref<1x4x48x64xf32>, memref<1x4x4096x64xf32>, memref<1x4x4096x64xf32>) outs(%o1 : memref<1x4x48x64xf32>)
  return
}

// -----

// Keys and values that are widened are of use to more queries, but where a mask
// has its edge in all of them.
// CHECK-LABEL: func @widened
// CHECK:       tile_m = 128, tile_n = 48
func.func @widened(%q: memref<1x8x2048x64xf16>, %k: memref<1x8x2048x64xf16>, %v: memref<1x8x2048x64xf16>, %o: memref<1x8x2048x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x2048x64xf16>, memref<1x8x2048x64xf16>, memref<1x8x2048x64xf16>) outs(%o : memref<1x8x2048x64xf16>)
  return
}

// -----

// CHECK-LABEL: func @widened_masked
// CHECK:       tile_m = 64, tile_n = 96
func.func @widened_masked(%q: memref<1x8x2048x64xf16>, %k: memref<1x8x2048x64xf16>, %v: memref<1x8x2048x64xf16>, %o: memref<1x8x2048x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x2048x64xf16>, memref<1x8x2048x64xf16>, memref<1x8x2048x64xf16>) outs(%o : memref<1x8x2048x64xf16>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %x = arith.cmpi sle, %j, %i : index
        attn.yield %x : i1
      }
  return
}
