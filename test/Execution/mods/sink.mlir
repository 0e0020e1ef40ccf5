// An extra logit a head in the denominator only.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @sink(%q: !t, %k: !t, %v: !t,
    %sink: tensor<?xf32>,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    sink(%sink : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
