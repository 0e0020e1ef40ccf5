// Mask: j < 256 or j >= 2048.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @weird_reuse(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c256 = arith.constant 256 : index
      %cond = arith.cmpi slt, %j, %c256 : index
      %c2048 = arith.constant 2048 : index
      %cond2 = arith.cmpi sge, %j, %c2048 : index
      %or = arith.ori %cond, %cond2 : i1
      attn.yield %or : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
