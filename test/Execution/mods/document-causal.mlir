// Mask: doc[i] == doc[j] and i >= j.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @document_causal(%q: !t, %k: !t, %v: !t,
    %doc: tensor<?xi32> {attn.dims = ["S"], attn.values = array<i64: 0, 3>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%doc : tensor<?xi32>)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %doc_: tensor<?xi32>) {
      %dv = tensor.extract %doc_[%i] : tensor<?xi32>
      %dv2 = tensor.extract %doc_[%j] : tensor<?xi32>
      %cond = arith.cmpi eq, %dv, %dv2 : i32
      %cond2 = arith.cmpi sge, %i, %j : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
