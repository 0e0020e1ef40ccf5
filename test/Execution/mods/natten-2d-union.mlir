// Score: 32x64 grid; |dx| <= 3 or |dy| <= 3, x = i / 64 by true division. |i /
// 64 - j / 64| <= 3 is |i - j| <= 192 in integers.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @natten_2d_union(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %diff = arith.subi %i, %j : index
      %abs = math.absi %diff : index
      %c64 = arith.constant 64 : index
      %rem = arith.remsi %i, %c64 : index
      %rem2 = arith.remsi %j, %c64 : index
      %diff2 = arith.subi %rem, %rem2 : index
      %abs2 = math.absi %diff2 : index
      %c192 = arith.constant 192 : index
      %cond = arith.cmpi sle, %abs, %c192 : index
      %c3 = arith.constant 3 : index
      %cond2 = arith.cmpi sle, %abs2, %c3 : index
      %or = arith.ori %cond, %cond2 : i1
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %or, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
