// RUN: attn-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(attn-tile))'
// RUN: not attn-opt %S/../Conversion/Inputs/causal_f32.mlir -pass-pipeline='builtin.module(func.func(attn-tile{tile-n=0}))' 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: not attn-opt %S/../Conversion/Inputs/causal_f32.mlir -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=9223372036854775807}))' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not attn-opt %S/../Conversion/Inputs/causal_f32.mlir -pass-pipeline='builtin.module(func.func(attn-tile{head-multiple=0}))' 2>&1 | FileCheck %s --check-prefix=HEADS
// KEYS: error: attn-tile: tile-n = 0 is not in 1 .. 65536
// ROWS: error: attn-tile: tile-m = 9223372036854775807 is not in 1 .. 65536
// HEADS: error: attn-tile: head-multiple = 0 is not in 1 .. 65536

func.func @sugar(%q: memref<1x1x64x16xf32>, %o: memref<1x1x64x16xf32>) {
  // expected-error@+1 {{still has sugar; run attn-expand-sugar first}}
  attn.attention ins(%q, %q, %q : memref<1x1x64x16xf32>, memref<1x1x64x16xf32>, memref<1x1x64x16xf32>) outs(%o : memref<1x1x64x16xf32>) {causal = #attn.causal<top_left>}
  return
}

// -----

func.func @tensors(%q: tensor<1x1x64x16xf32>, %o: tensor<1x1x64x16xf32>) -> tensor<1x1x64x16xf32> {
  // expected-error@+1 {{is on tensors; bufferize it first}}
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x64x16xf32>, tensor<1x1x64x16xf32>, tensor<1x1x64x16xf32>) outs(%o : tensor<1x1x64x16xf32>) -> tensor<1x1x64x16xf32>
  return %r : tensor<1x1x64x16xf32>
}
