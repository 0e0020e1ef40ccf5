// Mask: i >= j and i - j <= 512.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @causal_and_window(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %cond = arith.cmpi sge, %i, %j : index
      %diff = arith.subi %i, %j : index
      %c512 = arith.constant 512 : index
      %cond2 = arith.cmpi sle, %diff, %c512 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
