// RUN: attn-opt %s --tile-outline-holes --split-input-file --verify-diagnostics

gpu.module @kernels {
  gpu.func @k(%o: memref<f32>, %s: f32, %i: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %x = attn.hole "score"(%s, %i) ["s", "i"] : (f32, i32) -> f32
    // expected-error @+1 {{calls 'score', which is a hole with other parameters}}
    %y = attn.hole "score"(%x, %i) ["s", "j"] : (f32, i32) -> f32
    memref.store %y, %r[%t] : memref<32xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @k(%o: memref<f32>, %s: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    // expected-error @+1 {{calls 'k', which is no hole}}
    %x = attn.hole "k"(%s) ["s"] : (f32) -> f32
    memref.store %x, %r[%t] : memref<32xf32>
    gpu.return
  }
}
