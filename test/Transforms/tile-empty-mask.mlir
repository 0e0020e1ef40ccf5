// attn-tile makes no loops where a mask leaves no keys, keys are not split, and
// no memory has scores.
// RUN: attn-opt %s --attn-expand-sugar --attn-tile="tile-m=16 tile-n=32 row-multiple=1" | FileCheck %s --implicit-check-not=scf.for --implicit-check-not=memref.alloc --implicit-check-not=tile.workers

// CHECK-LABEL: func @empty
// CHECK:       scf.forall
// CHECK-NOT:   tile.dot
// CHECK:       tile.store
// CHECK-NOT:   scf.forall
func.func @empty(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>, %lse: memref<1x2x?xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>) outs(%o, %lse : memref<1x2x?x64xf32>, memref<1x2x?xf32>)
      {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 32, workers = 8>}
  mask(%b: index, %h: index, %i: index, %j: index) {
    %first = arith.cmpi slt, %i, %j : index
    %second = arith.cmpi sgt, %i, %j : index
    %keep = arith.andi %first, %second : i1
    attn.yield %keep : i1
  }
  return
}
