// Mask: sliding tiles: 16x16 grid, tiles of 4x4, windows of 3x3 tiles.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @sta_2d(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c16 = arith.constant 16 : index
      %rem = arith.remsi %i, %c16 : index
      %c4 = arith.constant 4 : index
      %quot = arith.floordivsi %rem, %c4 : index
      %quot2 = arith.floordivsi %i, %c16 : index
      %quot3 = arith.floordivsi %quot2, %c4 : index
      %rem2 = arith.remsi %j, %c16 : index
      %quot4 = arith.floordivsi %rem2, %c4 : index
      %quot5 = arith.floordivsi %j, %c16 : index
      %quot6 = arith.floordivsi %quot5, %c4 : index
      %c1 = arith.constant 1 : index
      %max = arith.maxsi %quot, %c1 : index
      %c2 = arith.constant 2 : index
      %min = arith.minsi %max, %c2 : index
      %max2 = arith.maxsi %quot3, %c1 : index
      %min2 = arith.minsi %max2, %c2 : index
      %diff = arith.subi %min, %quot4 : index
      %abs = math.absi %diff : index
      %cond = arith.cmpi sle, %abs, %c1 : index
      %diff2 = arith.subi %min2, %quot6 : index
      %abs2 = math.absi %diff2 : index
      %cond2 = arith.cmpi sle, %abs2, %c1 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
