// An artifact holds the text and says what the device has to have, not what
// passes know of its matrices.
// RUN: attn-compile %src_root/examples/causal.mlir --target=metal -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s
// Without a chip it holds a text for each version of the language.
// CHECK: bytes, 3 variants
// CHECK: metal:metal4, needs simdgroup-matrix{{$}}
// CHECK: metal:metal3.1, needs simdgroup-matrix{{$}}
// CHECK: metal:metal2.4, needs simdgroup-matrix{{$}}
// RUN: attn-compile %src_root/examples/causal.mlir --target=metal --chip=metal2.4 -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s --check-prefix=OLD
// OLD: bytes, 1 variant
// OLD: metal:metal2.4, needs simdgroup-matrix{{$}}
// RUN: not attn-compile %src_root/examples/causal.mlir --target=metal --chip=metal1 -o %t.attn 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: unknown chip 'metal1' of the target metal; {{.*}}known: metal3.1, metal2.4, metal4

// Larger heads than fragments have room for are no error.
// RUN: attn-opt %s --attn-to-metal=launches --verify-diagnostics -o /dev/null
func.func @wide(%t: memref<1x2x256x1024xf32>, %o: memref<1x2x256x1024xf32>) {
  // expected-remark @+3 {{does not use matrix units, which is slower: its tiles exceed the memory of a workgroup}}
  // expected-remark @+2 {{has no layouts, which is slower: the factors of its products exceed the memory of a workgroup}}
  // expected-remark @+1 {{it is read from memory for each product, which is slower}}
  attn.attention ins(%t, %t, %t : memref<1x2x256x1024xf32>, memref<1x2x256x1024xf32>, memref<1x2x256x1024xf32>) outs(%o : memref<1x2x256x1024xf32>)
  return
}

// Of one program some kernels have layouts and others have none: split keys.
// RUN: attn-opt %S/Inputs/wide.mlir --attn-to-metal=launches 2>%t.txt | FileCheck %s --check-prefix=BOTH
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.txt
// BOTH: gpu.module @kernels
// BOTH-NOT: gpu.module
// BOTH: gpu.func @wide_kernel
// BOTH: kernel.multiply_matrices
// REMARK: has no layouts, which is slower
