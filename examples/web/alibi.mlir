// Scores fall with the distance, faster or slower by head (ALiBi).
!t = tensor<1x4x?x64xf32>
func.func @alibi(%q: !t, %k: !t, %v: !t, %slopes: tensor<4xf32>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%slopes : tensor<4xf32>)
      outs(%o : !t) {causal = #attn.causal<top_left>} -> !t
  return %r : !t
}
