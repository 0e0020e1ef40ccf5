// Any strides (rule 1): those that types state, and those of a launch, of either
// sign, in any order of the dimensions and with gaps. Where the code steps along
// the last dimension by 1, as it does for tensors, the runtime makes a copy.

// RUN: attn-run %s --entry=static --backend=cpu --chip=x86-64-v3 --random --check=reference 2>&1 | FileCheck %s --check-prefixes=SLOW,CHECK
// RUN: attn-run %s --entry=static --backend=cpu-standard --chip=x86-64-v3 --random --check=reference 2>&1 | FileCheck %s
// RUN: attn-run %s --entry=open --backend=cpu --chip=x86-64-v3 --random=B=2,Sq=33,Skv=50 --random-strides=1 --check=reference 2>&1 | FileCheck %s --check-prefixes=SLOW,CHECK
// RUN: attn-run %s --entry=open --backend=cpu --chip=x86-64-v3 --random=B=2,Sq=33,Skv=50 --random-strides=2 --check=reference 2>&1 | FileCheck %s
// RUN: attn-run %s --entry=tensors --backend=cpu --chip=x86-64-v3 --random=B=2,Sq=33,Skv=50 --random-strides=3 --check=reference 2>&1 | FileCheck %s --check-prefixes=CHECK,LSE --implicit-check-not=remark
// RUN: attn-run %s --entry=tensors --backend=cpu --chip=x86-64-v3 --random=B=2,Sq=33,Skv=50 --random-strides=4 --check=reference 2>&1 | FileCheck %s --check-prefixes=CHECK,LSE
// RUN: attn-run %s --entry=tensors --backend=cpu-standard --chip=x86-64-v3 --random=B=2,Sq=33,Skv=50 --random-strides=5 --check=reference 2>&1 | FileCheck %s --check-prefixes=CHECK,LSE

// SLOW: remark: slower path: memory that is not contiguous in its last dimension is moved element by element (rule 1)
// CHECK: output 0 ({{.*}}): matches the reference
// LSE: output 1 ({{.*}}): matches the reference

!half = memref<1x2x40x24xf32, strided<[1, 7000, 100, 3], offset: ?>>
func.func @static(%q: !half, %k: !half, %v: !half, %o: !half) {
  attn.attention ins(%q, %k, %v : !half, !half, !half) outs(%o : !half) {causal = #attn.causal<top_left>}
  return
}

!any = memref<?x4x?x16xbf16, strided<[?, ?, ?, ?], offset: ?>>
func.func @open(%q: !any, %k: !any, %v: !any, %n: memref<?xi32, strided<[?], offset: ?>>, %o: !any) {
  attn.attention ins(%q, %k, %v : !any, !any, !any) kv_len(%n : memref<?xi32, strided<[?], offset: ?>>) outs(%o : !any)
  return
}

func.func @tensors(%q: tensor<?x4x?x20xf32>, %k: tensor<?x2x?x20xf32>, %v: tensor<?x2x?x20xf32>, %n: tensor<?xi32>,
                   %table: tensor<4x?x?xf32>, %o: tensor<?x4x?x20xf32>, %l: tensor<?x4x?xf32>) -> (tensor<?x4x?x20xf32>, tensor<?x4x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : tensor<?x4x?x20xf32>, tensor<?x2x?x20xf32>, tensor<?x2x?x20xf32>)
      bias(%table : tensor<4x?x?xf32>) kv_len(%n : tensor<?xi32>)
      outs(%o, %l : tensor<?x4x?x20xf32>, tensor<?x4x?xf32>) -> tensor<?x4x?x20xf32>, tensor<?x4x?xf32>
  return %r#0, %r#1 : tensor<?x4x?x20xf32>, tensor<?x4x?xf32>
}
