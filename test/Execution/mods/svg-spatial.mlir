// Mask: prompt row or column, or |i - j| < 48.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @svg_spatial(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c16 = arith.constant 16 : index
      %cond = arith.cmpi slt, %i, %c16 : index
      %cond2 = arith.cmpi slt, %j, %c16 : index
      %or = arith.ori %cond, %cond2 : i1
      %diff = arith.subi %i, %j : index
      %abs = math.absi %diff : index
      %c48 = arith.constant 48 : index
      %cond3 = arith.cmpi slt, %abs, %c48 : index
      %or2 = arith.ori %or, %cond3 : i1
      attn.yield %or2 : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
