// Score: s * tanh(log(1 + exp(s))), under a softcap.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @mish(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    {softcap = 30.0 : f32}
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %e = math.exp %s : f32
      %p = math.log1p %e : f32
      %t = math.tanh %p : f32
      %r = arith.mulf %s, %t : f32
      attn.yield %r : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
