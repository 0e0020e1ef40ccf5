// Score: (i <= n[b] and j <= n[b]) or i >= j ? s : -inf.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @dependent_causal_bidirectional(%q: !t, %k: !t, %v: !t,
    %prefix: tensor<?xi32> {attn.dims = ["B"], attn.values = array<i64: 0, 100>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%prefix : tensor<?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %prefix_: tensor<?xi32>) {
      %pv = tensor.extract %prefix_[%b] : tensor<?xi32>
      %at = arith.index_cast %pv : i32 to index
      %cond = arith.cmpi sle, %i, %at : index
      %pv2 = tensor.extract %prefix_[%b] : tensor<?xi32>
      %at2 = arith.index_cast %pv2 : i32 to index
      %cond2 = arith.cmpi sle, %j, %at2 : index
      %and = arith.andi %cond, %cond2 : i1
      %cond3 = arith.cmpi sge, %i, %j : index
      %or = arith.ori %and, %cond3 : i1
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %or, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
