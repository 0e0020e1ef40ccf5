// cuda-schedule: tile sizes by head size, split keys where all rows of a key
// head fit one tile, versions where only a launch knows.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(cuda-schedule,canonicalize))' | FileCheck %s
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(cuda-schedule{tile-m=128},canonicalize))' | FileCheck %s --check-prefix=GIVEN

// 32 query heads share 8 key heads: four rows a query.
// CHECK-LABEL: func @dynamic
// CHECK-DAG:   %[[ROWS:.*]] = arith.muli %{{.*}}, %c4
// CHECK-DAG:   %[[FEW:.*]] = arith.cmpi sle, %[[ROWS]], %c64
// CHECK-DAG:   %[[MANY:.*]] = arith.cmpi sge, %{{.*}}, %c1024
// CHECK:       %[[DECODING:.*]] = arith.andi %[[FEW]], %[[MANY]]
// CHECK:       scf.if %[[DECODING]] {
// CHECK:         #attn.schedule<tile_m = 64, tile_n = 128, workers = 132>
// CHECK:       } else {
// CHECK:         #attn.schedule<tile_m = 128, tile_n = 128>
// CHECK:       }
// GIVEN-LABEL: func @dynamic
// GIVEN-NOT:   scf.if
// GIVEN:       #attn.schedule<tile_m = 128, tile_n = 128>
func.func @dynamic(%q: memref<?x32x?x128xbf16>, %k: memref<?x8x?x128xbf16>, %v: memref<?x8x?x128xbf16>, %o: memref<?x32x?x128xbf16>) {
  attn.attention ins(%q, %k, %v : memref<?x32x?x128xbf16>, memref<?x8x?x128xbf16>, memref<?x8x?x128xbf16>) outs(%o : memref<?x32x?x128xbf16>)
  return
}

// -----

// Sizes that are known need no condition.
// CHECK-LABEL: func @decoding
// CHECK-NOT:   scf.if
// CHECK:       #attn.schedule<tile_m = 64, tile_n = 64, workers = 132>
func.func @decoding(%q: memref<?x4x3x256xf16>, %k: memref<?x4x4096x256xf16>, %v: memref<?x4x4096x256xf16>, %o: memref<?x4x3x256xf16>) {
  attn.attention ins(%q, %k, %v : memref<?x4x3x256xf16>, memref<?x4x4096x256xf16>, memref<?x4x4096x256xf16>) outs(%o : memref<?x4x3x256xf16>)
  return
}

// -----

// A mask wastes more of a tall tile, which few queries do not make up for.
// CHECK-LABEL: func @small_heads
// CHECK:       %[[SHORT:.*]] = arith.cmpi sle, %{{.*}}, %c1024
// CHECK:       scf.if %[[SHORT]] {
// CHECK:         #attn.schedule<tile_m = 128, tile_n = 128>
// CHECK:       } else {
// CHECK:         #attn.schedule<tile_m = 192, tile_n = 128>
func.func @small_heads(%q: memref<1x4x?x64xf16>, %k: memref<1x4x512x64xf16>, %v: memref<1x4x512x64xf16>, %o: memref<1x4x?x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x64xf16>, memref<1x4x512x64xf16>, memref<1x4x512x64xf16>) outs(%o : memref<1x4x?x64xf16>)
      mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sle, %j, %i : index
    attn.yield %keep : i1
  }
  return
}

// -----

// Three consumers have no registers for a table that is read for each key.
// CHECK-LABEL: func @table
// CHECK-NOT:   tile_m = 192
// CHECK:       #attn.schedule<tile_m = 128, tile_n = 128>
func.func @table(%q: memref<1x4x?x64xf16>, %k: memref<1x4x512x64xf16>, %v: memref<1x4x512x64xf16>, %o: memref<1x4x?x64xf16>, %table: memref<?xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x64xf16>, memref<1x4x512x64xf16>, memref<1x4x512x64xf16>)
      captures(%table : memref<?xf32>) outs(%o : memref<1x4x?x64xf16>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<?xf32>) {
    %bias = memref.load %t[%j] : memref<?xf32>
    %r = arith.addf %s, %bias : f32
    attn.yield %r : f32
  }
  return
}

// -----

// One that is read for each head is no matter.
// CHECK-LABEL: func @slopes
// CHECK:       #attn.schedule<tile_m = 192, tile_n = 128>
func.func @slopes(%q: memref<1x4x?x64xf16>, %k: memref<1x4x512x64xf16>, %v: memref<1x4x512x64xf16>, %o: memref<1x4x?x64xf16>, %table: memref<?xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x64xf16>, memref<1x4x512x64xf16>, memref<1x4x512x64xf16>)
      captures(%table : memref<?xf32>) outs(%o : memref<1x4x?x64xf16>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<?xf32>) {
    %factor = memref.load %t[%h] : memref<?xf32>
    %r = arith.mulf %s, %factor : f32
    attn.yield %r : f32
  }
  return
}

// -----

// A mask that differs between heads cannot be shared by packed heads: the rows
// of one head count.
// CHECK-LABEL: func @by_head
// CHECK:       %[[QUERIES:.*]] = memref.dim %arg0, %c2
// CHECK-DAG:   arith.cmpi sle, %[[QUERIES]], %c64
// CHECK:       scf.if
func.func @by_head(%q: memref<1x8x?x128xf16>, %k: memref<1x2x?x128xf16>, %v: memref<1x2x?x128xf16>, %o: memref<1x8x?x128xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x?x128xf16>, memref<1x2x?x128xf16>, memref<1x2x?x128xf16>) outs(%o : memref<1x8x?x128xf16>)
      mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sle, %j, %h : index
    attn.yield %keep : i1
  }
  return
}

// -----

// The plain path has one shape, and the schedule of a user stays.
// CHECK-LABEL: func @f32
// CHECK-NOT:   scf.if
// CHECK:       #attn.schedule<tile_m = 64, tile_n = 32>
// CHECK:       #attn.schedule<tile_m = 16, tile_n = 16>
func.func @f32(%q: memref<1x4x?x64xf32>, %o: memref<1x4x?x64xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4x?x64xf32>, memref<1x4x?x64xf32>, memref<1x4x?x64xf32>) outs(%o : memref<1x4x?x64xf32>)
  attn.attention ins(%q, %q, %q : memref<1x4x?x64xf32>, memref<1x4x?x64xf32>, memref<1x4x?x64xf32>) outs(%o : memref<1x4x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 16>}
  return
}
