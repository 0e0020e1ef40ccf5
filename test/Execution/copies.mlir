// Programs that put attention into a part of their output, and that transpose
// operands and results: the reference and artifacts run them alike.

// RUN: attn-run %s --entry=inserted --backend=cpu --check=reference --random=B=2,Sq=21 | FileCheck %s
// RUN: attn-run %s --entry=merged --backend=cpu --check=reference --random=Sq=21 | FileCheck %s
// RUN: attn-run %s --entry=transposed --backend=cpu --check=reference --random=B=2,Sq=21 | FileCheck %s
// RUN: attn-run %s --entry=views --backend=cpu --check=reference --random=Sq=21 | FileCheck %s
// RUN: attn-run %s --entry=copied --backend=cpu --check=reference --random=Sq=21 | FileCheck %s
// RUN: sh -ec 'for f in inserted merged transposed views copied; do for c in sm_80 sm_90a; do attn-compile %s --entry=$f --target=cuda --chip=$c -o %t.attn; done; done'
// CHECK: output 0 {{.*}} matches the reference

!t = tensor<?x2x?x16xf32>

// Two heads of four, between what the destination holds elsewhere.
func.func @inserted(%q: tensor<?x2x?x16xf32> {attn.dims = ["B", "H", "Sq", "D"]}, %o: tensor<?x4x?x16xf32> {attn.dims = ["B", "H4", "Sq", "D"]}) -> tensor<?x4x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : tensor<?x2x?x16xf32>
  %s = tensor.dim %q, %c2 : tensor<?x2x?x16xf32>
  %e = tensor.empty(%b, %s) : tensor<?x2x?x16xf32>
  %r = attn.attention ins(%q, %q, %q : !t, !t, !t) outs(%e : !t) {causal = #attn.causal<top_left>} -> !t
  %i = tensor.insert_slice %r into %o[0, 1, 0, 0] [%b, 2, %s, 16] [1, 2, 1, 1] : tensor<?x2x?x16xf32> into tensor<?x4x?x16xf32>
  return %i : tensor<?x4x?x16xf32>
}

// Two attentions side by side in one output; a dimension of size 1 is dropped.
func.func @merged(%q: tensor<1x2x?x16xf32> {attn.dims = ["d0", "d1", "Sq", "d3"]}, %o: tensor<2x1x2x?x16xf32> {attn.dims = ["d0", "d1", "d2", "Sq", "d4"]}) -> tensor<2x1x2x?x16xf32> {
  %c2 = arith.constant 2 : index
  %s = tensor.dim %q, %c2 : tensor<1x2x?x16xf32>
  %e = tensor.empty(%s) : tensor<1x2x?x16xf32>
  %x = attn.attention ins(%q, %q, %q : tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>) outs(%e : tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32>
  %y = attn.attention ins(%x, %q, %q : tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>) outs(%e : tensor<1x2x?x16xf32>) {window = #attn.window<left = 3>} -> tensor<1x2x?x16xf32>
  %i = tensor.insert_slice %x into %o[0, 0, 0, 0, 0] [1, 1, 2, %s, 16] [1, 1, 1, 1, 1] : tensor<1x2x?x16xf32> into tensor<2x1x2x?x16xf32>
  %j = tensor.insert_slice %y into %i[1, 0, 0, 0, 0] [1, 1, 2, %s, 16] [1, 1, 1, 1, 1] : tensor<1x2x?x16xf32> into tensor<2x1x2x?x16xf32>
  return %j : tensor<2x1x2x?x16xf32>
}

// K as [B, H, D, S], and o back to [B, S, H, D].
func.func @transposed(%q: tensor<?x2x?x16xf32> {attn.dims = ["B", "d1", "Sq", "d3"]}, %k: tensor<?x2x16x?xf32> {attn.dims = ["B", "d1", "d2", "Sq"]}) -> tensor<?x?x2x16xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : tensor<?x2x?x16xf32>
  %s = tensor.dim %q, %c2 : tensor<?x2x?x16xf32>
  %e = tensor.empty(%b, %s) : tensor<?x2x?x16xf32>
  %kt = linalg.transpose ins(%k : tensor<?x2x16x?xf32>) outs(%e : tensor<?x2x?x16xf32>) permutation = [0, 1, 3, 2]
  %r = attn.attention ins(%q, %kt, %q : !t, !t, !t) outs(%e : !t) {causal = #attn.causal<top_left>} -> !t
  %o = tensor.empty(%b, %s) : tensor<?x?x2x16xf32>
  %ot = linalg.transpose ins(%r : tensor<?x2x?x16xf32>) outs(%o : tensor<?x?x2x16xf32>) permutation = [0, 2, 1, 3]
  return %ot : tensor<?x?x2x16xf32>
}

// On memrefs a transposition is a view.
func.func @views(%q: memref<1x2x?x16xf32> {attn.dims = ["d0", "d1", "Sq", "d3"]}, %k: memref<1x2x16x?xf32> {attn.dims = ["d0", "d1", "d2", "Sq"]}, %o: memref<1x?x2x16xf32> {attn.dims = ["d0", "Sq", "d2", "d3"]}) {
  %kt = memref.transpose %k (a, b, c, d) -> (a, b, d, c) : memref<1x2x16x?xf32> to memref<1x2x?x16xf32, strided<[?, ?, 1, ?]>>
  %ot = memref.transpose %o (a, b, c, d) -> (a, c, b, d) : memref<1x?x2x16xf32> to memref<1x2x?x16xf32, strided<[?, 16, 32, 1]>>
  attn.attention ins(%q, %kt, %q : memref<1x2x?x16xf32>, memref<1x2x?x16xf32, strided<[?, ?, 1, ?]>>, memref<1x2x?x16xf32>) outs(%ot : memref<1x2x?x16xf32, strided<[?, 16, 32, 1]>>)
  return
}

func.func @copied(%q: memref<1x2x?x16xf32> {attn.dims = ["d0", "d1", "Sq", "d3"]}, %k: memref<1x2x16x?xf32> {attn.dims = ["d0", "d1", "d2", "Sq"]}, %o: memref<1x2x?x16xf32> {attn.dims = ["d0", "d1", "Sq", "d3"]}) {
  %c2 = arith.constant 2 : index
  %s = memref.dim %q, %c2 : memref<1x2x?x16xf32>
  %kt = memref.alloc(%s) : memref<1x2x?x16xf32>
  linalg.transpose ins(%k : memref<1x2x16x?xf32>) outs(%kt : memref<1x2x?x16xf32>) permutation = [0, 1, 3, 2]
  %x = memref.alloc(%s) : memref<1x2x?x16xf32>
  attn.attention ins(%q, %kt, %q : memref<1x2x?x16xf32>, memref<1x2x?x16xf32>, memref<1x2x?x16xf32>) outs(%x : memref<1x2x?x16xf32>)
  memref.copy %x, %o : memref<1x2x?x16xf32> to memref<1x2x?x16xf32>
  return
}
