// Mask: i - j <= 64 and i >= j.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @sliding_window_causal(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %diff = arith.subi %i, %j : index
      %c64 = arith.constant 64 : index
      %cond = arith.cmpi sle, %diff, %c64 : index
      %cond2 = arith.cmpi sge, %i, %j : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
