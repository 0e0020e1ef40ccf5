// attn-tile: a grid of query tiles, a loop that stores scores and one that
// consumes them.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48},canonicalize,cse))' | FileCheck %s
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48}))' | FileCheck %s --check-prefix=BUILT
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48 explain}))' | FileCheck %s --check-prefix=EXPLAIN
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(attn-expand-sugar,attn-tile{tile-m=32 tile-n=48},canonicalize,cse))' | FileCheck %s --check-prefix=VECTORS
// The grid can tell which key tiles it visits, for people.
// EXPLAIN-LABEL: func @plain
// EXPLAIN: attn.mask_tiles = "query tiles of 32, key tiles of 48\0A{{ +}}tiles [0, {{.*}}) full [0, {{.*}})
// BUILT-NOT: attn.mask_tiles

// CHECK-LABEL: func @plain
func.func @plain(%q: memref<2x8x?x64xf32>, %k: memref<2x2x?x64xf32>, %v: memref<2x2x?x40xf32>, %o: memref<2x8x?x40xf32>, %lse: memref<2x8x?xf32>) {
  // CHECK: tile.estimate
  // CHECK: %[[SCORES:.*]] = memref.alloc({{.*}}) : memref<2x8x?x?xf32>
  // CHECK: scf.forall (%[[B:.*]], %[[H:.*]], %{{.*}}) in (2, 8,
  // No row is past the limit of rule 21.
  // CHECK-DAG: arith.muli %{{.*}}, %c32 {tile.size = 1073741824 : index}
  // Four query heads share a key head (rule 2).
  // CHECK-DAG: %[[HK:.*]] = arith.divsi %[[H]], %c4
  // CHECK: %[[RANGES:.*]] = tile.ranges
  // CHECK: %[[N:.*]] = tile.range_count %[[RANGES]]
  // CHECK: tile.load %{{.*}}[%[[B]], %[[H]], {{.*}} -> <32x64xf32>
  // CHECK: %[[M:.*]] = scf.for {{.*}} to %[[N]]
  // CHECK:   %{{.*}}, %[[FULL:.*]] = tile.range_at %[[RANGES]]
  // CHECK:   tile.load %{{.*}}[%[[B]], %[[HK]], {{.*}} -> <48x64xf32>
  // CHECK:   tile.dot {{.*}} {transpose_b}
  // CHECK:   scf.if %[[FULL]]
  // CHECK:   tile.store %{{.*}}, %[[SCORES]]
  // CHECK:   tile.reduce max
  // CHECK: %[[R:.*]]:2 = scf.for {{.*}} to %[[N]]
  // CHECK:   tile.load %[[SCORES]]
  // CHECK:   math.exp2
  // CHECK:   tile.reduce sum
  // P stays f32, v's type: nothing to round (rule 17).
  // CHECK-NOT: tile.convert
  // CHECK:   tile.dot
  // CHECK: tile.store {{.*}} : <32x40xf32>
  // CHECK: tile.store {{.*}} : <32xf32>
  attn.attention ins(%q, %k, %v : memref<2x8x?x64xf32>, memref<2x2x?x64xf32>, memref<2x2x?x40xf32>) outs(%o, %lse : memref<2x8x?x40xf32>, memref<2x8x?xf32>)
  return
}

// -----

// P is rounded to v's type before the second product (rule 17), o to its own.
// CHECK-LABEL: func @bf16
func.func @bf16(%q: memref<1x1x64x16xbf16>, %k: memref<1x1x64x16xbf16>, %v: memref<1x1x64x16xbf16>, %o: memref<1x1x64x16xbf16>) {
  // CHECK: math.exp2
  // CHECK: tile.convert {{.*}} : <32x48xf32> -> <32x48xbf16>
  // CHECK: tile.dot
  // CHECK: tile.convert {{.*}} : <32x16xf32> -> <32x16xbf16>
  attn.attention ins(%q, %k, %v : memref<1x1x64x16xbf16>, memref<1x1x64x16xbf16>, memref<1x1x64x16xbf16>) outs(%o : memref<1x1x64x16xbf16>)
  return
}

// -----

// A short static Sq does not get a whole tile of rows.
// CHECK-LABEL: func @short
func.func @short(%q: memref<1x1x3x16xf32>, %k: memref<1x1x64x16xf32>, %v: memref<1x1x64x16xf32>, %o: memref<1x1x3x16xf32>) {
  // CHECK: tile.load {{.*}} -> <16x16xf32>
  attn.attention ins(%q, %k, %v : memref<1x1x3x16xf32>, memref<1x1x64x16xf32>, memref<1x1x64x16xf32>) outs(%o : memref<1x1x3x16xf32>)
  return
}

// -----

// Both regions end up in maps; the captures are read from memory there.
// CHECK-LABEL: func @regions
func.func @regions(%q: memref<2x2x64x16xf32>, %k: memref<2x2x64x16xf32>, %v: memref<2x2x64x16xf32>, %o: memref<2x2x64x16xf32>, %t: memref<2xf32>) {
  // CHECK: scf.forall (%{{.*}}, %[[H:.*]], %{{.*}}) in
  // CHECK: tile.dot
  // CHECK: tile.map
  // CHECK:   %[[X:.*]] = memref.load %{{.*}}[%[[H]]] : memref<2xf32>
  // CHECK:   arith.addf %{{.*}}, %[[X]]
  // CHECK: scf.if
  // CHECK: } else {
  // CHECK: tile.map
  // CHECK:   arith.cmpi sle
  // CHECK:   arith.select
  attn.attention ins(%q, %k, %v : memref<2x2x64x16xf32>, memref<2x2x64x16xf32>, memref<2x2x64x16xf32>) captures(%t : memref<2xf32>) outs(%o : memref<2x2x64x16xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %c: memref<2xf32>) {
    %x = memref.load %c[%h] : memref<2xf32>
    %y = arith.addf %s, %x : f32
    attn.yield %y : f32
  } mask(%b: index, %h: index, %i: index, %j: index, %c: memref<2xf32>) {
    %keep = arith.cmpi sle, %j, %i : index
    attn.yield %keep : i1
  }
  return
}

// -----

// Ragged sequences start at cu_seqlens[b]; workers past the end do nothing.
// Bounds that do not rise cannot lead out of the packed rows.
// CHECK-LABEL: func @ragged
func.func @ragged(%q: memref<2x?x16xf32>, %k: memref<2x?x16xf32>, %v: memref<2x?x16xf32>, %o: memref<2x?x16xf32>, %cq: memref<?xi32>, %ck: memref<?xi32>) {
  // CHECK: scf.forall (%[[B:.*]], %[[H:.*]], %{{.*}}) in
  // CHECK: memref.load %{{.*}}[%[[B]]] : memref<?xi32>
  // CHECK: %[[BELOW:.*]] = arith.minsi %{{.*}}, %[[T:.*]] : index
  // CHECK: %[[FIRST:.*]] = arith.maxsi %[[BELOW]], %c0
  // CHECK: %[[END:.*]] = arith.minsi %{{.*}}, %[[T]] : index
  // CHECK: %[[LAST:.*]] = arith.maxsi %[[FIRST]], %[[END]]
  // CHECK: %[[LENGTH:.*]] = arith.subi %[[LAST]], %[[FIRST]]
  // CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %{{.*}}, %[[LENGTH]]
  // CHECK: scf.if %[[INSIDE]]
  // CHECK: tile.load %{{.*}}[%[[H]],
  attn.attention ins(%q, %k, %v : memref<2x?x16xf32>, memref<2x?x16xf32>, memref<2x?x16xf32>) cu_seqlens(%cq, %ck : memref<?xi32>, memref<?xi32>) outs(%o : memref<2x?x16xf32>)
  return
}

// -----

// CHECK-LABEL: func @paged
func.func @paged(%q: memref<2x2x40x16xf32>, %k: memref<7x2x4x16xf32>, %v: memref<7x2x4x16xf32>, %o: memref<2x2x40x16xf32>, %t: memref<2x3xi32>, %n: memref<2xi32>) {
  // CHECK: scf.forall (%[[B:.*]], %{{.*}}, %{{.*}}) in
  // CHECK: tile.load {{.*}} paged %{{.*}}[%[[B]]]
  attn.attention ins(%q, %k, %v : memref<2x2x40x16xf32>, memref<7x2x4x16xf32>, memref<7x2x4x16xf32>) kv_len(%n : memref<2xi32>) page_table(%t : memref<2x3xi32>) outs(%o : memref<2x2x40x16xf32>)
  return
}

// -----

// A layout is a permuted view, never a copy (rule 1).
// CHECK-LABEL: func @layout
func.func @layout(%q: memref<1x64x2x16xf32>, %k: memref<1x64x2x16xf32>, %v: memref<1x64x2x16xf32>, %o: memref<1x64x2x16xf32>) {
  // CHECK-COUNT-4: memref.transpose
  // CHECK-NOT: memref.copy
  attn.attention ins(%q, %k, %v : memref<1x64x2x16xf32>, memref<1x64x2x16xf32>, memref<1x64x2x16xf32>) outs(%o : memref<1x64x2x16xf32>)
      {q_layout = #attn.layout<bshd>, k_layout = #attn.layout<bshd>, v_layout = #attn.layout<bshd>, o_layout = #attn.layout<bshd>}
  return
}

// -----

// CHECK-LABEL: func @merge
func.func @merge(%o1: memref<1x2x40x16xf32>, %l1: memref<1x2x40xf32>, %o2: memref<1x2x40x16xf32>, %l2: memref<1x2x40xf32>, %o: memref<1x2x40x16xf32>, %l: memref<1x2x40xf32>) {
  // CHECK: scf.forall (%{{.*}}) in (2, 2)
  // CHECK: tile.map
  // CHECK: tile.store {{.*}} : <32x16xf32>
  // CHECK: tile.store {{.*}} : <32xf32>
  attn.merge ins(%o1, %l1, %o2, %l2 : memref<1x2x40x16xf32>, memref<1x2x40xf32>, memref<1x2x40x16xf32>, memref<1x2x40xf32>) outs(%o, %l : memref<1x2x40x16xf32>, memref<1x2x40xf32>)
  return
}

// -----

// Keys that may be split: the grid stores the states of its rows, packed heads
// share a tile, and a grid over the rows finishes each where it lies.
// CHECK-LABEL: func @workers
func.func @workers(%q: memref<2x8x4x64xf32>, %k: memref<2x2x4096x64xf32>, %v: memref<2x2x4096x64xf32>, %o: memref<2x8x4x64xf32>) {
  // CHECK-DAG: %[[M:.*]] = memref.alloc() : memref<2x2x16xf32>
  // CHECK-DAG: %[[ACC:.*]] = memref.alloc() : memref<2x2x16x64xf32>
  // CHECK: scf.forall (%[[B:.*]], %[[G:.*]]) in (2, 2)
  // CHECK:   %[[COUNT:.*]] = tile.range_count
  // CHECK:   tile.load {{.*}} packed %c4
  // CHECK:   scf.for %{{.*}} = %c0 to %[[COUNT]]
  // CHECK:   tile.store {{.*}} : <64xf32>
  // CHECK:   tile.store {{.*}} %[[ACC]][%[[B]], %[[G]], {{.*}} : <64x64xf32>
  // CHECK: } {tile.workers = 132 : i64}
  // CHECK: scf.forall (%[[B2:.*]], %[[G2:.*]], %[[ROW:.*]]) in (2, 2, 16)
  // CHECK:   %[[NEXT:.*]] = arith.remui %[[ROW]], %c4
  // CHECK:   %[[HEAD:.*]] = arith.addi %{{.*}}, %[[NEXT]]
  // CHECK:   %[[QUERY:.*]] = arith.divui %[[ROW]], %c4
  // CHECK:   tile.load {{.*}}[%[[B2]], %[[G2]], %[[ROW]]] valid[%c1] {{.*}} -> <16xf32>
  // CHECK:   tile.load %[[ACC]][%[[B2]], %[[G2]], %[[ROW]], %c0] valid[%c1, %c64] {{.*}} -> <16x64xf32>
  // CHECK:   tile.store %{{.*}}, %arg3[%[[B2]], %[[HEAD]], %[[QUERY]], %c0] valid[%c1, %c64]
  attn.attention ins(%q, %k, %v : memref<2x8x4x64xf32>, memref<2x2x4096x64xf32>, memref<2x2x4096x64xf32>) outs(%o : memref<2x8x4x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 48, workers = 132>}
  return
}

// -----

// Values before the first window are left out, in the one tile where it begins
// (rule 7); the valid rows end where the last window does.
// CHECK-LABEL: func @window
func.func @window(%q: memref<1x8x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x8x?x64xf32>, %first: index) {
  // CHECK: tile.load %[[SCORES:.*]][{{.*}} -> <32x48xf32>
  // CHECK: %[[FULL:.*]] = arith.xori %{{.*}}, %true
  // CHECK: %[[BEFORE:.*]] = arith.cmpi slt, %[[KEY:.*]], %{{.*}} : index
  // CHECK: %[[MIXED:.*]] = arith.andi %[[FULL]], %[[BEFORE]]
  // CHECK: tile.load %arg1{{.*}} where %[[MIXED]] {
  // CHECK: ^bb0(%[[ROW:.*]]: index):
  // CHECK:   arith.addi %[[KEY]], %[[ROW]]
  // CHECK:   tile.yield
  attn.attention ins(%q, %k, %k : memref<1x8x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      q_offset(%first : index) outs(%o : memref<1x8x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %offset = attn.q_offset : index
        %c30 = arith.constant 30 : index
        %p = arith.addi %i, %offset : index
        %left = arith.subi %p, %c30 : index
        %x = arith.cmpi sge, %j, %left : index
        %y = arith.cmpi sle, %j, %p : index
        %keep = arith.andi %x, %y : i1
        attn.yield %keep : i1
      }
  return
}

// -----

// A mask of keys alone says which rows count; what reads rows, too, does not.
// CHECK-LABEL: func @table_of_keys
func.func @table_of_keys(%q: memref<1x8x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x8x?x64xf32>, %t: memref<?xi1>, %u: memref<?x?xi1>) {
  // CHECK: tile.load %arg1{{.*}} where %{{.*}} {
  // CHECK-NEXT: ^bb0(%[[ROW:.*]]: index):
  // CHECK:   memref.load %arg3[
  // CHECK-NOT: memref.load %arg4[
  // CHECK:   tile.yield
  attn.attention ins(%q, %k, %k : memref<1x8x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      captures(%t, %u : memref<?xi1>, memref<?x?xi1>) outs(%o : memref<1x8x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %keys: memref<?xi1>, %pairs: memref<?x?xi1>) {
        %x = memref.load %keys[%j] : memref<?xi1>
        %y = memref.load %pairs[%i, %j] : memref<?x?xi1>
        %keep = arith.andi %x, %y : i1
        attn.yield %keep : i1
      }
  return
}

// -----

// Every key of a bottom-right causal mask is attended by some row.
// CHECK-LABEL: func @bottom_right
// CHECK-NOT: where
// CHECK: return
func.func @bottom_right(%q: memref<1x8x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x8x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x8x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>) outs(%o : memref<1x8x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %nq = attn.q_len : index
        %nk = attn.kv_len : index
        %offset = arith.subi %nk, %nq : index
        %p = arith.addi %i, %offset : index
        %keep = arith.cmpi sle, %j, %p : index
        attn.yield %keep : i1
      }
  return
}

// -----

// Segments of a query tile and a key tile are compared, not their distance: the
// first and last ones of both say what is visited, and strictly what is full.
// CHECK-LABEL: func @segments
// CHECK: tile.ranges {{.*}} where {
// CHECK: arith.cmpi sge, %[[D0:.+]], %c0
// CHECK: arith.cmpi sge, %[[D1:.+]], %c0
// CHECK: arith.cmpi sgt, %[[D0]], %c0
// CHECK: arith.cmpi sgt, %[[D1]], %c0
func.func @segments(%q: memref<1x8x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x8x?x64xf32>, %sq: memref<1x?xi32>, %sk: memref<1x?xi32>) {
  attn.attention ins(%q, %k, %k : memref<1x8x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      captures(%sq, %sk : memref<1x?xi32>, memref<1x?xi32>) outs(%o : memref<1x8x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %rows: memref<1x?xi32>, %keys: memref<1x?xi32>) {
        %x = memref.load %rows[%b, %i] : memref<1x?xi32>
        %y = memref.load %keys[%b, %j] : memref<1x?xi32>
        %keep = arith.cmpi eq, %x, %y : i32
        attn.yield %keep : i1
      }
  return
}

// -----

// A block mask has no summary in memory: it is read where it is asked for.
// CHECK-LABEL: func @blocks
// CHECK: memref.alloc
// CHECK-NOT: memref.alloc
// CHECK: tile.ranges {{.*}} where {
// CHECK: memref.load %arg3[
// CHECK: memref.dealloc
// CHECK-NOT: memref.dealloc
func.func @blocks(%q: memref<1x8x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x8x?x64xf32>, %t: memref<?x?xi1>) {
  attn.attention ins(%q, %k, %k : memref<1x8x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      captures(%t : memref<?x?xi1>) outs(%o : memref<1x8x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %table: memref<?x?xi1>) {
        %c96 = arith.constant 96 : index
        %x = arith.divui %i, %c96 : index
        %y = arith.divui %j, %c96 : index
        %keep = memref.load %table[%x, %y] : memref<?x?xi1>
        attn.yield %keep : i1
      }
  return
}

// -----

// What all batches share is summarised without a look at any of them: there may
// be no batch. What one of them decides is not.
// CHECK-LABEL: func @no_batch
// BUILT-LABEL: func @no_batch
// BUILT: scf.forall
// BUILT-NOT: memref.load %arg{{[4-6]}}
// BUILT:   memref.load %arg3[
// BUILT-NOT: memref.load %arg{{[4-6]}}
// BUILT: scf.forall
// BUILT:   memref.load %arg4[
// BUILT:   memref.load %arg5[
// BUILT:   memref.load %arg6[
func.func @no_batch(%q: memref<8x?x64xf32>, %k: memref<2x?x64xf32>, %o: memref<8x?x64xf32>, %t: memref<?xi1>, %cq: memref<?xi32>, %ck: memref<?xi32>, %n: memref<?xi32>) {
  attn.attention ins(%q, %k, %k : memref<8x?x64xf32>, memref<2x?x64xf32>, memref<2x?x64xf32>)
      captures(%t : memref<?xi1>) kv_len(%n : memref<?xi32>)
      cu_seqlens(%cq, %ck : memref<?xi32>, memref<?xi32>) outs(%o : memref<8x?x64xf32>)
      {q_layout = #attn.layout<htd>, k_layout = #attn.layout<htd>, v_layout = #attn.layout<htd>, o_layout = #attn.layout<htd>}
      mask(%b: index, %h: index, %i: index, %j: index, %keys: memref<?xi1>) {
        %x = memref.load %keys[%j] : memref<?xi1>
        attn.yield %x : i1
      }
  return
}

// -----

// Vectors compute products of as many keys as are loaded: none past those that
// a row of the query tile attends, of a causal mask 32 more than the tile before.
// VECTORS-LABEL: func @causal_keys
// VECTORS:       scf.forall (%{{.*}}, %[[FROM_LAST:.*]]) in (2, 32)
// VECTORS:         %[[TILE:.*]] = arith.subi %c31, %[[FROM_LAST]]
// VECTORS:         %[[FIRST_ROW:.*]] = arith.muli %[[TILE]], %c32 : index
// VECTORS:         %[[PAST:.*]] = arith.addi %[[FIRST_ROW]], %c32
// VECTORS:         %[[END:.*]] = arith.minsi %[[PAST]], %c1000
// VECTORS:         scf.for %
// VECTORS:           %[[LEFT:.*]] = arith.subi %[[END]], %[[FIRST_KEY:.*]] : index
// VECTORS-NEXT:      %[[VALID:.*]] = arith.minsi %{{.*}}, %[[LEFT]]
// VECTORS-NEXT:      tile.load %{{.*}}, %[[FIRST_KEY]], %{{.*}}] valid[%[[VALID]], %c64]
// VECTORS:         scf.for %
// VECTORS:           %[[LEFT:.*]] = arith.subi %[[END]], %[[FIRST_KEY:.*]] : index
// VECTORS-NEXT:      %[[VALID:.*]] = arith.minsi %{{.*}}, %[[LEFT]]
// VECTORS-NEXT:      tile.load %{{.*}}, %[[FIRST_KEY]], %{{.*}}] valid[%[[VALID]], %c64]
// Other targets load whole tiles.
// CHECK-LABEL:   func @causal_keys
func.func @causal_keys(%q: memref<1x2x1000x64xf32>, %k: memref<1x2x1000x64xf32>, %v: memref<1x2x1000x64xf32>, %o: memref<1x2x1000x64xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x1000x64xf32>, memref<1x2x1000x64xf32>, memref<1x2x1000x64xf32>) outs(%o : memref<1x2x1000x64xf32>)
  mask(%b: index, %h: index, %i: index, %j: index) {
    %le = arith.cmpi sle, %j, %i : index
    attn.yield %le : i1
  }
  return
}

// -----

// Which keys a captured table lets through is not known.
// VECTORS-LABEL: func @any_keys
// VECTORS:       scf.for %
// VECTORS:         %[[LEFT:.*]] = arith.subi %c1000, %[[FIRST_KEY:.*]] : index
// VECTORS-NEXT:    tile.load %{{.*}}, %[[FIRST_KEY]], %{{.*}}] valid[%[[LEFT]], %c64]
func.func @any_keys(%q: memref<1x2x1000x64xf32>, %k: memref<1x2x1000x64xf32>, %v: memref<1x2x1000x64xf32>, %t: memref<1000x1000xi1>, %o: memref<1x2x1000x64xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x1000x64xf32>, memref<1x2x1000x64xf32>, memref<1x2x1000x64xf32>) captures(%t : memref<1000x1000xi1>) outs(%o : memref<1x2x1000x64xf32>)
  mask(%b: index, %h: index, %i: index, %j: index, %table: memref<1000x1000xi1>) {
    %x = memref.load %table[%i, %j] : memref<1000x1000xi1>
    attn.yield %x : i1
  }
  return
}
