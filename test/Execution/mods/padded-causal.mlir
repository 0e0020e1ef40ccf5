// Mask: i < real_len and i >= j.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @padded_causal(%q: !t, %k: !t, %v: !t,
    %real_len: i32 {attn.values = array<i64: 1, 128>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%real_len : i32)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %real_len_: i32) {
      %at = arith.index_cast %real_len_ : i32 to index
      %cond = arith.cmpi slt, %i, %at : index
      %cond2 = arith.cmpi sge, %i, %j : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
