// Mask: doc[b, h, i] == doc[b, h, j].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @document(%q: !t, %k: !t, %v: !t,
    %doc: tensor<?x?x?xi32> {attn.dims = ["B", "Hq", "S"], attn.values = array<i64: 0, 3>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%doc : tensor<?x?x?xi32>)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %doc_: tensor<?x?x?xi32>) {
      %dv = tensor.extract %doc_[%b, %h, %i] : tensor<?x?x?xi32>
      %dv2 = tensor.extract %doc_[%b, %h, %j] : tensor<?x?x?xi32>
      %cond = arith.cmpi eq, %dv, %dv2 : i32
      attn.yield %cond : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
