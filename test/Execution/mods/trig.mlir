// Score: sin(cos(s)) + sin(b) / cos(b). Rule 8 has no tan: it is spelled out.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @trig(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %cos = math.cos %s : f32
      %sin = math.sin %cos : f32
      %int = arith.index_cast %b : index to i32
      %num = arith.sitofp %int : i32 to f32
      %sin2 = math.sin %num : f32
      %int2 = arith.index_cast %b : index to i32
      %num2 = arith.sitofp %int2 : i32 to f32
      %cos2 = math.cos %num2 : f32
      %quot = arith.divf %sin2, %cos2 : f32
      %sum = arith.addf %sin, %quot : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
