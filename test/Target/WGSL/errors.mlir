// RUN: attn-translate --kernels-to-wgsl %s --split-input-file --verify-diagnostics

gpu.module @kernels {
  // expected-error@+1 {{WGSL has no type for 'bf16'; attn-legalize-kernels makes kernels that it has}}
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
    // expected-error@+1 {{WGSL has no constant 4294967296 : i64}}
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

// Those that readers know by name.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", storage_buffers = 1>} {
gpu.module @kernels {
  // expected-error@+1 {{needs 2 storage buffers, the limit is 1 (maxStorageBuffersPerShaderStage; storage_buffers of a tile.target for a device that binds more); it binds q, o}}
  gpu.func @named(%q: memref<f32> loc("q"), %o: memref<f32> loc("o")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}
}

// -----

// A launcher passes 32 bits.
gpu.module @kernels {
  // expected-error@+1 {{a parameter of WGSL is i32 or f32, not 'i64'}}
  gpu.func @parameter(%a: memref<i32>, %n: i64) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{WGSL has no type for 'i8'; attn-legalize-kernels makes kernels that it has}}
  gpu.func @bytes(%a: memref<i8>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

// Nor have booleans arithmetic.
gpu.module @kernels {
  gpu.func @boolean(%a: memref<f32>, %n: i32, %x: f32, %y: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %k = arith.trunci %n : i32 to i1
    // expected-error@+1 {{'arith.muli' op has no WGSL form on i1}}
    %l = arith.muli %k, %k : i1
    %z = arith.select %l, %x, %y : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1], strides: [1] : memref<f32> to memref<1xf32>
    memref.store %z, %m[%c0] : memref<1xf32>
    gpu.return
  }
}
