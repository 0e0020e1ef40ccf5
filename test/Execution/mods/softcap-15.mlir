// Score: 15 tanh(s / 15).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @softcap_15(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %f15_0 = arith.constant 15.0 : f32
      %quot = arith.divf %s, %f15_0 : f32
      %tanh = math.tanh %quot : f32
      %prod = arith.mulf %tanh, %f15_0 : f32
      attn.yield %prod : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
