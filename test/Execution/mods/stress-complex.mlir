// Score: s + 0.001 |i - j| + 0.001 bias[i] (b + 1) (h + 1).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @stress_complex(%q: !t, %k: !t, %v: !t,
    %bias: tensor<?xf32> {attn.dims = ["Sq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%bias : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %bias_: tensor<?xf32>) {
      %diff = arith.subi %i, %j : index
      %abs = math.absi %diff : index
      %int = arith.index_cast %abs : index to i32
      %num = arith.sitofp %int : i32 to f32
      %f0_001 = arith.constant 0.001 : f32
      %prod = arith.mulf %num, %f0_001 : f32
      %sum = arith.addf %s, %prod : f32
      %bv = tensor.extract %bias_[%i] : tensor<?xf32>
      %prod2 = arith.mulf %bv, %f0_001 : f32
      %c1 = arith.constant 1 : index
      %sum2 = arith.addi %b, %c1 : index
      %sum3 = arith.addi %h, %c1 : index
      %prod3 = arith.muli %sum2, %sum3 : index
      %int2 = arith.index_cast %prod3 : index to i32
      %num2 = arith.sitofp %int2 : i32 to f32
      %prod4 = arith.mulf %prod2, %num2 : f32
      %sum4 = arith.addf %sum, %prod4 : f32
      attn.yield %sum4 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
