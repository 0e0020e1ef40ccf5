// RUN: attn-opt %s --tile-assign-layouts --split-input-file --verify-diagnostics
// RUN: not attn-opt %s --tile-assign-layouts=threads=16 --split-input-file 2>&1 | FileCheck %s
// CHECK: tile-assign-layouts: threads = 16 is not in 32 .. 128

// What matrix units do not compute is said, and computed without them.
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // expected-remark @+1 {{does not use matrix units, which is slower: the number of rows 8 is no multiple of the fragments' 16}}
  func.func private @rows(%q: memref<f16>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %q to offset: [0], sizes: [8, 16], strides: [16, 1] : memref<f16> to memref<8x16xf16>
    %a = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<8x16xf16> -> !tile.tile<8x16xf16>
    %init = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
    %s = tile.dot %a, %a, %init {transpose_b} : !tile.tile<8x16xf16>, !tile.tile<8x16xf16> -> !tile.tile<8x8xf32>
    return
  }
}

// -----

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // expected-remark @+1 {{does not use matrix units, which is slower: its units do not multiply elements of a product's factors}}
  func.func private @type(%q: memref<bf16>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %q to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<bf16> to memref<16x16xbf16>
    %a = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xbf16> -> !tile.tile<16x16xbf16>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %s = tile.dot %a, %a, %init {transpose_b} : !tile.tile<16x16xbf16>, !tile.tile<16x16xbf16> -> !tile.tile<16x16xf32>
    return
  }
}

// -----

// expected-error @+1 {{tile-assign-layouts: the module does not say what machine it is for}}
func.func private @no_target(%x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  return
}

// -----

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32>} {
  func.func private @elsewhere(index, index, index, index, index, index) attributes {tile.kernel}
  // expected-error @+1 {{'func.func' op takes or returns tiles; tile-assign-layouts lowers kernels on memory}}
  func.func private @takes(%t: !tile.tile<8xf32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    return
  }
}
