// Mask: j < P or i >= j, P at run time.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @prefix_lm(%q: !t, %k: !t, %v: !t,
    %prefix: i32 {attn.values = array<i64: 0, 64>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%prefix : i32)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %prefix_: i32) {
      %at = arith.index_cast %prefix_ : i32 to index
      %cond = arith.cmpi slt, %j, %at : index
      %cond2 = arith.cmpi sge, %i, %j : index
      %or = arith.ori %cond, %cond2 : i1
      attn.yield %or : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
