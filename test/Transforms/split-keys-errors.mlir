// RUN: attn-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(tile-split-keys))'
// RUN: not attn-opt %S/../Conversion/Inputs/causal_f32.mlir -pass-pipeline='builtin.module(func.func(tile-split-keys{workers=65537}))' 2>&1 | FileCheck %s --check-prefix=WORKERS
// WORKERS: error: tile-split-keys: workers = 65537 is not in 0 .. 65536

func.func @no_loops(%n: index) {
  // expected-error @+1 {{the keys of this grid cannot be split: it has not the two loops of standard attention}}
  scf.forall (%i) in (%n) {
  } {tile.workers = 8 : i64}
  return
}

// -----

func.func @bounds(%n: index) {
  // expected-error @+1 {{the keys of this grid cannot be split: its bounds are not normal}}
  scf.forall (%i) = (2) to (%n) step (1) {
  } {tile.workers = 8 : i64}
  return
}

// -----

func.func @no_number(%n: index) {
  // expected-error @+1 {{has the attribute 'tile.workers' as 0 : i64, which is no i64 in 1 .. 65536}}
  scf.forall (%i) in (%n) {
  } {tile.workers = 0 : i64}
  return
}

// -----

// Two loops of standard attention whose sums are finished where they are.
func.func @finished(%h: index, %s: memref<?x8xf32>, %x: memref<4x8xf32>, %o: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %log2e = arith.constant 1.44269504 : f32
  %scores = memref.alloc(%n) : memref<?x4x8xf32>
  // expected-error @+1 {{the keys of this grid cannot be split: it does not accumulate one sum and one row of values}}
  scf.forall (%i) in (%h) {
    %ranges = tile.ranges [%c0, %n, %c0, %c0] : !tile.ranges
    %count = tile.range_count %ranges : index
    %m0 = tile.splat %ninf : f32 -> !tile.tile<4xf32>
    %l0 = tile.splat %zero : f32 -> !tile.tile<4xf32>
    %t = tile.load %x[%c0, %c0] valid [%c4, %c8] : memref<4x8xf32> -> !tile.tile<4x8xf32>
    %m = scf.for %c = %c0 to %count step %c1 iter_args(%mi = %m0) -> (!tile.tile<4xf32>) {
      tile.store %t, %scores[%c, %c0, %c0] valid [%c4, %c8] : !tile.tile<4x8xf32>, memref<?x4x8xf32>
      %m1 = tile.reduce max %t, %mi : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
      scf.yield %m1 : !tile.tile<4xf32>
    }
    %ms = tile.map (%m) at [%c0] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
    ^bb0(%e: f32, %r: index):
      %empty = arith.cmpf oeq, %e, %ninf : f32
      %y = arith.select %empty, %zero, %e : f32
      tile.yield %y : f32
    }
    %l = scf.for %c = %c0 to %count step %c1 iter_args(%li = %l0) -> (!tile.tile<4xf32>) {
      %u = tile.load %scores[%c, %c0, %c0] valid [%c4, %c8] : memref<?x4x8xf32> -> !tile.tile<4x8xf32>
      %p = tile.map (%u, %ms) at [%c0, %c0] : (!tile.tile<4x8xf32>, !tile.tile<4xf32>) -> !tile.tile<4x8xf32> {
      ^bb0(%e: f32, %max: f32, %r: index, %j: index):
        %d = arith.subf %e, %max : f32
        %d2 = arith.mulf %d, %log2e : f32
        %w = math.exp2 %d2 : f32
        tile.yield %w : f32
      }
      %l1 = tile.reduce sum %p, %li : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
      scf.yield %l1 : !tile.tile<4xf32>
    }
    tile.store %l, %o[%c0] valid [%c4] : !tile.tile<4xf32>, memref<4xf32>
  } {tile.workers = 8 : i64}
  return
}
