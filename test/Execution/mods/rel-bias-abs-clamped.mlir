// Score: s + min(|i - j|, 256).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @rel_bias_abs_clamped(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %diff = arith.subi %i, %j : index
      %abs = math.absi %diff : index
      %c256 = arith.constant 256 : index
      %min = arith.minsi %abs, %c256 : index
      %int = arith.index_cast %min : index to i32
      %num = arith.sitofp %int : i32 to f32
      %sum = arith.addf %s, %num : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
