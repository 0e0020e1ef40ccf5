// RUN: attn-opt %s --tile-store-infinity-bits --split-input-file --verify-diagnostics

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = infinity>} {
gpu.module @kernels {
  gpu.func @load(%lse: memref<f32> {attn.minus_infinity = -1.27605888E+38 : f32}, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %lse to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    // expected-error@+1 {{'memref.load' op reads what is stored by its bits; results take memory of their own}}
    %x = memref.load %m[%i] : memref<32xf32>
    gpu.return
  }
}
}

// -----

// expected-error@+1 {{tile-store-infinity-bits: the module does not say what machine it is for}}
module {
}
