// Score: s + 0.001 ((i xor j) & 255) + 0.1 bias[j].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @stress_xor(%q: !t, %k: !t, %v: !t,
    %bias: tensor<?xf32> {attn.dims = ["Skv"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%bias : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %bias_: tensor<?xf32>) {
      %xor = arith.xori %i, %j : index
      %c255 = arith.constant 255 : index
      %and = arith.andi %xor, %c255 : index
      %int = arith.index_cast %and : index to i32
      %num = arith.sitofp %int : i32 to f32
      %f0_001 = arith.constant 0.001 : f32
      %prod = arith.mulf %num, %f0_001 : f32
      %sum = arith.addf %s, %prod : f32
      %bv = tensor.extract %bias_[%j] : tensor<?xf32>
      %f0_1 = arith.constant 0.1 : f32
      %prod2 = arith.mulf %bv, %f0_1 : f32
      %sum2 = arith.addf %sum, %prod2 : f32
      attn.yield %sum2 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
