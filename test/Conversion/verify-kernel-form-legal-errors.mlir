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

module attributes {tile.target = #tile.target<name = "t", chip = "c">} {
gpu.module @kernels {
  gpu.func @matrix(%x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    // expected-error@+1 {{has a value of type '!gpu.mma_matrix<16x16xf32, "COp">', for which t has no units}}
    %m = gpu.subgroup_mma_constant_matrix %x : !gpu.mma_matrix<16x16xf32, "COp">
    gpu.return
  }
}
}
