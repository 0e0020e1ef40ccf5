// Queries attend what came before them.
!t = tensor<1x4x?x64xf32>
func.func @causal(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t)
      outs(%o : !t) {causal = #attn.causal<top_left>} -> !t
  return %r : !t
}
