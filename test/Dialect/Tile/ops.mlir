// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s
// RUN: attn-opt %s --canonicalize | FileCheck %s --check-prefix=FOLD

// CHECK-LABEL: func @memory
// CHECK: tile.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] valid[%{{.*}}, %{{.*}}] : memref<?x?x?x64xf32> -> <128x64xf32>
// CHECK: tile.load %{{.*}}[%{{.*}}, %{{.*}}] valid[%{{.*}}] : memref<?x?xf32, strided<[?, 1], offset: ?>> -> <128xf32>
// CHECK: tile.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] valid[%{{.*}}, %{{.*}}] paged %{{.*}}[%{{.*}}] : memref<?x?x?x64xf32>, memref<?x?xi32> -> <128x64xf32>
// CHECK: tile.load %{{.*}} valid[%{{.*}}, %{{.*}}] packed %{{.*}} : memref<?x?x?x64xf32> -> <128x64xf32>
// CHECK: tile.load %{{.*}} valid[%{{.*}}, %{{.*}}] paged %{{.*}}[%{{.*}}] where %{{.*}} {
// CHECK-NEXT: ^bb0(%[[ROW:.*]]: index):
// CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi sge, %[[ROW]], %{{.*}} : index
// CHECK-NEXT: tile.yield %[[KEEP]] : i1
// CHECK-NEXT: } : memref<?x?x?x64xf32>, memref<?x?xi32> -> <128x64xf32>
// CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] valid[%{{.*}}, %{{.*}}] : <128x64xf32>, memref<?x?x?x64xf32>
func.func @memory(%m: memref<?x?x?x64xf32>, %l: memref<?x?xf32, strided<[?, 1], offset: ?>>, %t: memref<?x?xi32>, %i: index, %x: i1) {
  %a = tile.load %m[%i, %i, %i, %i] valid [%i, %i] : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
  %b = tile.load %l[%i, %i] valid [%i] : memref<?x?xf32, strided<[?, 1], offset: ?>> -> !tile.tile<128xf32>
  %c = tile.load %m[%i, %i, %i] valid [%i, %i] paged %t[%i] : memref<?x?x?x64xf32>, memref<?x?xi32> -> !tile.tile<128x64xf32>
  %d = tile.load %m[%i, %i, %i, %i] valid [%i, %i] packed %i : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
  %e = tile.load %m[%i, %i, %i] valid [%i, %i] paged %t[%i] where %x {
  ^bb0(%row: index):
    %keep = arith.cmpi sge, %row, %i : index
    tile.yield %keep : i1
  } : memref<?x?x?x64xf32>, memref<?x?xi32> -> !tile.tile<128x64xf32>
  tile.store %a, %m[%i, %i, %i, %i] valid [%i, %i] : !tile.tile<128x64xf32>, memref<?x?x?x64xf32>
  return
}

// CHECK-LABEL: func @compute
// CHECK: tile.splat %{{.*}} : f32 -> <64x128xf32>
// CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} {transpose_b} : <64x32xbf16>, <128x32xbf16> -> <64x128xf32>
// CHECK: tile.dot %{{.*}}, %{{.*}}, %{{.*}} {transpose_a} : <32x64xbf16>, <32x128xbf16> -> <64x128xf32>
// CHECK: tile.reduce max %{{.*}}, %{{.*}} : <64x128xf32> -> <64xf32>
// CHECK: tile.reduce sum %{{.*}}, %{{.*}} : <64x128xf32> -> <64xf32>
// CHECK: tile.map(%{{.*}}, %{{.*}}) at[%{{.*}}, %{{.*}}] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> (!tile.tile<64x128xf32>, !tile.tile<64x128xi1>) {
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: index, %{{.*}}: index):
// CHECK: tile.map() at[%{{.*}}] : () -> !tile.tile<64xindex>
// CHECK: tile.convert %{{.*}} : <64x128xf32> -> <64x128xbf16>
func.func @compute(%a: !tile.tile<64x32xbf16>, %b: !tile.tile<128x32xbf16>, %at: !tile.tile<32x64xbf16>, %bt: !tile.tile<32x128xbf16>, %m: !tile.tile<64xf32>, %i: index, %zero: f32) -> !tile.tile<64x128xbf16> {
  %z = tile.splat %zero : f32 -> !tile.tile<64x128xf32>
  %s = tile.dot %a, %b, %z {transpose_b} : !tile.tile<64x32xbf16>, !tile.tile<128x32xbf16> -> !tile.tile<64x128xf32>
  %t = tile.dot %at, %bt, %s {transpose_a} : !tile.tile<32x64xbf16>, !tile.tile<32x128xbf16> -> !tile.tile<64x128xf32>
  %max = tile.reduce max %t, %m : !tile.tile<64x128xf32> -> !tile.tile<64xf32>
  %sum = tile.reduce sum %t, %max : !tile.tile<64x128xf32> -> !tile.tile<64xf32>
  %p:2 = tile.map (%t, %sum) at [%i, %i] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> (!tile.tile<64x128xf32>, !tile.tile<64x128xi1>) {
  ^bb0(%x: f32, %y: f32, %row: index, %col: index):
    %d = arith.subf %x, %y : f32
    %in = arith.cmpi sle, %col, %row : index
    tile.yield %d, %in : f32, i1
  }
  %rows = tile.map () at [%i] : () -> !tile.tile<64xindex> {
  ^bb0(%row: index):
    tile.yield %row : index
  }
  %h = tile.convert %p#0 : !tile.tile<64x128xf32> -> !tile.tile<64x128xbf16>
  return %h : !tile.tile<64x128xbf16>
}

// CHECK-LABEL: func @ranges
// CHECK: %[[R:.*]] = tile.ranges [%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}], [%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] where {
// CHECK: ^bb0(%{{.*}}: index):
// CHECK: tile.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK: tile.range_count %[[R]] : index
// CHECK: tile.range_at %[[R]][%{{.*}}] : index, i1
func.func @ranges(%b: index, %e: index) {
  %r = tile.ranges [%b, %e, %b, %b], [%e, %e, %e, %e] where {
  ^bb0(%c: index):
    %visit = arith.cmpi ne, %c, %b : index
    tile.yield %visit, %visit : i1, i1
  } : !tile.ranges
  %n = tile.range_count %r : index
  %c, %full = tile.range_at %r[%n] : index, i1
  return
}

// CHECK-LABEL: func @check
// CHECK: tile.check %{{.*}}, "B of key must be B of query" ["B of key" = %arg1, "B of query" = %arg2]
// CHECK: tile.check %{{.*}}, "no numbers"
func.func @check(%ok: i1, %k: index, %q: index) {
  tile.check %ok, "B of key must be B of query" ["B of key" = %k, "B of query" = %q]
  tile.check %ok, "no numbers"
  return
}

// CHECK-LABEL: func @launch
// CHECK: tile.launch @kernel grid[%{{.*}}, %{{.*}}, %{{.*}}] (%{{.*}}, %{{.*}}) : memref<f32>, i32
// CHECK: tile.launch @lowered_elsewhere grid[%{{.*}}, %{{.*}}, %{{.*}}] ()
func.func private @kernel(memref<f32>, i32, index, index, index, index, index, index) attributes {tile.kernel}
func.func @launch(%m: memref<f32>, %n: i32, %x: index) {
  tile.launch @kernel grid [%x, %x, %x] (%m, %n) : memref<f32>, i32
  tile.launch @lowered_elsewhere grid [%x, %x, %x] ()
  return
}

// A region that never applies goes.
// FOLD-LABEL: func @never_mixed
// FOLD-NOT: where
// FOLD: return
func.func @never_mixed(%m: memref<?x?x?x64xf32>, %i: index) -> !tile.tile<128x64xf32> {
  %false = arith.constant false
  %e = tile.load %m[%i, %i, %i, %i] valid [%i, %i] where %false {
  ^bb0(%row: index):
    %keep = arith.cmpi sge, %row, %i : index
    tile.yield %keep : i1
  } : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
  return %e : !tile.tile<128x64xf32>
}
