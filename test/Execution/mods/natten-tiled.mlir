// Mask: the same with 4x4 tiles stored one after the other.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @natten_tiled(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c16 = arith.constant 16 : index
      %quot = arith.floordivsi %i, %c16 : index
      %rem = arith.remsi %i, %c16 : index
      %c4 = arith.constant 4 : index
      %rem2 = arith.remsi %quot, %c4 : index
      %prod = arith.muli %rem2, %c4 : index
      %rem3 = arith.remsi %rem, %c4 : index
      %sum = arith.addi %prod, %rem3 : index
      %quot2 = arith.floordivsi %quot, %c4 : index
      %prod2 = arith.muli %quot2, %c4 : index
      %quot3 = arith.floordivsi %rem, %c4 : index
      %sum2 = arith.addi %prod2, %quot3 : index
      %quot4 = arith.floordivsi %j, %c16 : index
      %rem4 = arith.remsi %j, %c16 : index
      %rem5 = arith.remsi %quot4, %c4 : index
      %prod3 = arith.muli %rem5, %c4 : index
      %rem6 = arith.remsi %rem4, %c4 : index
      %sum3 = arith.addi %prod3, %rem6 : index
      %quot5 = arith.floordivsi %quot4, %c4 : index
      %prod4 = arith.muli %quot5, %c4 : index
      %quot6 = arith.floordivsi %rem4, %c4 : index
      %sum4 = arith.addi %prod4, %quot6 : index
      %c3 = arith.constant 3 : index
      %max = arith.maxsi %sum, %c3 : index
      %c12 = arith.constant 12 : index
      %min = arith.minsi %max, %c12 : index
      %max2 = arith.maxsi %sum2, %c3 : index
      %min2 = arith.minsi %max2, %c12 : index
      %diff = arith.subi %min, %sum3 : index
      %abs = math.absi %diff : index
      %cond = arith.cmpi sle, %abs, %c3 : index
      %diff2 = arith.subi %min2, %sum4 : index
      %abs2 = math.absi %diff2 : index
      %cond2 = arith.cmpi sle, %abs2, %c3 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
