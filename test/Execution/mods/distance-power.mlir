// Score: s - |i - j|^0.75 / 4.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @distance_power(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %d = arith.subi %i, %j : index
      %a = math.absi %d : index
      %n = arith.index_cast %a : index to i32
      %x = arith.sitofp %n : i32 to f32
      %e = arith.constant 0.75 : f32
      %p = math.powf %x, %e : f32
      %f = arith.constant -0.25 : f32
      %r = math.fma %p, %f, %s : f32
      attn.yield %r : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
