// Mask: causal and not causal: nothing.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @empty(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %cond = arith.cmpi sge, %i, %j : index
      %cond2 = arith.cmpi sge, %i, %j : index
      %t = arith.constant true
      %not = arith.xori %cond2, %t : i1
      %and = arith.andi %cond, %not : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
