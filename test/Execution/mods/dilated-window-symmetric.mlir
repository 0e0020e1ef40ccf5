// Mask: |i - j| <= 96 and |i - j| % 3 == 0.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @dilated_window_symmetric(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %diff = arith.subi %i, %j : index
      %abs = math.absi %diff : index
      %c96 = arith.constant 96 : index
      %cond = arith.cmpi sle, %abs, %c96 : index
      %diff2 = arith.subi %i, %j : index
      %abs2 = math.absi %diff2 : index
      %c3 = arith.constant 3 : index
      %rem = arith.remsi %abs2, %c3 : index
      %c0 = arith.constant 0 : index
      %cond2 = arith.cmpi eq, %rem, %c0 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
