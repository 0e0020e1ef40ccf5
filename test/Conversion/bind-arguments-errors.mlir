// RUN: attn-opt %s --tile-bind-arguments --split-input-file --verify-diagnostics

// The offset of an element would not fit (rule 21).
module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  gpu.func @span(%a: memref<f32> loc("q")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{buffer 'q' spans 4294967296 elements; a launcher of 32 bits counts up to 2147483647 (rule 21)}}
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4294967296], strides: [1] : memref<f32> to memref<4294967296xf32>
    gpu.return
  }
}
}
