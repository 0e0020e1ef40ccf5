// Mask: i / 64 == j / 64 and causal(i % 64, j % 64).
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @batchify(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c64 = arith.constant 64 : index
      %quot = arith.floordivsi %i, %c64 : index
      %quot2 = arith.floordivsi %j, %c64 : index
      %cond = arith.cmpi eq, %quot, %quot2 : index
      %rem = arith.remsi %i, %c64 : index
      %rem2 = arith.remsi %j, %c64 : index
      %cond2 = arith.cmpi sge, %rem, %rem2 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
