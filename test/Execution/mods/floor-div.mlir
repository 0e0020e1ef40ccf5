// Score: s - floor(i / (1 + j)).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @floor_div(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %c1 = arith.constant 1 : index
      %sum = arith.addi %j, %c1 : index
      %quot = arith.floordivsi %i, %sum : index
      %int = arith.index_cast %quot : index to i32
      %num = arith.sitofp %int : i32 to f32
      %diff = arith.subf %s, %num : f32
      attn.yield %diff : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
