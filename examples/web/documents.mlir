// Several documents in one sequence: a query attends its own, up to itself.
!t = tensor<1x4x?x64xf32>
func.func @documents(%q: !t, %k: !t, %v: !t, %ids: tensor<1x?xi32>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) segments(%ids, %ids : tensor<1x?xi32>, tensor<1x?xi32>)
      outs(%o : !t) {causal = #attn.causal<top_left>} -> !t
  return %r : !t
}
