// RUN: attn-opt %s --tile-attach-target=target=cuda --tile-to-gpu="max-threads=64 workgroup-bytes=8192" --split-input-file --verify-diagnostics
// RUN: not attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu=threads=2048 2>&1 | FileCheck %s --check-prefix=MANY --implicit-check-not=error:
// RUN: not attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu=threads=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE --implicit-check-not=error:
// RUN: not attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu=max-threads=-1 2>&1 | FileCheck %s --check-prefix=NONE --implicit-check-not=error:
// RUN: not attn-opt %S/Inputs/causal_f32.mlir --tile-attach-target=target=cuda --tile-to-gpu=workgroup-bytes=-1 2>&1 | FileCheck %s --check-prefix=BYTES --implicit-check-not=error:
// MANY: {{:[1-9][0-9]*:[0-9]+}}: error: tile-to-gpu: threads = 2048 is not in 0 .. 1024
// NEGATIVE: error: tile-to-gpu: threads = -1 is not in 0 .. 1024
// NONE: error: tile-to-gpu: max-threads = -1 is not in 1 .. 1024
// BYTES: error: tile-to-gpu: workgroup-bytes = -1 is not in 0 .. 1048576

// A thread count over the limit is scaled down to more rows a thread, unless
// it was asked for; computed tiles that threads exchange must fit.
// expected-error@+1 {{needs 16384 bytes of workgroup memory for products of computed tiles, the limit is 8192}}
func.func private @transposed(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.reinterpret_cast %a to offset: [0], sizes: [64, 64], strides: [64, 1] : memref<f32> to memref<64x64xf32>
  // expected-note@+1 {{the largest is this '!tile.tile<64x64xf32>'; one of 64x32 fits}}
  %t = tile.splat %zero : f32 -> !tile.tile<64x64xf32>
  %d = tile.dot %t, %t, %t {transpose_a} : !tile.tile<64x64xf32>, !tile.tile<64x64xf32> -> !tile.tile<64x64xf32>
  tile.store %d, %m[%c0, %c0] valid [%c64, %c64] : !tile.tile<64x64xf32>, memref<64x64xf32>
  return
}

// -----

func.func private @unknown(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %m = memref.alloc() : memref<8xf32>
  %t = tile.load %m[%c0] valid [%c8] : memref<8xf32> -> !tile.tile<8xf32>
  return
}
// expected-error@-4 {{'memref.alloc' op has no lowering in a GPU kernel}}

// -----

// expected-error@+1 {{'func.func' op takes or returns tiles; tile-to-gpu lowers kernels on memory}}
func.func private @takes(%t: !tile.tile<8xf32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  return
}

// -----

// expected-error@+1 {{'func.func' op takes or returns tiles; tile-to-gpu lowers kernels on memory}}
func.func private @returns(%x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %zero = arith.constant 0.0 : f32
  %t = tile.splat %zero : f32 -> !tile.tile<8xf32>
  return %t : !tile.tile<8xf32>
}

// -----

// expected-error@+1 {{'func.func' op returns 'index'; tile-to-gpu lowers kernels, which write what they compute}}
func.func private @counts(%x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) -> index attributes {tile.kernel} {
  return %x : index
}

// -----

// expected-error@+1 {{'func.func' op has 2 blocks; tile-to-gpu lowers kernels of one, with scf.if and scf.for}}
func.func private @jumps(%x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  cf.br ^end
^end:
  return
}

// -----

// A kernel of another file.
func.func private @elsewhere(index, index, index, index, index, index) attributes {tile.kernel}

// -----

func.func private @foreign(%m: memref<8xf32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  // expected-error@+1 {{reads a memref that the kernel did not rebuild from an argument}}
  %t = tile.load %m[%c0] valid [%c8] : memref<8xf32> -> !tile.tile<8xf32>
  return
}
