// Mask: a 16x16 grid, kernel 7: c = clamp(q, 3, 12) per axis, |c - k| <= 3 on
// both.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @natten_clamped(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c16 = arith.constant 16 : index
      %rem = arith.remsi %i, %c16 : index
      %quot = arith.floordivsi %i, %c16 : index
      %rem2 = arith.remsi %j, %c16 : index
      %quot2 = arith.floordivsi %j, %c16 : index
      %c3 = arith.constant 3 : index
      %max = arith.maxsi %rem, %c3 : index
      %c12 = arith.constant 12 : index
      %min = arith.minsi %max, %c12 : index
      %max2 = arith.maxsi %quot, %c3 : index
      %min2 = arith.minsi %max2, %c12 : index
      %diff = arith.subi %min, %rem2 : index
      %abs = math.absi %diff : index
      %cond = arith.cmpi sle, %abs, %c3 : index
      %diff2 = arith.subi %min2, %quot2 : index
      %abs2 = math.absi %diff2 : index
      %cond2 = arith.cmpi sle, %abs2, %c3 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
