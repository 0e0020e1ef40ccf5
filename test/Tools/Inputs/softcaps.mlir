// Softcaps that are small and large beside the scores.
!t = tensor<?x?x?x64xf16>
!l = tensor<?x?x?xf32>

func.func @thousandth(%q: !t, %k: !t, %v: !t, %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %l : !t, !l) {softcap = 1.0e-3 : f32} -> !t, !l
  return %r#0, %r#1 : !t, !l
}

func.func @fifty(%q: !t, %k: !t, %v: !t, %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %l : !t, !l) {softcap = 50.0 : f32} -> !t, !l
  return %r#0, %r#1 : !t, !l
}

func.func @thousand(%q: !t, %k: !t, %v: !t, %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %l : !t, !l) {softcap = 1.0e+3 : f32} -> !t, !l
  return %r#0, %r#1 : !t, !l
}

func.func @billion(%q: !t, %k: !t, %v: !t, %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %l : !t, !l) {softcap = 1.0e+9 : f32} -> !t, !l
  return %r#0, %r#1 : !t, !l
}
