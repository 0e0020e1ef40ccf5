// Mask: i >= j and i - j < 256 and (i - j) % 2 == 0.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @dilated_window_causal(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %cond = arith.cmpi sge, %i, %j : index
      %diff = arith.subi %i, %j : index
      %c256 = arith.constant 256 : index
      %cond2 = arith.cmpi slt, %diff, %c256 : index
      %and = arith.andi %cond, %cond2 : i1
      %diff2 = arith.subi %i, %j : index
      %c2 = arith.constant 2 : index
      %rem = arith.remsi %diff2, %c2 : index
      %c0 = arith.constant 0 : index
      %cond3 = arith.cmpi eq, %rem, %c0 : index
      %and2 = arith.andi %and, %cond3 : i1
      attn.yield %and2 : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
