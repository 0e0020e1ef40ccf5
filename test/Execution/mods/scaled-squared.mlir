// Score: factor[cu[b] + j] * s * s.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @scaled_squared(%q: !t, %k: !t, %v: !t,
    %factor: tensor<?xf32> {attn.dims = ["Skv"]},
    %cu: tensor<?xi32> {attn.dims = ["B"], attn.values = array<i64: 0, 16>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%factor, %cu : tensor<?xf32>, tensor<?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %factor_: tensor<?xf32>, %cu_: tensor<?xi32>) {
      %cv = tensor.extract %cu_[%b] : tensor<?xi32>
      %at = arith.index_cast %cv : i32 to index
      %sum = arith.addi %at, %j : index
      %fv = tensor.extract %factor_[%sum] : tensor<?xf32>
      %prod = arith.mulf %fv, %s : f32
      %prod2 = arith.mulf %prod, %s : f32
      attn.yield %prod2 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
