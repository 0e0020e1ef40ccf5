// Mask: i + Skv - Sq - 64 <= j <= i + Skv - Sq + 16.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @sliding_window_bottom_right(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %keys = attn.kv_len : index
      %sum = arith.addi %i, %keys : index
      %len = attn.q_len : index
      %diff = arith.subi %sum, %len : index
      %c64 = arith.constant 64 : index
      %diff2 = arith.subi %diff, %c64 : index
      %cond = arith.cmpi sge, %j, %diff2 : index
      %c16 = arith.constant 16 : index
      %sum2 = arith.addi %diff, %c16 : index
      %cond2 = arith.cmpi sle, %j, %sum2 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
