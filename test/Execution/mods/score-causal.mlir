// Score: i >= j ? s : -inf.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @score_causal(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %cond = arith.cmpi sge, %i, %j : index
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %cond, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
