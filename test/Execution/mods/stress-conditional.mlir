// Score: i >= j and |i - j| <= 512 ? s + bias[j] : -inf.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @stress_conditional(%q: !t, %k: !t, %v: !t,
    %bias: tensor<?xf32> {attn.dims = ["Skv"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%bias : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %bias_: tensor<?xf32>) {
      %cond = arith.cmpi sge, %i, %j : index
      %diff = arith.subi %i, %j : index
      %abs = math.absi %diff : index
      %c512 = arith.constant 512 : index
      %cond2 = arith.cmpi sle, %abs, %c512 : index
      %and = arith.andi %cond, %cond2 : i1
      %bv = tensor.extract %bias_[%j] : tensor<?xf32>
      %sum = arith.addf %s, %bv : f32
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %and, %sum, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
