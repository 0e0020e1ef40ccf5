// Score: s * s, which is not monotone: the row maximum must be taken after it.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @squared(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %prod = arith.mulf %s, %s : f32
      attn.yield %prod : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
