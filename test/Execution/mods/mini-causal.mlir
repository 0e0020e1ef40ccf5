// Mask: i % 128 >= j % 128.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @mini_causal(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c128 = arith.constant 128 : index
      %rem = arith.remsi %i, %c128 : index
      %rem2 = arith.remsi %j, %c128 : index
      %cond = arith.cmpi sge, %rem, %rem2 : index
      attn.yield %cond : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
