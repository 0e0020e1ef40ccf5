// RUN: attn-opt %s --tile-verify-kernel-form --split-input-file --verify-diagnostics

gpu.module @kernels {
  // expected-error@+1 {{'gpu.func' op is no kernel whose threads are counted; the kernel form needs 'kernel' and 'known_block_size'}}
  gpu.func @size(%a: memref<f32>) kernel {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{parameter #0 is 'memref<4xf32>'; a buffer is passed as a memref of rank 0}}
  gpu.func @rank(%a: memref<4xf32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{has a value of type 'i128', which is not of the kernel form}}
  gpu.func @type(%a: i128) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error@+1 {{has the buffer 'memref<4x4xf32, #gpu.address_space<private>>'; one of the kernel form is flat, of known size, in private memory}}
  gpu.func @buffer() private(%p: memref<4x4xf32, #gpu.address_space<private>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @view(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{uses a buffer otherwise than by one memref.reinterpret_cast to rank 1 and stride 1}}
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4, 4], strides: [4, 1] : memref<f32> to memref<4x4xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @use(%a: memref<f32>, %b: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4], strides: [1] : memref<f32> to memref<4xf32>
    %n = memref.reinterpret_cast %b to offset: [0], sizes: [4], strides: [1] : memref<f32> to memref<4xf32>
    // expected-error@+1 {{'memref.copy' op uses a view otherwise than to load or store an element}}
    memref.copy %m, %n : memref<4xf32> to memref<4xf32>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @op(%x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{'math.erf' op is not of the kernel form (docs/gpu-kernels.md)}}
    %e = math.erf %x : f32
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @rounding(%x: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{'arith.floordivsi' op is not of the kernel form}}
    %e = arith.floordivsi %x, %x : index
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @branch(%k: i1) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %id = gpu.thread_id x
    %c1 = arith.constant 1 : index
    %first = arith.cmpi slt, %id, %c1 : index
    // expected-note@+1 {{what decides depends on the thread}}
    scf.if %first {
      scf.if %k {
        // expected-error@+1 {{'gpu.barrier' op is not reached by all threads of a workgroup together}}
        gpu.barrier
      }
    }
    gpu.return
  }
}

// -----

// What a loop carries differs if it begins so, and memory that threads write
// may.
gpu.module @kernels {
  gpu.func @loop(%a: memref<i32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %i0 = arith.constant 0 : i32
    %i1 = arith.constant 1 : i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [4], strides: [1] : memref<i32> to memref<4xi32>
    %n = memref.load %m[%c0] : memref<4xi32>
    %r = scf.for %k = %i0 to %i1 step %i1 iter_args(%x = %n) -> (i32) : i32 {
      scf.yield %x : i32
    }
    memref.store %r, %m[%c0] : memref<4xi32>
    // expected-note@+1 {{what decides depends on the thread}}
    scf.for %k = %i0 to %r step %i1 : i32 {
      // expected-error@+1 {{'gpu.barrier' op is not reached by all threads of a workgroup together}}
      gpu.barrier
    }
    gpu.return
  }
}

// -----

// What a workgroup reads together is the same for all threads; it waits for them.
gpu.module @kernels {
  gpu.func @together() workgroup(%m: memref<4xi32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %i0 = arith.constant 0 : i32
    %n = kernel.uniform_load %m[%c0] : memref<4xi32, #gpu.address_space<workgroup>>
    %any = arith.cmpi ne, %n, %i0 : i32
    scf.if %any {
      gpu.barrier
    }
    %own = memref.load %m[%c0] : memref<4xi32, #gpu.address_space<workgroup>>
    %mine = arith.cmpi ne, %own, %i0 : i32
    // expected-note@+1 {{what decides depends on the thread}}
    scf.if %mine {
      // expected-error@+1 {{'kernel.uniform_load' op is not reached by all threads of a workgroup together}}
      %k = kernel.uniform_load %m[%c0] : memref<4xi32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }
}

// -----

// Which elements a lane has, only the machine knows.
gpu.module @kernels {
  gpu.func @element(%x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = kernel.fill_matrix %x : !kernel.matrix<16x16xf32, accumulator>
    %e = kernel.extract_element %m[0] : !kernel.matrix<16x16xf32, accumulator>
    %c = arith.cmpf ogt, %e, %x : f32
    // expected-note@+1 {{what decides depends on the thread}}
    scf.if %c {
      // expected-error@+1 {{is not reached by all threads of a workgroup together}}
      gpu.barrier
    }
    gpu.return
  }
}
