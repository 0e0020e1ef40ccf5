// tile-split-keys lets blocks share the keys of a query tile: parts of the key
// tiles, states in memory, a grid that combines those of a row.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=16 tile-n=48},tile-split-keys,canonicalize,cse))' | FileCheck %s
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=16 tile-n=48},tile-split-keys,canonicalize,cse,attn-fuse-online-softmax))' | FileCheck %s --check-prefix=FUSED
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=16 tile-n=48},tile-split-keys{workers=4},canonicalize,cse))' | FileCheck %s --check-prefix=FEW

// CHECK-LABEL: func @split
func.func @split(%q: memref<2x8x4x64xf32>, %k: memref<2x2x8192x64xf32>, %v: memref<2x2x8192x64xf32>, %o: memref<2x8x4x64xf32>) {
  // Two batches of two key heads: 33 parts each for 132 workers, which leave
  // each more than 128 keys.
  // CHECK-DAG: %[[M:.*]] = memref.alloc() : memref<2x2x16x33xf32>
  // CHECK-DAG: %[[ACC:.*]] = memref.alloc() : memref<2x2x16x33x64xf32>
  // CHECK-NOT: tile.workers
  // CHECK: scf.forall (%[[B:.*]], %[[G:.*]], %[[STEP:.*]]) in (2, 2, 33)
  // CHECK:   %[[PART:.*]] = arith.remui %[[STEP]], %c33
  // CHECK:   %[[COUNT:.*]] = tile.range_count
  // The first parts have one more; no number is larger than the count.
  // CHECK:   %[[EACH:.*]] = arith.divui %[[COUNT]], %c33
  // CHECK:   %[[MORE:.*]] = arith.remui %[[COUNT]], %c33
  // CHECK:   %[[BELOW:.*]] = arith.muli %[[PART]], %[[EACH]] {tile.size = {{.*}}}
  // CHECK:   %[[LONGER:.*]] = arith.minsi %[[PART]], %[[MORE]]
  // CHECK:   %[[FROM:.*]] = arith.addi %[[BELOW]], %[[LONGER]]
  // CHECK:   %[[BEGIN:.*]] = arith.minsi %[[FROM]], %[[COUNT]]
  // CHECK:   %[[NEXT:.*]] = arith.addi %[[PART]], %c1
  // CHECK:   %[[UPTO:.*]] = arith.muli %[[NEXT]], %[[EACH]]
  // CHECK:   %[[END:.*]] = arith.minsi %{{.*}}, %[[COUNT]]
  // CHECK:   tile.load {{.*}} packed %c4
  // CHECK:   scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
  // CHECK:   scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
  // CHECK:   tile.store %{{.*}}[%[[B]], %[[G]], %[[PART]], %c0] {{.*}} : <64xf32>
  // CHECK:   tile.store %{{.*}}[%[[B]], %[[G]], %[[PART]], %c0] {{.*}} : <64xf32>
  // CHECK:   tile.store %{{.*}}[%[[B]], %[[G]], %[[PART]], %c0, %c0] {{.*}} : <64x64xf32>
  // CHECK: scf.forall (%[[B2:.*]], %[[G2:.*]], %[[ROW:.*]]) in (2, 2, 16)
  // CHECK:   tile.load %[[M]][%[[B2]], %[[G2]], %[[ROW]], {{.*}} -> <16x32xf32>
  // CHECK:   tile.reduce max
  // CHECK:   tile.reduce sum
  // CHECK:   tile.load %[[ACC]][%[[B2]], %[[G2]], %[[ROW]], {{.*}} -> <32x64xf32>
  // CHECK:   tile.dot {{.*}} : <16x32xf32>, <32x64xf32> -> <16x64xf32>
  // CHECK:   tile.store {{.*}}, %arg3[
  // CHECK-COUNT-4: memref.dealloc
  // CHECK-NEXT: return

  // The loops of a part are fused, too.
  // FUSED-LABEL: func @split
  // FUSED: scf.forall {{.*}} in (2, 2, 33)
  // FUSED:   scf.for {{.*}} -> (!tile.tile<64xf32>, !tile.tile<64xf32>, !tile.tile<64x64xf32>)
  // FUSED-NOT: scf.for
  // FUSED: scf.forall {{.*}} in (2, 2, 16)

  // The option goes before the attribute: 4 tiles, 4 workers in four waves.
  // FEW-LABEL: func @split
  // FEW: memref<2x2x16x1xf32>
  attn.attention ins(%q, %k, %v : memref<2x8x4x64xf32>, memref<2x2x8192x64xf32>, memref<2x2x8192x64xf32>) outs(%o : memref<2x8x4x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 48, workers = 132>}
  return
}

// -----

// A mask that depends on the head: no heads are packed, and a step is a query
// tile and a part. Sizes are not known: how many parts there are is computed.
// CHECK-LABEL: func @by_head
func.func @by_head(%q: memref<1x?x?x64xf32>, %k: memref<1x?x?x64xf32>, %o: memref<1x?x?x64xf32>) {
  // CHECK: %[[TILES:.*]] = arith.ceildivsi %{{.*}}, %c32
  // CHECK: %[[PARTS:.*]] = arith.minsi
  // CHECK: memref.alloc({{.*}}, %[[PARTS]]) : memref<1x?x?x?xf32>
  // CHECK: %[[STEPS:.*]] = arith.muli %[[TILES]], %[[PARTS]]
  // CHECK: scf.forall (%{{.*}}, %[[STEP:.*]]) in (%{{.*}}, %[[STEPS]])
  // CHECK: arith.remui %[[STEP]], %[[PARTS]]
  // CHECK: %[[TILE:.*]] = arith.divui %[[STEP]], %[[PARTS]]
  // CHECK: arith.subi %{{.*}}, %[[TILE]]
  attn.attention ins(%q, %k, %k : memref<1x?x?x64xf32>, memref<1x?x?x64xf32>, memref<1x?x?x64xf32>) outs(%o : memref<1x?x?x64xf32>)
      {attn.schedule = #attn.schedule<tile_m = 32, tile_n = 48, workers = 64>}
      mask(%b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %h, %j : index
        attn.yield %keep : i1
      }
  return
}

// -----

// Grids that store no states stay as they are, whatever the option says.
// CHECK-LABEL: func @whole
// FEW-LABEL: func @whole
func.func @whole(%q: memref<2x8x64x64xf32>, %o: memref<2x8x64x64xf32>) {
  // FEW: scf.forall {{.*}} in (2, 8, 4)
  // FEW-NOT: scf.forall
  attn.attention ins(%q, %q, %q : memref<2x8x64x64xf32>, memref<2x8x64x64xf32>, memref<2x8x64x64xf32>) outs(%o : memref<2x8x64x64xf32>)
  return
}

// -----

// Where the last workgroup of a head can add up by itself, one loop takes 16 parts
// at a time and rescales what it has: no load waits for another one.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "x", threads = 128, subgroup = 32, features = ["vulkanMemoryModel"]>} {
// FEW-LABEL: func @in_one_loop
// CHECK-LABEL: func @in_one_loop
func.func @in_one_loop(%q: memref<2x8x4x64xf32>, %k: memref<2x2x8192x64xf32>, %v: memref<2x2x8192x64xf32>, %o: memref<2x8x4x64xf32>) {
  // CHECK: tile.choices = ["parts of a row are added up 16 at a time, in one loop: no load waits for another one"]
  // CHECK: scf.forall (%[[B:.*]], %[[G:.*]], %[[ROW:.*]]) in (2, 2, 16)
  // CHECK:   scf.for {{.*}} iter_args(%[[BEFORE:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}}, %[[ACC:.*]] = %{{.*}})
  // CHECK:     tile.load %{{.*}}[%[[B]], %[[G]], %[[ROW]], {{.*}} -> <16x16xf32>
  // CHECK:     %[[MAX:.*]] = tile.reduce max %{{.*}}, %[[BEFORE]]
  // CHECK:     %[[FACTOR:.*]] = tile.map(%[[BEFORE]], %[[MAX]])
  // CHECK:     %[[SCALED:.*]] = tile.map(%[[SUM]], %[[FACTOR]])
  // CHECK:     %[[SCALED_ACC:.*]] = tile.map(%[[ACC]], %[[FACTOR]])
  // CHECK:     tile.reduce sum %{{.*}}, %[[SCALED]]
  // CHECK:     tile.dot %{{.*}}, %{{.*}}, %[[SCALED_ACC]] : <16x16xf32>, <16x64xf32> -> <16x64xf32>
  // CHECK-NOT: scf.for
  // CHECK: return
  attn.attention ins(%q, %k, %v : memref<2x8x4x64xf32>, memref<2x2x8192x64xf32>, memref<2x2x8192x64xf32>) outs(%o : memref<2x8x4x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 48, workers = 132>}
  return
}
}
