// A sanitized library cannot be loaded into a mlir-opt without one.
// UNSUPPORTED: sanitizer

// A stock mlir-opt of the same version compiles the example of the README: the
// plugin brings dialects, interfaces, passes and pipelines.
// RUN: sed -n '/^func.func @mine/,/^}/p' %src_root/README.md > %t.mlir
// RUN: %llvm_tools_dir/mlir-opt --load-dialect-plugin=%build_root/lib/AttnPlugin.so \
// RUN:   --load-pass-plugin=%build_root/lib/AttnPlugin.so \
// RUN:   --pass-pipeline='builtin.module(attn-to-cpu{chip=x86-64-v3})' %t.mlir \
// RUN: | FileCheck %s --implicit-check-not=attn.attention --implicit-check-not=tile.load
// CHECK: func.func @mine(
// CHECK: scf.parallel
// CHECK: func.call @mine_kernel0
// CHECK: func.func private @mine_kernel0

// Single passes are known by name, and so are the errors of the verifier.
// RUN: %llvm_tools_dir/mlir-opt --load-dialect-plugin=%build_root/lib/AttnPlugin.so \
// RUN:   --load-pass-plugin=%build_root/lib/AttnPlugin.so \
// RUN:   --pass-pipeline='builtin.module(attn-expand-sugar)' %s | FileCheck %s --check-prefix=SUGAR
// SUGAR: arith.cmpi sle
func.func @f(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x4x8xf32>, %v: tensor<1x1x4x8xf32>, %o: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%o : tensor<1x1x4x8xf32>) {causal = #attn.causal<top_left>} -> tensor<1x1x4x8xf32>
  return %r : tensor<1x1x4x8xf32>
}
