// Parts of buffers are operands: the plan knows where they start, also where
// the part depends on the call.
// RUN: attn-run %s --entry=packed --backend=cpu --check=reference --random= | FileCheck %s
// RUN: attn-run %s --entry=latent --backend=cpu --check=reference --random=B=2,Hq=6,Sq=7,Skv=33 | FileCheck %s
// RUN: attn-run %s --entry=into_a_slice --backend=cpu --check=reference --random= | FileCheck %s
// RUN: attn-run %s --entry=steps --backend=cpu --check=reference --random= | FileCheck %s
// RUN: attn-run %s --entry=expanded --backend=cpu --check=reference --random= | FileCheck %s
// RUN: attn-run %s --entry=moving --backend=cpu --check=reference --random= | FileCheck %s
// CHECK: output 0 {{.*}} matches the reference

// q, k and v are slices of one tensor.
!x = tensor<2x75x3x4x40xf32>
!t = tensor<2x75x4x40xf32>
func.func @packed(%x: !x, %o: !t) -> !t {
  %q = tensor.extract_slice %x[0, 0, 0, 0, 0] [2, 75, 1, 4, 40] [1, 1, 1, 1, 1] : !x to !t
  %k = tensor.extract_slice %x[0, 0, 1, 0, 0] [2, 75, 1, 4, 40] [1, 1, 1, 1, 1] : !x to !t
  %v = tensor.extract_slice %x[0, 0, 2, 0, 0] [2, 75, 1, 4, 40] [1, 1, 1, 1, 1] : !x to !t
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      {causal = #attn.causal<top_left>, q_layout = #attn.layout<bshd>, k_layout = #attn.layout<bshd>,
       v_layout = #attn.layout<bshd>, o_layout = #attn.layout<bshd>} -> !t
  return %r : !t
}

// V is the first columns of K, as in latent attention, with sizes that only a
// call knows.
func.func @latent(%q: tensor<?x?x?x48xf32>, %k: tensor<?x1x?x48xf32>, %o: tensor<?x?x?x40xf32>) -> tensor<?x?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %k, %c0 : tensor<?x1x?x48xf32>
  %s = tensor.dim %k, %c2 : tensor<?x1x?x48xf32>
  %v = tensor.extract_slice %k[0, 0, 0, 0] [%b, 1, %s, 40] [1, 1, 1, 1] : tensor<?x1x?x48xf32> to tensor<?x1x?x40xf32>
  %r = attn.attention ins(%q, %k, %v : tensor<?x?x?x48xf32>, tensor<?x1x?x48xf32>, tensor<?x1x?x40xf32>) outs(%o : tensor<?x?x?x40xf32>) -> tensor<?x?x?x40xf32>
  return %r : tensor<?x?x?x40xf32>
}

// The destination is a part of what is returned.
!part = memref<1x2x9x16xf32, strided<[864, 144, 16, 1], offset: 288>>
func.func @into_a_slice(%q: memref<1x2x9x16xf32>, %o: memref<1x6x9x16xf32>) {
  %part = memref.subview %o[0, 2, 0, 0] [1, 2, 9, 16] [1, 1, 1, 1] : memref<1x6x9x16xf32> to !part
  attn.attention ins(%q, %q, %q : memref<1x2x9x16xf32>, memref<1x2x9x16xf32>, memref<1x2x9x16xf32>) outs(%part : !part)
  return
}

// Every other head from the second on.
func.func @steps(%x: memref<1x8x9x16xf32>, %o: memref<1x4x9x16xf32>) {
  %k = memref.subview %x[0, 1, 0, 0] [1, 4, 9, 16] [1, 2, 1, 1] : memref<1x8x9x16xf32> to memref<1x4x9x16xf32, strided<[1152, 288, 16, 1], offset: 144>>
  attn.attention ins(%k, %k, %k : memref<1x4x9x16xf32, strided<[1152, 288, 16, 1], offset: 144>>, memref<1x4x9x16xf32, strided<[1152, 288, 16, 1], offset: 144>>, memref<1x4x9x16xf32, strided<[1152, 288, 16, 1], offset: 144>>)
      outs(%o : memref<1x4x9x16xf32>)
  return
}

// Heads next to each other in one dimension.
func.func @expanded(%x: tensor<2x9x64xf32>, %o: tensor<2x9x4x16xf32>) -> tensor<2x9x4x16xf32> {
  %q = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 9, 4, 16] : tensor<2x9x64xf32> into tensor<2x9x4x16xf32>
  %r = attn.attention ins(%q, %q, %q : tensor<2x9x4x16xf32>, tensor<2x9x4x16xf32>, tensor<2x9x4x16xf32>) outs(%o : tensor<2x9x4x16xf32>)
      {q_layout = #attn.layout<bshd>, k_layout = #attn.layout<bshd>, v_layout = #attn.layout<bshd>, o_layout = #attn.layout<bshd>} -> tensor<2x9x4x16xf32>
  return %r : tensor<2x9x4x16xf32>
}

// A window of the cache that the call chooses. One that does not lie in the
// cache is refused.
func.func @moving(%x: tensor<1x2x20x16xf32>, %at: index {attn.values = array<i64: 11, 11>}, %o: tensor<1x2x9x16xf32>) -> tensor<1x2x9x16xf32> {
  %k = tensor.extract_slice %x[0, 0, %at, 0] [1, 2, 9, 16] [1, 1, 1, 1] : tensor<1x2x20x16xf32> to tensor<1x2x9x16xf32>
  %r = attn.attention ins(%k, %k, %k : tensor<1x2x9x16xf32>, tensor<1x2x9x16xf32>, tensor<1x2x9x16xf32>) outs(%o : tensor<1x2x9x16xf32>) -> tensor<1x2x9x16xf32>
  return %r : tensor<1x2x9x16xf32>
}
// RUN: not attn-run %s --entry=outside --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: a slice of arg0 must lie in it (dimension = 2, offset = 12, size = 9, of = 20)
func.func @outside(%x: tensor<1x2x20x16xf32>, %at: index {attn.values = array<i64: 12, 12>}, %o: tensor<1x2x9x16xf32>) -> tensor<1x2x9x16xf32> {
  %k = tensor.extract_slice %x[0, 0, %at, 0] [1, 2, 9, 16] [1, 1, 1, 1] : tensor<1x2x20x16xf32> to tensor<1x2x9x16xf32>
  %r = attn.attention ins(%k, %k, %k : tensor<1x2x9x16xf32>, tensor<1x2x9x16xf32>, tensor<1x2x9x16xf32>) outs(%o : tensor<1x2x9x16xf32>) -> tensor<1x2x9x16xf32>
  return %r : tensor<1x2x9x16xf32>
}
