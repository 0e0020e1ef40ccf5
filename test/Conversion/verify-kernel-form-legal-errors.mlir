// RUN: attn-opt %s --tile-verify-kernel-form=legal --split-input-file --verify-diagnostics

// expected-error@+1 {{tile-verify-kernel-form: the module does not say what machine it is for}}
module {
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  // expected-error@+1 {{parameter #0 is an index, which a launcher of 32 bits does not pass}}
  gpu.func @parameter(%i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  gpu.func @wide(%n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{'arith.extsi' op has a value of type 'i64', which t lacks}}
    %w = arith.extsi %n : i32 to i64
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = int64>} {
gpu.module @kernels {
  gpu.func @index() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %id = gpu.thread_id x
    // expected-error@+1 {{'arith.addi' op computes with an index, which has 64 bits; t lacks them}}
    %w = arith.addi %id, %id : index
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = "small_int|small_storage">} {
gpu.module @kernels {
  gpu.func @small(%n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{'arith.trunci' op has a value of type 'i8', which t lacks}}
    %w = arith.trunci %n : i32 to i8
    gpu.return
  }
}
}

// -----

// Memory of small types is no arithmetic on them: each op that computes is
// refused, whether the type is one of its operands or of its results.
module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_int>} {
gpu.module @kernels {
  gpu.func @add(%a: memref<i8>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
    %x = memref.load %m[%c0] : memref<32xi8>
    // expected-error@+1 {{'arith.addi' op computes with a value of type 'i8', which t only moves; compute with i32 or f32}}
    %y = arith.addi %x, %x : i8
    memref.store %y, %m[%c0] : memref<32xi8>
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_int>} {
gpu.module @kernels {
  gpu.func @compare(%a: memref<i16>, %o: memref<i32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<i16> to memref<32xi16>
    %x = memref.load %m[%c0] : memref<32xi16>
    // expected-error@+1 {{'arith.cmpi' op computes with a value of type 'i16', which t only moves}}
    %k = arith.cmpi slt, %x, %x : i16
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_int>} {
gpu.module @kernels {
  gpu.func @convert(%a: memref<bf16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<bf16> to memref<32xbf16>
    %x = memref.load %m[%c0] : memref<32xbf16>
    // expected-error@+1 {{'arith.extf' op computes with a value of type 'bf16', which t only moves}}
    %y = arith.extf %x : bf16 to f32
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_int>} {
gpu.module @kernels {
  gpu.func @carry(%n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %x = arith.trunci %n : i32 to i8
    // expected-error@+1 {{'scf.for' op computes with a value of type 'i8', which t only moves}}
    %r = scf.for %k = %c0 to %n step %c1 iter_args(%y = %x) -> (i8) : i32 {
      scf.yield %y : i8
    }
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_storage>} {
gpu.module @kernels {
  // expected-error@+1 {{has memory of 'bf16', which t lacks; convert to f16 or f32}}
  gpu.func @bf16() private(%p: memref<4xbf16, #gpu.address_space<private>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = infinity>} {
gpu.module @kernels {
  gpu.func @infinite() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{'arith.constant' op is not finite, and t may assume that every float is}}
    %c = arith.constant 0x7F800000 : f32
    gpu.return
  }
}
}

// -----

// A constant that was folded is where it is used.
module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = infinity>} {
gpu.module @kernels {
  gpu.func @folded(%x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c = arith.constant 0x7FC00000 : f32 loc(unknown)
    // expected-error@+1 {{'arith.constant' op is not finite, and t may assume that every float is}}
    %y = arith.addf %x, %c : f32
    gpu.return
  }
}
}

// -----

module attributes {tile.target = #tile.target<name = "t", chip = "c">} {
gpu.module @kernels {
  gpu.func @matrix(%x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{has a value of type '!kernel.matrix<16x16xf32, accumulator>', for which t has no units}}
    %m = kernel.fill_matrix %x : !kernel.matrix<16x16xf32, accumulator>
    gpu.return
  }
}
}
