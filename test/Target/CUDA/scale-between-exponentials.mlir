// Two thirds of what a step multiplies are sums of heads of 256 that it scales,
// and about half of that stands between its exponentials, for which the units
// that multiply would wait: ptxas moves most of it behind them where what they
// wait for is an instruction shorter, and the kernel takes 4% longer
// (tile-contract-exp2). It does so with these strides and an lse, not with dense
// rows alone.
// REQUIRES: ptxas
// RUN: attn-compile %s --target=cuda --chip=sm_90a --ptxas=%ptxas -o %t.attn
// RUN: %python %S/Inputs/scaled_behind.py %t.attn | FileCheck %s
// CHECK-COUNT-2: {{^1[0-9][0-9]}} multiplications, {{[1-8]?[0-9]}} behind
// CHECK-NOT: behind
!tensor = memref<?x?x?x256xbf16, strided<[?, ?, ?, 1]>>
func.func @f(%q: !tensor, %k: !tensor, %v: !tensor, %o: !tensor, %lse: memref<?x?x?xf32>) {
  attn.attention ins(%q, %k, %v : !tensor, !tensor, !tensor) outs(%o, %lse : !tensor, memref<?x?x?xf32>)
  return
}
