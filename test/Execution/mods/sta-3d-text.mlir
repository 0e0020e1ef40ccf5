// Mask: sliding tiles in 3-d, 256 image tokens; text tokens see and are seen
// by all.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @sta_3d_text(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c32 = arith.constant 32 : index
      %quot = arith.floordivsi %i, %c32 : index
      %c2 = arith.constant 2 : index
      %rem = arith.remsi %quot, %c2 : index
      %quot2 = arith.floordivsi %quot, %c2 : index
      %rem2 = arith.remsi %quot2, %c2 : index
      %c4 = arith.constant 4 : index
      %quot3 = arith.floordivsi %quot, %c4 : index
      %quot4 = arith.floordivsi %j, %c32 : index
      %rem3 = arith.remsi %quot4, %c2 : index
      %quot5 = arith.floordivsi %quot4, %c2 : index
      %rem4 = arith.remsi %quot5, %c2 : index
      %quot6 = arith.floordivsi %quot4, %c4 : index
      %c256 = arith.constant 256 : index
      %cond = arith.cmpi slt, %i, %c256 : index
      %cond2 = arith.cmpi slt, %j, %c256 : index
      %and = arith.andi %cond, %cond2 : i1
      %diff = arith.subi %rem, %rem3 : index
      %abs = math.absi %diff : index
      %c0 = arith.constant 0 : index
      %cond3 = arith.cmpi sle, %abs, %c0 : index
      %diff2 = arith.subi %rem2, %rem4 : index
      %abs2 = math.absi %diff2 : index
      %c1 = arith.constant 1 : index
      %cond4 = arith.cmpi sle, %abs2, %c1 : index
      %and2 = arith.andi %cond3, %cond4 : i1
      %diff3 = arith.subi %quot3, %quot6 : index
      %abs3 = math.absi %diff3 : index
      %cond5 = arith.cmpi sle, %abs3, %c1 : index
      %and3 = arith.andi %and2, %cond5 : i1
      %and4 = arith.andi %and, %and3 : i1
      %cond6 = arith.cmpi sge, %j, %c256 : index
      %or = arith.ori %and4, %cond6 : i1
      %cond7 = arith.cmpi sge, %i, %c256 : index
      %or2 = arith.ori %or, %cond7 : i1
      attn.yield %or2 : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
