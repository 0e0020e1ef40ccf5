// Score: s + bias[cu[b] + i].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @packed_q_bias(%q: !t, %k: !t, %v: !t,
    %bias: tensor<?xf32> {attn.dims = ["Sq"]},
    %cu: tensor<?xi32> {attn.dims = ["B"], attn.values = array<i64: 0, 16>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%bias, %cu : tensor<?xf32>, tensor<?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %bias_: tensor<?xf32>, %cu_: tensor<?xi32>) {
      %cv = tensor.extract %cu_[%b] : tensor<?xi32>
      %at = arith.index_cast %cv : i32 to index
      %sum = arith.addi %at, %i : index
      %bv = tensor.extract %bias_[%sum] : tensor<?xf32>
      %sum2 = arith.addf %s, %bv : f32
      attn.yield %sum2 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
