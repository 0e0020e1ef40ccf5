// Score: s * sigmoid(s).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @silu(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %f1_0 = arith.constant 1.0 : f32
      %f0_0 = arith.constant 0.0 : f32
      %diff = arith.subf %f0_0, %s : f32
      %exp = math.exp %diff : f32
      %sum = arith.addf %f1_0, %exp : f32
      %quot = arith.divf %f1_0, %sum : f32
      %prod = arith.mulf %s, %quot : f32
      attn.yield %prod : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
