// tile-unswitch-masks: full key tiles run without a compare.
// RUN: attn-opt %s -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48},canonicalize,cse,attn-fuse-online-softmax,tile-expand-ranges,tile-unswitch-masks,canonicalize))' | FileCheck %s
// RUN: attn-opt %s -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48},canonicalize,cse,attn-fuse-online-softmax,tile-expand-ranges,tile-unswitch-masks{scores-only},canonicalize))' | FileCheck %s --check-prefix=SCORES

// CHECK-LABEL: func @causal
func.func @causal(%q: memref<1x1x?x16xf32>, %k: memref<1x1x?x16xf32>, %v: memref<1x1x?x16xf32>, %o: memref<1x1x?x16xf32>) {
  // CHECK: scf.for
  // CHECK:   scf.if
  // CHECK-NOT: arith.cmpi
  // CHECK:     tile.dot {{.*}} {transpose_b}
  // CHECK-NOT: arith.cmpi
  // CHECK:     tile.reduce max
  // CHECK-NOT: arith.cmpi
  // CHECK:     tile.dot
  // CHECK:     scf.yield
  // CHECK:   } else {
  // CHECK:     tile.dot {{.*}} {transpose_b}
  // CHECK:     arith.cmpi sle
  // CHECK:     tile.reduce max
  // CHECK:     tile.dot
  // CHECK:     scf.yield
  // The scale and the maximum of the scores are in both branches, products are
  // outside.
  // SCORES-LABEL: func @causal
  // SCORES: scf.for
  // SCORES:   %[[DOT:.*]] = tile.dot {{.*}} {transpose_b}
  // SCORES:   %[[CHOICE:.*]]:2 = scf.if
  // SCORES-NOT: arith.cmpi
  // SCORES:     tile.map(%[[DOT]])
  // SCORES:     tile.reduce max
  // SCORES:   } else {
  // SCORES:     tile.map(%[[DOT]])
  // SCORES:     arith.cmpi sle
  // SCORES:     tile.reduce max
  // SCORES:     scf.yield
  // SCORES-NOT: scf.if
  // SCORES:   tile.reduce sum
  // SCORES:   tile.dot
  // SCORES-NOT: tile.dot
  // SCORES:   scf.yield
  attn.attention ins(%q, %k, %v : memref<1x1x?x16xf32>, memref<1x1x?x16xf32>, memref<1x1x?x16xf32>) outs(%o : memref<1x1x?x16xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sle, %j, %i : index
    attn.yield %keep : i1
  }
  return
}

// Two choices in one loop: the first decides, the second stays in its branches.
// CHECK-LABEL: func @two
func.func @two(%n: index, %a: i1, %b: i1, %init: !tile.tile<4xf32>) -> !tile.tile<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for
  // CHECK:   scf.if %arg1
  // CHECK:     tile.map
  // CHECK:     scf.if %arg2
  // CHECK:     arith.addf
  // CHECK:   } else {
  // CHECK:     scf.if %arg2
  // CHECK:     arith.addf
  // CHECK:   scf.yield
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%x = %init) -> (!tile.tile<4xf32>) {
    %first = scf.if %a -> !tile.tile<4xf32> {
      %y = tile.map(%x) at [%k] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
      ^bb0(%e: f32, %i: index):
        %d = arith.negf %e : f32
        tile.yield %d : f32
      }
      scf.yield %y : !tile.tile<4xf32>
    } else {
      scf.yield %x : !tile.tile<4xf32>
    }
    %second = scf.if %b -> !tile.tile<4xf32> {
      %y = tile.map(%x) at [%k] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
      ^bb0(%e: f32, %i: index):
        %d = math.absf %e : f32
        tile.yield %d : f32
      }
      scf.yield %y : !tile.tile<4xf32>
    } else {
      scf.yield %x : !tile.tile<4xf32>
    }
    %z = tile.map(%first, %second) at [%k] : (!tile.tile<4xf32>, !tile.tile<4xf32>) -> !tile.tile<4xf32> {
    ^bb0(%e: f32, %f: f32, %i: index):
      %d = arith.addf %e, %f : f32
      tile.yield %d : f32
    }
    scf.yield %z : !tile.tile<4xf32>
  }
  return %r : !tile.tile<4xf32>
}
