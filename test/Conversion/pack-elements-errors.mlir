// RUN: attn-opt %s --tile-pack-elements --split-input-file --verify-diagnostics

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_storage>} {
gpu.module @kernels {
  gpu.func @bytes(%a: memref<i8>, %x: i8, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<i8> to memref<1xi8>
    // expected-error@+1 {{'memref.store' op stores an element of 8 bits, which t cannot}}
    memref.store %x, %m[%i] : memref<1xi8>
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_storage>} {
gpu.module @kernels {
  gpu.func @bf16(%a: memref<bf16>, %x: bf16, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<bf16> to memref<1xbf16>
    // expected-error@+1 {{'memref.store' op stores an element of 16 bits, which t cannot; convert to f16 or f32}}
    memref.store %x, %m[%i] : memref<1xbf16>
    gpu.return
  }
}
}
