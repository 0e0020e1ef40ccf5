// Mask: i < Sq / 2: the other rows are empty.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @row_prefix_only(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %len = attn.q_len : index
      %c2 = arith.constant 2 : index
      %quot = arith.floordivsi %len, %c2 : index
      %cond = arith.cmpi slt, %i, %quot : index
      attn.yield %cond : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
