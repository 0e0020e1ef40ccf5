// Score: 50 tanh(s / 50).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @softcap_50(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %f50_0 = arith.constant 50.0 : f32
      %quot = arith.divf %s, %f50_0 : f32
      %tanh = math.tanh %quot : f32
      %prod = arith.mulf %tanh, %f50_0 : f32
      attn.yield %prod : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
