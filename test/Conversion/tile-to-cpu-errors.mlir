// RUN: attn-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(tile-to-cpu{vector-bits=512 registers=32}))'

func.func private @rows(%m: memref<12xf32>, %i: index) attributes {tile.kernel} {
  %c12 = arith.constant 12 : index
  // expected-error@+1 {{has 12 rows; tile-to-cpu needs a multiple of the 16 lanes of a vector (next: 16)}}
  %t = tile.load %m[%i] valid [%c12] : memref<12xf32> -> !tile.tile<12xf32>
  tile.store %t, %m[%i] valid [%c12] : !tile.tile<12xf32>, memref<12xf32>
  return
}

// -----

func.func private @type(%m: memref<16xi32>, %i: index) attributes {tile.kernel} {
  %c16 = arith.constant 16 : index
  // expected-error@+1 {{loads 'i32'; the CPU takes f32, f16 and bf16}}
  %t = tile.load %m[%i] valid [%c16] : memref<16xi32> -> !tile.tile<16xi32>
  tile.store %t, %m[%i] valid [%c16] : !tile.tile<16xi32>, memref<16xi32>
  return
}
