// RUN: attn-translate --kernels-to-wgsl %s --split-input-file --verify-diagnostics

gpu.module @kernels {
  // expected-error@+1 {{WGSL has no type for 'bf16'; convert to f16 or f32}}
  gpu.func @bf16(%a: memref<bf16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %x = arith.constant 1.0 : bf16
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<bf16> to memref<1xbf16>
    memref.store %x, %m[%c0] : memref<1xbf16>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @wide(%a: memref<i32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{the constant 4294967296 needs 64 bits; index and i64 have 32 in WGSL}}
    %c = arith.constant 4294967296 : i64
    %t = arith.trunci %c : i64 to i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<i32> to memref<1xi32>
    memref.store %t, %m[%c0] : memref<1xi32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @infinite(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{WGSL has no constant 0x7F800000 : f32}}
    %c = arith.constant 0x7F800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<f32> to memref<1xf32>
    memref.store %c, %m[%c0] : memref<1xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @erf(%a: memref<f32>, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'math.erf' op has no WGSL form}}
    %e = math.erf %x : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<f32> to memref<1xf32>
    memref.store %e, %m[%c0] : memref<1xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{the size of the workgroup is not known}}
  gpu.func @size(%a: memref<f32>) kernel {
    gpu.return
  }
}

// -----

module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", storage_buffers = 8>} {
gpu.module @kernels {
  // expected-error@+1 {{needs 9 storage buffers, the limit is 8 (maxStorageBuffersPerShaderStage; storage_buffers of a tile.target for a device that binds more)}}
  gpu.func @buffers(%a: memref<f32>, %b: memref<f32>, %c: memref<f32>, %d: memref<f32>, %e: memref<f32>, %f: memref<f32>, %g: memref<f32>, %h: memref<f32>, %i: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}
}

// -----

gpu.module @kernels {
  gpu.func @shift(%a: memref<i32>, %n: i64) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c40 = arith.constant 40 : i64
    // expected-error@+1 {{a shift by 40 needs 64 bits; index and i64 have 32 in WGSL}}
    %s = arith.shrui %n, %c40 : i64
    %t = arith.trunci %s : i64 to i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<i32> to memref<1xi32>
    memref.store %t, %m[%c0] : memref<1xi32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @bytes(%a: memref<i8>, %x: i8) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<i8> to memref<1xi8>
    // expected-error@+1 {{WGSL cannot store elements of 8 bits}}
    memref.store %x, %m[%c0] : memref<1xi8>
    gpu.return
  }
}

// -----

// The offset of an element would not fit (rule 21).
gpu.module @kernels {
  gpu.func @span(%a: memref<f32> loc("q")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{buffer 'q' spans 4294967296 elements; WGSL counts up to 2147483647 (rule 21)}}
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4294967296], strides: [1] : memref<f32> to memref<4294967296xf32>
    gpu.return
  }
}

// -----

// A constant of no place is reported where it is used.
gpu.module @kernels {
  gpu.func @nowhere(%a: memref<i32>, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c = arith.constant -3000000000 : index loc(unknown)
    // expected-error@+1 {{the constant -3000000000 needs 64 bits; index and i64 have 32 in WGSL}}
    %s = arith.maxsi %i, %c : index
    %t = arith.index_cast %s : index to i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<i32> to memref<1xi32>
    memref.store %t, %m[%c0] : memref<1xi32>
    gpu.return
  }
}
