// Score: -log(1 + exp(-s)), under a softcap.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @log_sigmoid_softcap(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    {softcap = 30.0 : f32}
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %one = arith.constant 1.0 : f32
      %n = arith.negf %s : f32
      %e = math.exp %n : f32
      %p = arith.addf %one, %e : f32
      %g = math.log %p : f32
      %r = arith.negf %g : f32
      attn.yield %r : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
