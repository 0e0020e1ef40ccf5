// Mask: j <= i + Skv - Sq.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @causal_bottom_right(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %keys = attn.kv_len : index
      %sum = arith.addi %i, %keys : index
      %len = attn.q_len : index
      %diff = arith.subi %sum, %len : index
      %cond = arith.cmpi sle, %j, %diff : index
      attn.yield %cond : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
