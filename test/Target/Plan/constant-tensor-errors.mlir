// RUN: not attn-compile %s -o %t.attn 2>&1 | FileCheck %s
!t = tensor<1x2x8x16xf32>

// CHECK: constant-tensor-errors.mlir:[[#@LINE+3]]:{{[0-9]+}}: error: a constant tensor cannot be part of an artifact; make it an argument
// CHECK-NOT: error
func.func @slopes(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %slopes = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%slopes : tensor<2xf32>) outs(%o : !t) -> !t
  return %r : !t
}
