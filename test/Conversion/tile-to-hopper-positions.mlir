// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(attn-tile{tile-m=128 tile-n=128},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-to-hopper,tile-to-mma)" 2>&1 | FileCheck %s
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(attn-tile{tile-m=128 tile-n=128},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" 2>&1 | FileCheck %s --check-prefix=NARROW --implicit-check-not=remark:

// Lowerings to tensor cores prove nothing about indices: what nobody has shown
// to fit 32 bits is refused, by both, and the kernel stays.
// CHECK: remark: not lowered to Hopper's tensor cores: a position of tile.{{[a-z_]+}} has 64 bits (tile-narrow-indices)
// CHECK: remark: not lowered to mma.sync: a position of tile.{{[a-z_]+}} has 64 bits (tile-narrow-indices)
// CHECK: func.func private @f_kernel0({{.+}}attributes {tile.kernel}

// NARROW: llvm.func @f_kernel0(
!t = memref<1x2x?x64xf16>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}
