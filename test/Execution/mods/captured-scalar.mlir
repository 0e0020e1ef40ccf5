// Score: c s + d.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @captured_scalar(%q: !t, %k: !t, %v: !t,
    %factor: f32,
    %term: f32,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%factor, %term : f32, f32)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %factor_: f32, %term_: f32) {
      %prod = arith.mulf %s, %factor_ : f32
      %sum = arith.addf %prod, %term_ : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
