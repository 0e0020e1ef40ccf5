// Score: causal with s + slope[h] (j - (Skv - 1)).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @alibi_causal_last_key(%q: !t, %k: !t, %v: !t,
    %slopes: tensor<?xf32> {attn.dims = ["Hq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%slopes : tensor<?xf32>)
    outs(%o, %l : !t, !l) {causal = #attn.causal<bottom_right>}
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %slopes_: tensor<?xf32>) {
      %sv = tensor.extract %slopes_[%h] : tensor<?xf32>
      %keys = attn.kv_len : index
      %diff = arith.subi %j, %keys : index
      %c1 = arith.constant 1 : index
      %sum = arith.addi %diff, %c1 : index
      %int = arith.index_cast %sum : index to i32
      %num = arith.sitofp %int : i32 to f32
      %prod = arith.mulf %sv, %num : f32
      %sum2 = arith.addf %s, %prod : f32
      attn.yield %sum2 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
