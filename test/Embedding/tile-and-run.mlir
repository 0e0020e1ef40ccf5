// Attention among other code, all the way in the compiler that embeds it: the
// transform dialect tiles the op through TilingInterface, attn-to-cpu lowers
// the pieces, upstream passes the rest, and mlir-runner executes. With q = 0
// every attended key weighs the same, so row i of a causal mask is the mean of
// values 0, 1, ..., i. Tiles are views with offsets; rows of the last one are
// fewer.
// REQUIRES: avx2
// DEFINE: %{lower} = builtin.module(attn-to-cpu{chip=x86-64-v3 tile-m=8 tile-n=16},canonicalize,func.func(convert-linalg-to-loops,convert-vector-to-scf),convert-scf-to-cf,expand-strided-metadata,lower-affine,convert-vector-to-llvm{enable-x86vector},convert-math-to-llvm,arith-expand,convert-ub-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)
// DEFINE: %{run} = %llvm_tools_dir/mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_tools_dir/../lib/libmlir_runner_utils.so,%llvm_tools_dir/../lib/libmlir_c_runner_utils.so

// RUN: attn-opt %s --attn-expand-sugar --transform-interpreter --canonicalize -o %t.tiled.mlir
// RUN: FileCheck %s --check-prefix=TILED --input-file=%t.tiled.mlir
// RUN: sed '/^  transform.named_sequence/,/^  }/d' %t.tiled.mlir | attn-opt --pass-pipeline='%{lower}' | %{run} | FileCheck %s
// RUN: sed '/^  transform.named_sequence/,/^  }/d' %s | attn-opt --pass-pipeline='%{lower}' | %{run} | FileCheck %s

// TILED: scf.for
// TILED: scf.for
// TILED: tensor.extract_slice
// TILED: attn.attention ins({{.*}}tensor<1x1x?x8xf32>, tensor<1x1x20x8xf32>, tensor<1x1x20x8xf32>)

// CHECK: [0,  0.5,  1,  1.5,  2,  2.5,  3,  3.5,  4,  4.5,  5,  5.5,  6,  6.5,  7,  7.5,  8,  8.5,  9,  9.5]
!t = tensor<1x2x20x8xf32>
module attributes {transform.with_named_sequence} {
  func.func private @printMemrefF32(memref<*xf32>) attributes {llvm.emit_c_interface}
  func.func @attention(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
    %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>} -> !t
    return %r : !t
  }
  func.func @main() {
    %zero = arith.constant dense<0.0> : !t
    %v = tensor.generate {
    ^bb0(%b: index, %h: index, %j: index, %d: index):
      %integer = arith.index_cast %j : index to i32
      %value = arith.sitofp %integer : i32 to f32
      tensor.yield %value : f32
    } : !t
    %o = tensor.empty() : !t
    %r = func.call @attention(%zero, %zero, %v, %o) : (!t, !t, !t, !t) -> !t
    %column = tensor.extract_slice %r[0, 1, 0, 3] [1, 1, 20, 1] [1, 1, 1, 1] : !t to tensor<20xf32>
    %memory = bufferization.to_buffer %column : tensor<20xf32> to memref<20xf32>
    %any = memref.cast %memory : memref<20xf32> to memref<*xf32>
    func.call @printMemrefF32(%any) : (memref<*xf32>) -> ()
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [0, 1, 7] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
