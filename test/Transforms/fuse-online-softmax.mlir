// attn-fuse-online-softmax: one loop under a running maximum, no score matrix.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48},canonicalize,cse,attn-fuse-online-softmax,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func @fused
func.func @fused(%q: memref<1x1x64x16xbf16>, %k: memref<1x1x?x16xbf16>, %v: memref<1x1x?x16xbf16>, %o: memref<1x1x64x16xbf16>, %lse: memref<1x1x64xf32>) {
  // CHECK-NOT: memref.alloc
  // CHECK: %[[R:.*]]:3 = scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[L:.*]] = %{{.*}}, %[[ACC:.*]] = %{{.*}})
  // CHECK:   tile.dot {{.*}} {transpose_b}
  // CHECK:   %[[M1:.*]] = tile.reduce max %{{.*}}, %[[M]]
  // CHECK:   %[[SAFE:.*]] = tile.map(%[[M1]])
  // The rescale factor is exp(m_old - m_new) by the formula of P.
  // CHECK:   %[[ALPHA:.*]] = tile.map(%[[M]], %[[SAFE]])
  // CHECK:     math.exp2
  // CHECK:   %[[P:.*]] = tile.map(%{{.*}}, %[[SAFE]])
  // CHECK:     math.exp2
  // CHECK:   %[[L0:.*]] = tile.map(%[[L]], %[[ALPHA]])
  // CHECK:   %[[L1:.*]] = tile.reduce sum %[[P]], %[[L0]]
  // CHECK:   %[[P16:.*]] = tile.convert %[[P]]
  // CHECK:   %[[ACC0:.*]] = tile.map(%[[ACC]], %[[ALPHA]])
  // CHECK:   %[[ACC1:.*]] = tile.dot %[[P16]], %{{.*}}, %[[ACC0]]
  // CHECK:   scf.yield %[[M1]], %[[L1]], %[[ACC1]]
  // CHECK-NOT: scf.for
  // The statistics of the epilogue are the loop's.
  // CHECK: tile.map(%[[R]]#0, %[[R]]#1)
  attn.attention ins(%q, %k, %v : memref<1x1x64x16xbf16>, memref<1x1x?x16xbf16>, memref<1x1x?x16xbf16>) outs(%o, %lse : memref<1x1x64x16xbf16>, memref<1x1x64xf32>)
  return
}

// -----

// Scores that somebody else reads stay in memory, and so do the two loops.
// CHECK-LABEL: func @scores_escape
func.func @scores_escape(%s: memref<32x48xf32>, %out: memref<32xf32>) -> memref<32x48xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c32 = arith.constant 32 : index
  %c48 = arith.constant 48 : index
  %zero = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %scores = memref.alloc() : memref<32x48xf32>
  %init = tile.splat %zero : f32 -> !tile.tile<32xf32>
  // CHECK-COUNT-2: scf.for
  %m = scf.for %i = %c0 to %c4 step %c1 iter_args(%x = %init) -> (!tile.tile<32xf32>) {
    %t = tile.load %s[%c0, %c0] valid [%c32, %c48] : memref<32x48xf32> -> !tile.tile<32x48xf32>
    tile.store %t, %scores[%c0, %c0] valid [%c32, %c48] : !tile.tile<32x48xf32>, memref<32x48xf32>
    %y = tile.reduce max %t, %x : !tile.tile<32x48xf32> -> !tile.tile<32xf32>
    scf.yield %y : !tile.tile<32xf32>
  }
  %safe = tile.map(%m) at [%c0] : (!tile.tile<32xf32>) -> !tile.tile<32xf32> {
  ^bb0(%x: f32, %i: index):
    %empty = arith.cmpf oeq, %x, %ninf : f32
    %y = arith.select %empty, %zero, %x : f32
    tile.yield %y : f32
  }
  %l = scf.for %i = %c0 to %c4 step %c1 iter_args(%x = %init) -> (!tile.tile<32xf32>) {
    %t = tile.load %scores[%c0, %c0] valid [%c32, %c48] : memref<32x48xf32> -> !tile.tile<32x48xf32>
    %p = tile.map(%t, %safe) at [%c0, %c0] : (!tile.tile<32x48xf32>, !tile.tile<32xf32>) -> !tile.tile<32x48xf32> {
    ^bb0(%a: f32, %b: f32, %r: index, %c: index):
      %log2e = arith.constant 1.442695 : f32
      %d = arith.subf %a, %b : f32
      %e = arith.mulf %d, %log2e : f32
      %f = math.exp2 %e : f32
      tile.yield %f : f32
    }
    %y = tile.reduce sum %p, %x : !tile.tile<32x48xf32> -> !tile.tile<32xf32>
    scf.yield %y : !tile.tile<32xf32>
  }
  tile.store %l, %out[%c0] valid [%c32] : !tile.tile<32xf32>, memref<32xf32>
  // CHECK: return %{{.*}} : memref<32x48xf32>
  return %scores : memref<32x48xf32>
}

// -----

// What is read back is not all that was stored.
// CHECK-LABEL: func @fewer_rows
func.func @fewer_rows(%s: !tile.tile<8x8xf32>, %n: index, %v: !tile.tile<8x8xf32>, %few: index) -> !tile.tile<8x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  // CHECK: memref.alloc
  // CHECK-COUNT-2: scf.for
  %scores = memref.alloc(%n) : memref<?x8x8xf32>
  %m0 = tile.splat %ninf : f32 -> !tile.tile<8xf32>
  %a0 = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %m = scf.for %c = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<8xf32>) {
    tile.store %s, %scores[%c, %c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<?x8x8xf32>
    %m1 = tile.reduce max %s, %mi : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
    scf.yield %m1 : !tile.tile<8xf32>
  }
  %ms = tile.map(%m) at [%c0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
  ^bb0(%x: f32, %i: index):
    %empty = arith.cmpf oeq, %x, %ninf : f32
    %y = arith.select %empty, %zero, %x : f32
    tile.yield %y : f32
  }
  %a = scf.for %c = %c0 to %n step %c1 iter_args(%ai = %a0) -> (!tile.tile<8x8xf32>) {
    %t = tile.load %scores[%c, %c0, %c0] valid [%few, %c8] : memref<?x8x8xf32> -> !tile.tile<8x8xf32>
    %p = tile.map(%t, %ms) at [%c0, %c0] : (!tile.tile<8x8xf32>, !tile.tile<8xf32>) -> !tile.tile<8x8xf32> {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %log2e = arith.constant 1.442695 : f32
      %d = arith.subf %x, %max : f32
      %e = arith.mulf %d, %log2e : f32
      %f = math.exp2 %e : f32
      tile.yield %f : f32
    }
    %a1 = tile.dot %p, %v, %ai : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
    scf.yield %a1 : !tile.tile<8x8xf32>
  }
  return %a : !tile.tile<8x8xf32>
}

// -----

// A product with the transposed probabilities is not linear in rows.
// CHECK-LABEL: func @transposed
func.func @transposed(%s: !tile.tile<8x8xf32>, %n: index, %v: !tile.tile<8x8xf32>, %few: index) -> !tile.tile<8x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  // CHECK: memref.alloc
  // CHECK-COUNT-2: scf.for
  %scores = memref.alloc(%n) : memref<?x8x8xf32>
  %m0 = tile.splat %ninf : f32 -> !tile.tile<8xf32>
  %a0 = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %m = scf.for %c = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<8xf32>) {
    tile.store %s, %scores[%c, %c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<?x8x8xf32>
    %m1 = tile.reduce max %s, %mi : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
    scf.yield %m1 : !tile.tile<8xf32>
  }
  %ms = tile.map(%m) at [%c0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
  ^bb0(%x: f32, %i: index):
    %empty = arith.cmpf oeq, %x, %ninf : f32
    %y = arith.select %empty, %zero, %x : f32
    tile.yield %y : f32
  }
  %a = scf.for %c = %c0 to %n step %c1 iter_args(%ai = %a0) -> (!tile.tile<8x8xf32>) {
    %t = tile.load %scores[%c, %c0, %c0] valid [%c8, %c8] : memref<?x8x8xf32> -> !tile.tile<8x8xf32>
    %p = tile.map(%t, %ms) at [%c0, %c0] : (!tile.tile<8x8xf32>, !tile.tile<8xf32>) -> !tile.tile<8x8xf32> {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %log2e = arith.constant 1.442695 : f32
      %d = arith.subf %x, %max : f32
      %e = arith.mulf %d, %log2e : f32
      %f = math.exp2 %e : f32
      tile.yield %f : f32
    }
    %a1 = tile.dot %p, %v, %ai {transpose_a} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
    scf.yield %a1 : !tile.tile<8x8xf32>
  }
  return %a : !tile.tile<8x8xf32>
}

// -----

// Sums relative to something else than the maximum cannot be rescaled by it.
// CHECK-LABEL: func @clamped
func.func @clamped(%s: !tile.tile<8x8xf32>, %n: index, %v: !tile.tile<8x8xf32>, %few: index) -> !tile.tile<8x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  // CHECK: memref.alloc
  // CHECK-COUNT-2: scf.for
  %scores = memref.alloc(%n) : memref<?x8x8xf32>
  %m0 = tile.splat %ninf : f32 -> !tile.tile<8xf32>
  %a0 = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %m = scf.for %c = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<8xf32>) {
    tile.store %s, %scores[%c, %c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<?x8x8xf32>
    %m1 = tile.reduce max %s, %mi : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
    scf.yield %m1 : !tile.tile<8xf32>
  }
  %ms = tile.map(%m) at [%c0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
  ^bb0(%x: f32, %i: index):
    %y = arith.maximumf %x, %zero : f32
    tile.yield %y : f32
  }
  %a = scf.for %c = %c0 to %n step %c1 iter_args(%ai = %a0) -> (!tile.tile<8x8xf32>) {
    %t = tile.load %scores[%c, %c0, %c0] valid [%c8, %c8] : memref<?x8x8xf32> -> !tile.tile<8x8xf32>
    %p = tile.map(%t, %ms) at [%c0, %c0] : (!tile.tile<8x8xf32>, !tile.tile<8xf32>) -> !tile.tile<8x8xf32> {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %log2e = arith.constant 1.442695 : f32
      %d = arith.subf %x, %max : f32
      %e = arith.mulf %d, %log2e : f32
      %f = math.exp2 %e : f32
      tile.yield %f : f32
    }
    %a1 = tile.dot %p, %v, %ai : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
    scf.yield %a1 : !tile.tile<8x8xf32>
  }
  return %a : !tile.tile<8x8xf32>
}

// -----

// What accumulation begins with is not relative to a maximum.
// CHECK-LABEL: func @begun
func.func @begun(%s: !tile.tile<8x8xf32>, %n: index, %v: !tile.tile<8x8xf32>, %few: index) -> !tile.tile<8x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  // CHECK: memref.alloc
  // CHECK-COUNT-2: scf.for
  %scores = memref.alloc(%n) : memref<?x8x8xf32>
  %m0 = tile.splat %ninf : f32 -> !tile.tile<8xf32>
  %one = arith.constant 1.0 : f32
  %a0 = tile.splat %one : f32 -> !tile.tile<8x8xf32>
  %m = scf.for %c = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<8xf32>) {
    tile.store %s, %scores[%c, %c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<?x8x8xf32>
    %m1 = tile.reduce max %s, %mi : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
    scf.yield %m1 : !tile.tile<8xf32>
  }
  %ms = tile.map(%m) at [%c0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
  ^bb0(%x: f32, %i: index):
    %empty = arith.cmpf oeq, %x, %ninf : f32
    %y = arith.select %empty, %zero, %x : f32
    tile.yield %y : f32
  }
  %a = scf.for %c = %c0 to %n step %c1 iter_args(%ai = %a0) -> (!tile.tile<8x8xf32>) {
    %t = tile.load %scores[%c, %c0, %c0] valid [%c8, %c8] : memref<?x8x8xf32> -> !tile.tile<8x8xf32>
    %p = tile.map(%t, %ms) at [%c0, %c0] : (!tile.tile<8x8xf32>, !tile.tile<8xf32>) -> !tile.tile<8x8xf32> {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %log2e = arith.constant 1.442695 : f32
      %d = arith.subf %x, %max : f32
      %e = arith.mulf %d, %log2e : f32
      %f = math.exp2 %e : f32
      tile.yield %f : f32
    }
    %a1 = tile.dot %p, %v, %ai : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
    scf.yield %a1 : !tile.tile<8x8xf32>
  }
  return %a : !tile.tile<8x8xf32>
}
