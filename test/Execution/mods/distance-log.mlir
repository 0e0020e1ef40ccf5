// Score: s - log(1 + |i - j|).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @distance_log(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %d = arith.subi %i, %j : index
      %a = math.absi %d : index
      %n = arith.index_cast %a : index to i32
      %x = arith.sitofp %n : i32 to f32
      %p = math.log1p %x : f32
      %r = arith.subf %s, %p : f32
      attn.yield %r : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
