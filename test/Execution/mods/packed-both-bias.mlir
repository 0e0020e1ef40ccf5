// Score: s + q_bias[cu[b] + i] + kv_bias[cu[b] + j].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @packed_both_bias(%q: !t, %k: !t, %v: !t,
    %q_bias: tensor<?xf32> {attn.dims = ["Sq"]},
    %kv_bias: tensor<?xf32> {attn.dims = ["Skv"]},
    %cu: tensor<?xi32> {attn.dims = ["B"], attn.values = array<i64: 0, 16>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%q_bias, %kv_bias, %cu : tensor<?xf32>, tensor<?xf32>, tensor<?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %q_bias_: tensor<?xf32>, %kv_bias_: tensor<?xf32>, %cu_: tensor<?xi32>) {
      %cv = tensor.extract %cu_[%b] : tensor<?xi32>
      %at = arith.index_cast %cv : i32 to index
      %sum = arith.addi %at, %i : index
      %qv = tensor.extract %q_bias_[%sum] : tensor<?xf32>
      %sum2 = arith.addf %s, %qv : f32
      %cv2 = tensor.extract %cu_[%b] : tensor<?xi32>
      %at2 = arith.index_cast %cv2 : i32 to index
      %sum3 = arith.addi %at2, %j : index
      %kv = tensor.extract %kv_bias_[%sum3] : tensor<?xf32>
      %sum4 = arith.addf %sum2, %kv : f32
      attn.yield %sum4 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
