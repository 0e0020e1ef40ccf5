// Decoding with tiles of four keys, which are fewer than lanes.
!t = tensor<?x?x?x64xf16>
func.func @few_keys(%q: !t, %k: !t, %v: !t, %o: !t, %lse: tensor<?x?x?xf32>) -> (!t, tensor<?x?x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %lse : !t, tensor<?x?x?xf32>)
      {attn.schedule = #attn.schedule<tile_m = 4, tile_n = 4, workers = 16>, causal = #attn.causal<bottom_right>} -> !t, tensor<?x?x?xf32>
  return %r#0, %r#1 : !t, tensor<?x?x?xf32>
}
