// Score: s / 2 * (1 + erf(s / sqrt(2))).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @gelu(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %root = arith.constant 0.70710678 : f32
      %half = arith.constant 0.5 : f32
      %x = arith.mulf %s, %root : f32
      %e = math.erf %x : f32
      %y = arith.mulf %s, %half : f32
      %r = math.fma %y, %e, %y : f32
      attn.yield %r : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
