// Mask: (i < 512 and j < 512) or i >= j.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @prefix_lm_512(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c512 = arith.constant 512 : index
      %cond = arith.cmpi slt, %i, %c512 : index
      %cond2 = arith.cmpi slt, %j, %c512 : index
      %and = arith.andi %cond, %cond2 : i1
      %cond3 = arith.cmpi sge, %i, %j : index
      %or = arith.ori %and, %cond3 : i1
      attn.yield %or : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
