// Score: j % 2 == 0 ? s : -inf.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @skip_odd_keys(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %c2 = arith.constant 2 : index
      %rem = arith.remsi %j, %c2 : index
      %c0 = arith.constant 0 : index
      %cond = arith.cmpi eq, %rem, %c0 : index
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %cond, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
