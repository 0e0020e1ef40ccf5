// Mask: i >= j and j < limit, at run time.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @scalar_limit(%q: !t, %k: !t, %v: !t,
    %limit: i32 {attn.values = array<i64: 1, 128>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%limit : i32)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %limit_: i32) {
      %cond = arith.cmpi sge, %i, %j : index
      %at = arith.index_cast %limit_ : i32 to index
      %cond2 = arith.cmpi slt, %j, %at : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
