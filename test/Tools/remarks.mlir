// Kernels of one operation that have the same to remark say it once.

// RUN: attn-compile %s --target=cuda --chip=sm_90a -o %t.attn 2>&1 \
// RUN:   | FileCheck %s --implicit-check-not=remark:

// CHECK-DAG: remark: q is gathered by threads instead of TMA
// CHECK-DAG: remark: k is gathered by threads instead of TMA
// CHECK-DAG: remark: v is gathered by threads instead of TMA

func.func @f(
    %q: memref<?x?x?x33xf16>, %k: memref<?x?x?x33xf16>, %v: memref<?x?x?x33xf16>,
    %o: memref<?x?x?x33xf16>) {
  attn.attention ins(%q, %k, %v : memref<?x?x?x33xf16>, memref<?x?x?x33xf16>, memref<?x?x?x33xf16>)
                 outs(%o : memref<?x?x?x33xf16>)
  return
}
