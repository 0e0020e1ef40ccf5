// Mask: the same in Z order: x and y are the even and the odd bits.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @natten_morton(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c1 = arith.constant 1 : index
      %and = arith.andi %i, %c1 : index
      %c2 = arith.constant 2 : index
      %quot = arith.floordivsi %i, %c2 : index
      %and2 = arith.andi %quot, %c2 : index
      %or = arith.ori %and, %and2 : index
      %c4 = arith.constant 4 : index
      %quot2 = arith.floordivsi %i, %c4 : index
      %and3 = arith.andi %quot2, %c4 : index
      %or2 = arith.ori %or, %and3 : index
      %c8 = arith.constant 8 : index
      %quot3 = arith.floordivsi %i, %c8 : index
      %and4 = arith.andi %quot3, %c8 : index
      %or3 = arith.ori %or2, %and4 : index
      %quot4 = arith.floordivsi %i, %c2 : index
      %and5 = arith.andi %quot4, %c1 : index
      %quot5 = arith.floordivsi %quot4, %c2 : index
      %and6 = arith.andi %quot5, %c2 : index
      %or4 = arith.ori %and5, %and6 : index
      %quot6 = arith.floordivsi %quot4, %c4 : index
      %and7 = arith.andi %quot6, %c4 : index
      %or5 = arith.ori %or4, %and7 : index
      %quot7 = arith.floordivsi %quot4, %c8 : index
      %and8 = arith.andi %quot7, %c8 : index
      %or6 = arith.ori %or5, %and8 : index
      %and9 = arith.andi %j, %c1 : index
      %quot8 = arith.floordivsi %j, %c2 : index
      %and10 = arith.andi %quot8, %c2 : index
      %or7 = arith.ori %and9, %and10 : index
      %quot9 = arith.floordivsi %j, %c4 : index
      %and11 = arith.andi %quot9, %c4 : index
      %or8 = arith.ori %or7, %and11 : index
      %quot10 = arith.floordivsi %j, %c8 : index
      %and12 = arith.andi %quot10, %c8 : index
      %or9 = arith.ori %or8, %and12 : index
      %quot11 = arith.floordivsi %j, %c2 : index
      %and13 = arith.andi %quot11, %c1 : index
      %quot12 = arith.floordivsi %quot11, %c2 : index
      %and14 = arith.andi %quot12, %c2 : index
      %or10 = arith.ori %and13, %and14 : index
      %quot13 = arith.floordivsi %quot11, %c4 : index
      %and15 = arith.andi %quot13, %c4 : index
      %or11 = arith.ori %or10, %and15 : index
      %quot14 = arith.floordivsi %quot11, %c8 : index
      %and16 = arith.andi %quot14, %c8 : index
      %or12 = arith.ori %or11, %and16 : index
      %c3 = arith.constant 3 : index
      %max = arith.maxsi %or3, %c3 : index
      %c12 = arith.constant 12 : index
      %min = arith.minsi %max, %c12 : index
      %max2 = arith.maxsi %or6, %c3 : index
      %min2 = arith.minsi %max2, %c12 : index
      %diff = arith.subi %min, %or9 : index
      %abs = math.absi %diff : index
      %cond = arith.cmpi sle, %abs, %c3 : index
      %diff2 = arith.subi %min2, %or12 : index
      %abs2 = math.absi %diff2 : index
      %cond2 = arith.cmpi sle, %abs2, %c3 : index
      %and17 = arith.andi %cond, %cond2 : i1
      attn.yield %and17 : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
