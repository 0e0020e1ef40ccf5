// Scores are bent to stay within -20 and 20 (Gemma 2).
!t = tensor<1x4x?x64xf32>
func.func @softcap(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t)
      outs(%o : !t) {causal = #attn.causal<top_left>, softcap = 20.0 : f32} -> !t
  return %r : !t
}
