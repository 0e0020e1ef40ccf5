// Score: s + bias[b, i].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @index_multiple(%q: !t, %k: !t, %v: !t,
    %table: tensor<?x?xf32> {attn.dims = ["B", "Sq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%table : tensor<?x?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table_: tensor<?x?xf32>) {
      %tv = tensor.extract %table_[%b, %i] : tensor<?x?xf32>
      %sum = arith.addf %s, %tv : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
