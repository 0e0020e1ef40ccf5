// Score: s - slope[h] |i + Skv - Sq - j|.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @alibi_bottom_right(%q: !t, %k: !t, %v: !t,
    %slopes: tensor<?xf32> {attn.dims = ["Hq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%slopes : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %slopes_: tensor<?xf32>) {
      %len = attn.q_len : index
      %keys = attn.kv_len : index
      %sv = tensor.extract %slopes_[%h] : tensor<?xf32>
      %sum = arith.addi %i, %keys : index
      %diff = arith.subi %sum, %len : index
      %diff2 = arith.subi %diff, %j : index
      %abs = math.absi %diff2 : index
      %int = arith.index_cast %abs : index to i32
      %num = arith.sitofp %int : i32 to f32
      %prod = arith.mulf %sv, %num : f32
      %diff3 = arith.subf %s, %prod : f32
      attn.yield %diff3 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
