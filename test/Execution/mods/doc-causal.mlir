// Score: i >= j and doc[i] == doc[j] ? s : -inf, documents of 256.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @doc_causal(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %cond = arith.cmpi sge, %i, %j : index
      %c256 = arith.constant 256 : index
      %quot = arith.floordivsi %i, %c256 : index
      %quot2 = arith.floordivsi %j, %c256 : index
      %cond2 = arith.cmpi eq, %quot, %quot2 : index
      %and = arith.andi %cond, %cond2 : i1
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %and, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
