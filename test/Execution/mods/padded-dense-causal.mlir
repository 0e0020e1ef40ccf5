// Score: i < length[b] and i >= j ? s : -inf. A condition on the score itself
// would be decided by its rounding.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @padded_dense_causal(%q: !t, %k: !t, %v: !t,
    %length: tensor<?xi32> {attn.dims = ["B"], attn.values = array<i64: 1, 128>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%length : tensor<?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %length_: tensor<?xi32>) {
      %lv = tensor.extract %length_[%b] : tensor<?xi32>
      %at = arith.index_cast %lv : i32 to index
      %cond = arith.cmpi slt, %i, %at : index
      %cond2 = arith.cmpi sge, %i, %j : index
      %and = arith.andi %cond, %cond2 : i1
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %and, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
