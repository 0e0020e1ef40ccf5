// RUN: attn-opt %s --split-input-file --tile-verify-kernel-form=legal | FileCheck %s
// Every kernel that tile-to-gpu makes has the form.
// RUN: attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-expand-ranges --tile-to-gpu --tile-expand-math --tile-verify-kernel-form -o %t
// RUN: attn-opt %S/../Target/Inputs/functions.mlir --tile-attach-target=target=cuda --attn-to-tile --tile-to-gpu --tile-expand-math --tile-verify-kernel-form -o %t

module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = "int64|small_int|small_storage|infinity">} {
gpu.module @kernels {
  // A barrier in flow that is the same for all threads: what decides comes from
  // parameters, from buffers that the kernel does not write, and from block ids.
  // CHECK-LABEL: gpu.func @all(
  gpu.func @all(%a: memref<f32>, %t: memref<i32>, %h: memref<f16>, %n: i32, %x: f32) workgroup(%w: memref<32xf32, #gpu.address_space<workgroup>>) private(%p: memref<4xf32, #gpu.address_space<private>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %i0 = arith.constant 0 : i32
    %i1 = arith.constant 1 : i32
    %ma = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %mt = memref.reinterpret_cast %t to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %id = gpu.thread_id x
    %block = gpu.block_id x
    %end = memref.load %mt[%block] : memref<32xi32>
    %pair = vector.from_elements %n, %end : vector<2xi32>
    %low = vector.extract %pair[0] : i32 from vector<2xi32>
    %r = scf.for %k = %i0 to %low step %i1 iter_args(%y = %x) -> (f32) : i32 {
      %e = math.exp2 %y : f32
      memref.store %e, %w[%id] : memref<32xf32, #gpu.address_space<workgroup>>
      gpu.barrier
      %z = memref.load %w[%c0] : memref<32xf32, #gpu.address_space<workgroup>>
      scf.yield %z : f32
    }
    memref.store %r, %p[%c0] : memref<4xf32, #gpu.address_space<private>>
    %mine = memref.load %p[%c0] : memref<4xf32, #gpu.address_space<private>>
    %first = arith.cmpi eq, %n, %i0 : i32
    scf.if %first {
      memref.store %mine, %ma[%id] : memref<32xf32>
    }
    gpu.return
  }
}
}

// -----

// Memory of small types whose arithmetic has 32 bits.
module attributes {tile.target = #tile.target<name = "t", chip = "c", lacks = small_int>} {
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @moves(
  gpu.func @moves(%a: memref<i8>, %b: memref<bf16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %ma = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
    %mb = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<bf16> to memref<32xbf16>
    %x = memref.load %ma[%c0] : memref<32xi8>
    %word = arith.extsi %x : i8 to i32
    %sum = arith.addi %word, %word : i32
    %low = arith.trunci %sum : i32 to i8
    memref.store %low, %ma[%c0] : memref<32xi8>
    %y = memref.load %mb[%c0] : memref<32xbf16>
    %bits = arith.bitcast %y : bf16 to i16
    %wide = arith.extui %bits : i16 to i32
    %back = arith.trunci %wide : i32 to i16
    %z = arith.bitcast %back : i16 to bf16
    memref.store %z, %mb[%c0] : memref<32xbf16>
    gpu.return
  }

  // Flow and choices compute nothing.
  // CHECK-LABEL: gpu.func @chooses(
  gpu.func @chooses(%b: memref<bf16>, %is: i1) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : bf16
    %m = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<bf16> to memref<32xbf16>
    %x = scf.if %is -> (bf16) {
      %y = memref.load %m[%c0] : memref<32xbf16>
      scf.yield %y : bf16
    } else {
      scf.yield %zero : bf16
    }
    %z = arith.select %is, %x, %zero : bf16
    memref.store %z, %m[%c0] : memref<32xbf16>
    gpu.return
  }
}
}
