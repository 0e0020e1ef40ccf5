// Score: i >= j ? s + (i - j) : -inf.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @rel_causal(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %cond = arith.cmpi sge, %i, %j : index
      %diff = arith.subi %i, %j : index
      %int = arith.index_cast %diff : index to i32
      %num = arith.sitofp %int : i32 to f32
      %sum = arith.addf %s, %num : f32
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %cond, %sum, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
