// Score: tanh(tanh(tanh(s))).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @tanh_thrice(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %x = math.tanh %s : f32
      %y = math.tanh %x : f32
      %r = math.tanh %y : f32
      attn.yield %r : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
