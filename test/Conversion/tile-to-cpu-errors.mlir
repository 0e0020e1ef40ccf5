// RUN: attn-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(tile-to-cpu))'

func.func private @rows(%m: memref<20xf32>, %i: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c20 = arith.constant 20 : index
  // expected-error@+1 {{has 20 rows; tile-to-cpu needs a multiple of the 16 lanes of a vector (next: 32)}}
  %t = tile.load %m[%i] valid [%c20] : memref<20xf32> -> !tile.tile<20xf32>
  tile.store %t, %m[%i] valid [%c20] : !tile.tile<20xf32>, memref<20xf32>
  return
}

// -----

// With columns on the lanes, a row is reduced by vectors of them.
func.func private @columns(%m: memref<4x24xf32>, %o: memref<4xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c24 = arith.constant 24 : index
  %zero = arith.constant 0.0 : f32
  %none = tile.splat %zero : f32 -> !tile.tile<4xf32>
  %t = tile.load %m[%c0, %c0] valid [%c4, %c24] : memref<4x24xf32> -> !tile.tile<4x24xf32>
  // expected-error@+1 {{has 24 columns; tile-to-cpu needs a multiple of the 16 lanes of a vector (next: 32)}}
  %r = tile.reduce sum %t, %none : !tile.tile<4x24xf32> -> !tile.tile<4xf32>
  tile.store %r, %o[%c0] valid [%c4] : !tile.tile<4xf32>, memref<4xf32>
  return
}

// -----

func.func private @type(%m: memref<16xi32>, %i: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c16 = arith.constant 16 : index
  // expected-error@+1 {{loads 'i32'; the CPU takes f32, f16 and bf16}}
  %t = tile.load %m[%i] valid [%c16] : memref<16xi32> -> !tile.tile<16xi32>
  tile.store %t, %m[%i] valid [%c16] : !tile.tile<16xi32>, memref<16xi32>
  return
}

// -----

// The error of a region reaches the pass from the accumulator of a product.
func.func private @prologue(%k: memref<32x32xf32>, %n: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  %acc = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %a = tile.load %k[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %b = tile.load %k[%c0, %c0] valid [%n, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %scaled = tile.map(%acc) at [%c0, %c0] : (!tile.tile<32x32xf32>) -> !tile.tile<32x32xf32> {
  ^bb0(%x: f32, %row: index, %col: index):
    // expected-error@+1 {{cannot be vectorised in a map region (rule 8)}}
    %sum, %overflow = arith.addui_extended %row, %row : index, i1
    %y = arith.select %overflow, %x, %zero : f32
    tile.yield %y : f32
  }
  %r = tile.dot %a, %b, %scaled {transpose_b} : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
  tile.store %r, %k[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  return
}

// -----

func.func private @foreign_op(%k: memref<16x16xf32>, %o: memref<16xf32>, %c: i1, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant 0.0 : f32
  %low = tile.splat %zero : f32 -> !tile.tile<16xf32>
  %a = tile.load %k[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
  // expected-error@+1 {{on tiles has no CPU lowering}}
  %b = arith.select %c, %a, %a : !tile.tile<16x16xf32>
  %m = tile.reduce max %b, %low : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
  tile.store %m, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
  return
}

// -----

// A kernel of another file is not lowered here.
func.func private @elsewhere(index, index, index, index, index, index) attributes {tile.kernel}

// -----

// expected-error@+1 {{takes or returns tiles; tile-to-cpu lowers kernels on memory}}
func.func private @argument(%t: !tile.tile<16xf32>, %o: memref<16xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  tile.store %t, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
  return
}
