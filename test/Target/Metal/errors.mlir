// RUN: attn-translate --kernels-to-msl %s --split-input-file --verify-diagnostics

gpu.module @kernels {
  // expected-error@+1 {{MSL has no type for 'f64'; attn-legalize-kernels makes kernels that it has}}
  gpu.func @wide(%a: memref<f64>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{a parameter of MSL is i32 or f32, not 'index'}}
  gpu.func @scalar(%a: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @infinite(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{MSL has no constant 0x7F800000 : f32}}
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
    // expected-error@+1 {{'math.erf' op has no MSL form}}
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

module attributes {tile.target = #tile.target<name = "metal", chip = "metal3.1", threads = 1024, storage_buffers = 1>} {
  gpu.module @kernels {
    // expected-error@+1 {{needs 2 buffers and one for its parameters, Metal binds 2}}
    gpu.func @many(%a: memref<f32>, %b: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
      gpu.return
    }
  }
}
