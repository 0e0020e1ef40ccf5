// attn-tile{share-columns}: several blocks finish a row whose keys were split,
// each as many columns as a subgroup of the target has lanes.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48 row-multiple=1 share-columns},tile-split-keys,canonicalize,cse))' | FileCheck %s

module attributes {tile.target = #tile.target<name = "vulkan", chip = "x", threads = 128, subgroup = 32>} {
  // Two blocks a row; its lse is the first one's to store.
  // CHECK-LABEL: func @blocks
  // CHECK: scf.forall (%{{.+}}, %{{.+}}, %[[X:.+]]) in (2, 2, 8) {
  // CHECK-DAG: %[[BLOCK:.+]] = arith.remui %[[X]], %c2
  // CHECK-DAG: %[[ROW:.+]] = arith.divui %[[X]], %c2
  // CHECK: %[[FIRST:.+]] = arith.muli %[[BLOCK]], %c32
  // CHECK: %[[HAS_LSE:.+]] = arith.cmpi eq, %[[BLOCK]], %c0
  // CHECK: tile.load %{{.+}}[%{{.+}}, %{{.+}}, %[[ROW]], %{{.+}}, %[[FIRST]]] valid[%{{.+}}, %c32] : memref<2x2x4x{{.+}}x64xf32> -> <32x32xf32>
  // CHECK: tile.dot %{{.+}} : <1x32xf32>, <32x32xf32> -> <1x32xf32>
  // CHECK: tile.store %{{.+}}, %{{.+}}[%{{.+}}, %[[FIRST]]] valid[%c1, %c32] : <1x32xf32>, memref<2x8x1x64xf32>
  // CHECK: scf.if %[[HAS_LSE]] {
  // CHECK-NEXT: tile.store %{{.+}} : <1xf32>, memref<2x8x1xf32>
  func.func @blocks(%q: memref<2x8x1x64xf32>, %k: memref<2x2x4096x64xf32>, %o: memref<2x8x1x64xf32>, %lse: memref<2x8x1xf32>) {
    attn.attention ins(%q, %k, %k : memref<2x8x1x64xf32>, memref<2x2x4096x64xf32>, memref<2x2x4096x64xf32>) outs(%o, %lse : memref<2x8x1x64xf32>, memref<2x8x1xf32>) {attn.schedule = #attn.schedule<tile_m = 4, tile_n = 32, workers = 132>}
    return
  }

  // Columns that blocks would leave over stay together.
  // CHECK-LABEL: func @together
  // CHECK: scf.forall {{.+}} in (2, 2, 4) {
  // CHECK: -> <32x72xf32>
  func.func @together(%q: memref<2x8x1x72xf32>, %k: memref<2x2x4096x72xf32>, %o: memref<2x8x1x72xf32>) {
    attn.attention ins(%q, %k, %k : memref<2x8x1x72xf32>, memref<2x2x4096x72xf32>, memref<2x2x4096x72xf32>) outs(%o : memref<2x8x1x72xf32>) {attn.schedule = #attn.schedule<tile_m = 4, tile_n = 32, workers = 132>}
    return
  }
}

// -----

// Nor do lanes that are too few to share rows have blocks.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "x", threads = 128, subgroup = 4>} {
  // CHECK-LABEL: func @quads
  // CHECK: -> <32x64xf32>
  func.func @quads(%q: memref<2x8x1x64xf32>, %k: memref<2x2x4096x64xf32>, %o: memref<2x8x1x64xf32>) {
    attn.attention ins(%q, %k, %k : memref<2x8x1x64xf32>, memref<2x2x4096x64xf32>, memref<2x2x4096x64xf32>) outs(%o : memref<2x8x1x64xf32>) {attn.schedule = #attn.schedule<tile_m = 4, tile_n = 32, workers = 132>}
    return
  }
}
