// REQUIRES: ptxas
// RUN: split-file %s %t
// RUN: attn-opt %t/plain.mlir --attn-to-mma="tile-m=64 tile-n=32" -o %t/plain.llvm.mlir
// RUN: attn-translate %t/plain.llvm.mlir --kernels-to-ptx --chip=sm_80 -o %t/plain.80.ptx
// RUN: %ptxas -v -arch=sm_80 %t/plain.80.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/plain.80.ptx
// RUN: attn-translate %t/plain.llvm.mlir --kernels-to-ptx --chip=sm_86 -o %t/plain.86.ptx
// RUN: %ptxas -v -arch=sm_86 %t/plain.86.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-translate %t/plain.llvm.mlir --kernels-to-ptx --chip=sm_89 -o %t/plain.89.ptx
// RUN: %ptxas -v -arch=sm_89 %t/plain.89.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-translate %t/plain.llvm.mlir --kernels-to-ptx --chip=sm_90a -o %t/plain.90.ptx
// RUN: %ptxas -v -arch=sm_90a %t/plain.90.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %t/causal64.mlir --attn-to-mma="tile-m=64 tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_80 -o %t/causal64.ptx
// RUN: %ptxas -v -arch=sm_80 %t/causal64.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/causal64.ptx
// RUN: attn-opt %t/causal256.mlir --attn-to-mma="tile-m=64 tile-n=32" | attn-translate --kernels-to-ptx --chip=sm_86 -o %t/causal256.ptx
// RUN: %ptxas -v -arch=sm_86 %t/causal256.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/causal256.ptx
// RUN: attn-opt %t/softcap.mlir --attn-to-mma="tile-m=64 tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_80 -o %t/softcap.ptx
// RUN: %ptxas -v -arch=sm_80 %t/softcap.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/softcap.ptx
// RUN: attn-opt %t/alibi.mlir --attn-to-mma="tile-m=64 tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_80 -o %t/alibi.ptx
// RUN: %ptxas -v -arch=sm_80 %t/alibi.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/alibi.ptx
// RUN: attn-opt %t/ragged.mlir --attn-to-mma="tile-m=64 tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_89 -o %t/ragged.ptx
// RUN: %ptxas -v -arch=sm_89 %t/ragged.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/ragged.ptx
// RUN: attn-opt %t/paged.mlir --attn-to-mma="tile-m=64 tile-n=64" | attn-translate --kernels-to-ptx --chip=sm_89 -o %t/paged.ptx
// RUN: %ptxas -v -arch=sm_89 %t/paged.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=MIX --input-file=%t/paged.ptx

// No spills, no local memory.
//     CHECK: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
// CHECK-NOT: bytes stack frame

// Tensor cores, asynchronous copies and fast exponentials; no call of a
// function, nothing that only Hopper has.
// MIX-NOT: call
// MIX-NOT: wgmma
// MIX-NOT: cp.async.bulk
//     MIX: cp.async.cg.shared.global
// MIX-NOT: call
//     MIX: ldmatrix.sync.aligned.m8n8.x4.shared.b16
//     MIX: mma.sync.aligned.m16n8k16.row.col.f32
//     MIX: ex2.approx.ftz.f32
//     MIX: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// MIX-NOT: call

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
!t = memref<?x8x?x64xbf16>
!p = memref<?x2x?x64xbf16>
func.func @paged(%q: !t, %k: !p, %v: !p, %o: !t, %table: memref<?x?xi32>, %n: memref<?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !p, !p) kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>) outs(%o : !t)
  return
}
