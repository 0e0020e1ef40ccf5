// REQUIRES: ptxas
// RUN: split-file %s %t
// RUN: attn-opt %t/plain.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/plain.ptx
// RUN: %ptxas -v -arch=sm_90a %t/plain.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/plain.ptx
// RUN: attn-opt %t/causal64.mlir --attn-to-hopper="tile-m=192" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/causal64.ptx
// RUN: %ptxas -v -arch=sm_90a %t/causal64.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/causal64.ptx
// RUN: attn-opt %t/causal256.mlir --attn-to-hopper="tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/causal256.ptx
// RUN: %ptxas -v -arch=sm_90a %t/causal256.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/causal256.ptx
// RUN: attn-opt %t/softcap.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/softcap.ptx
// RUN: %ptxas -v -arch=sm_90a %t/softcap.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/softcap.ptx
// RUN: attn-opt %t/alibi.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/alibi.ptx
// RUN: %ptxas -v -arch=sm_90a %t/alibi.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/alibi.ptx
// RUN: attn-opt %t/ragged.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/ragged.ptx
// RUN: %ptxas -v -arch=sm_90a %t/ragged.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=RAGGED --input-file=%t/ragged.ptx
// RUN: attn-opt %t/paged.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/paged.ptx
// RUN: %ptxas -v -arch=sm_90a %t/paged.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=GATHER --input-file=%t/paged.ptx
// RUN: attn-opt %t/paged256.mlir --attn-to-hopper="tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/paged256.ptx
// RUN: %ptxas -v -arch=sm_90a %t/paged256.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %t/paged64.mlir --attn-to-hopper="tile-m=192" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/paged64.ptx
// RUN: %ptxas -v -arch=sm_90a %t/paged64.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %t/group.mlir --attn-to-hopper="tile-m=64" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/group.ptx
// RUN: %ptxas -v -arch=sm_90a %t/group.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %t/odd.mlir --attn-to-hopper="tile-m=192" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/odd.ptx
// RUN: %ptxas -v -arch=sm_90a %t/odd.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %t/even.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/even.ptx
// RUN: %ptxas -v -arch=sm_90a %t/even.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %t/documents.mlir --attn-to-hopper="tile-m=128" | attn-translate --kernels-to-ptx --chip=sm_90a -o %t/documents.all.ptx
// RUN: awk "/^.version/ {n++} n == 1" %t/documents.all.ptx > %t/documents.ptx
// RUN: %ptxas -v -arch=sm_90a %t/documents.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/documents.ptx

// No serialised wgmma (C7509 ... C7520), no spills, no local memory.
// CHECK-NOT: C75
//     CHECK: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
// CHECK-NOT: C75

// Tensor cores, bulk copies and fast exponentials; no call of a function.
//     MIX-NOT: call
//     MIX-DAG: cp.async.bulk.tensor.4d.shared::cluster.global
//     MIX-DAG: wgmma.mma_async.sync.aligned
//     MIX-DAG: ex2.approx.ftz.f32
//     MIX-DAG: cp.async.bulk.tensor.4d.global.shared::cta

// Packed sequences have tensor maps of three dimensions.
//     RAGGED-DAG: cp.async.bulk.tensor.3d.shared::cluster.global
//     RAGGED-DAG: wgmma.mma_async.sync.aligned

// Rows in pages are copied by threads.
//     GATHER-DAG: cp.async.cg.shared.global
//     GATHER-DAG: cp.async.bulk.tensor.4d.shared::cluster.global
//     GATHER-DAG: wgmma.mma_async.sync.aligned

//--- plain.mlir
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @plain(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

//--- causal64.mlir
!t = memref<?x?x?x64xf16, strided<[?, ?, ?, 1]>>
func.func @causal64(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

//--- causal256.mlir
!t = memref<?x?x?x256xbf16, strided<[?, ?, ?, 1]>>
func.func @causal256(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

//--- softcap.mlir
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @softcap(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {softcap = 30.0 : f32, window = #attn.window<left = 1024>}
  return
}

//--- alibi.mlir
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @alibi(%q: !t, %k: !t, %v: !t, %o: !t, %slopes: memref<?xf32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%slopes : memref<?xf32>) outs(%o : !t) {causal = #attn.causal<bottom_right>}
  return
}

//--- ragged.mlir
!t = memref<8x?x64xbf16>
func.func @ragged(%q: !t, %k: !t, %v: !t, %o: !t, %cq: memref<?xi32>, %ck: memref<?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) cu_seqlens(%cq, %ck : memref<?xi32>, memref<?xi32>) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

//--- paged.mlir
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @paged(%q: !t, %k: !t, %v: !t, %o: !t, %slopes: memref<?xf32>, %n: memref<?xi32>, %table: memref<?x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%slopes : memref<?xf32>) kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>) outs(%o : !t) {causal = #attn.causal<bottom_right>, softcap = 30.0 : f32, window = #attn.window<left = 1024>}
  return
}

//--- paged256.mlir
!t = memref<?x?x?x256xbf16, strided<[?, ?, ?, 1]>>
func.func @paged256(%q: !t, %k: !t, %v: !t, %o: !t, %n: memref<?xi32>, %table: memref<?x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>) outs(%o : !t) {causal = #attn.causal<bottom_right>}
  return
}

//--- paged64.mlir
!t = memref<?x?x?x64xf16, strided<[?, ?, ?, 1]>>
!p = memref<?x?x16x64xf16, strided<[?, ?, ?, 1]>>
func.func @paged64(%q: !t, %k: !p, %v: !p, %o: !t, %n: memref<?xi32>, %table: memref<?x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !p, !p) kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>) outs(%o : !t) {causal = #attn.causal<bottom_right>}
  return
}

//--- group.mlir
!t = memref<?x?x?x128xf16, strided<[?, ?, ?, 1]>>
!p = memref<?x?x1x128xf16, strided<[?, ?, ?, 1]>>
func.func @group(%q: !t, %k: !p, %v: !p, %o: !t, %n: memref<?xi32>, %table: memref<?x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !p, !p) kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>) outs(%o : !t)
  return
}

//--- odd.mlir
!t = memref<2x4x?x63xbf16>
func.func @odd(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

//--- even.mlir
!t = memref<2x4x?x98xbf16>
func.func @even(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

//--- documents.mlir
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @documents(%q: !t, %k: !t, %v: !t, %o: !t, %qs: memref<?x?xi32>, %ks: memref<?x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) segments(%qs, %ks : memref<?x?xi32>, memref<?x?xi32>) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}
