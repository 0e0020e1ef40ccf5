// What a score region computes that the special function unit has.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_86},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=64 tile-n=32 head-multiple=16 row-multiple=1},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-mma{stages=2})" | FileCheck %s

!t = memref<?x?x?x64xbf16, strided<[?, ?, ?, 1]>>

// CHECK: llvm.func @f_kernel0(
// CHECK: rsqrt.approx.f32
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %one = arith.constant 1.0 : f32
        %size = math.absf %s : f32
        %sum = arith.addf %size, %one : f32
        %root = math.rsqrt %sum : f32
        attn.yield %root : f32
      }
  return
}
