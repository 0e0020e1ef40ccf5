// Q, K and V inside of one buffer. The sizes of an output are asked for where
// views hide that they are those of the input.
// RUN: attn-run %s --backend=cpu --random=2,50,2,50 --check=reference
// RUN: not attn-run %s --backend=cpu --random=2,50 2>&1 | FileCheck %s
// CHECK: error: --random: sizes are missing for B, Sq
func.func @packed(%qkv: memref<?x?x12x16xf32>, %o: memref<?x?x4x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = memref.dim %qkv, %c0 : memref<?x?x12x16xf32>
  %s = memref.dim %qkv, %c1 : memref<?x?x12x16xf32>
  %q = memref.subview %qkv[0, 0, 0, 0] [%b, %s, 4, 16] [1, 1, 1, 1] : memref<?x?x12x16xf32> to memref<?x?x4x16xf32, strided<[?, 192, 16, 1]>>
  %k = memref.subview %qkv[0, 0, 4, 0] [%b, %s, 4, 16] [1, 1, 1, 1] : memref<?x?x12x16xf32> to memref<?x?x4x16xf32, strided<[?, 192, 16, 1], offset: 64>>
  %v = memref.subview %qkv[0, 0, 8, 0] [%b, %s, 4, 16] [1, 1, 1, 1] : memref<?x?x12x16xf32> to memref<?x?x4x16xf32, strided<[?, 192, 16, 1], offset: 128>>
  attn.attention ins(%q, %k, %v : memref<?x?x4x16xf32, strided<[?, 192, 16, 1]>>, memref<?x?x4x16xf32, strided<[?, 192, 16, 1], offset: 64>>, memref<?x?x4x16xf32, strided<[?, 192, 16, 1], offset: 128>>) outs(%o : memref<?x?x4x16xf32>)
      {q_layout = #attn.layout<bshd>, k_layout = #attn.layout<bshd>, v_layout = #attn.layout<bshd>, o_layout = #attn.layout<bshd>, causal = #attn.causal<top_left>}
  return
}
