// As plain.mlir, with heads that drivers compile quickly.
!t = tensor<?x?x?x16xbf16>
func.func @small_heads(%q: !t, %k: !t, %v: !t, %o: !t, %lse: tensor<?x?x?xf32>) -> (!t, tensor<?x?x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %lse : !t, tensor<?x?x?xf32>) -> !t, tensor<?x?x?xf32>
  return %r#0, %r#1 : !t, tensor<?x?x?xf32>
}
