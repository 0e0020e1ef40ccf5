// RUN: attn-opt %s --kernels-to-spirv --split-input-file --verify-diagnostics

gpu.module @kernels {
  // expected-error@+1 {{the size of the workgroup is not known}}
  gpu.func @size(%a: memref<f32>) kernel {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{SPIR-V has no memory of 'f80'}}
  gpu.func @wide(%a: memref<f80>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{SPIR-V has no parameter of 'f80'}}
  gpu.func @scalar(%a: memref<f32>, %x: f80) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %y = arith.truncf %x : f80 to f32
    memref.store %y, %m[%c0] : memref<32xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @foreign(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %x = arith.constant 1.0 : f32
    %m = memref.alloca() : memref<32xf32>
    // expected-error@+1 {{accesses memory that is no argument}}
    memref.store %x, %m[%c0] : memref<32xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @function(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %x = memref.load %m[%c0] : memref<32xf32>
    // expected-error@+1 {{failed to legalize operation 'math.erf'}}
    %y = math.erf %x : f32
    memref.store %y, %m[%c0] : memref<32xf32>
    gpu.return
  }
}
