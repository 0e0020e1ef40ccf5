// Score: s + (j - i) * 2^(-8 (h + 1) / 8).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @alibi_signed(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %diff = arith.subi %j, %i : index
      %int = arith.index_cast %diff : index to i32
      %num = arith.sitofp %int : i32 to f32
      %c1 = arith.constant 1 : index
      %sum = arith.addi %h, %c1 : index
      %int2 = arith.index_cast %sum : index to i32
      %num2 = arith.sitofp %int2 : i32 to f32
      %neg_f1_0 = arith.constant -1.0 : f32
      %prod = arith.mulf %num2, %neg_f1_0 : f32
      %exp2 = math.exp2 %prod : f32
      %prod2 = arith.mulf %num, %exp2 : f32
      %sum2 = arith.addf %s, %prod2 : f32
      attn.yield %sum2 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
