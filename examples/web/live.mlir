// A score and a mask that a visitor types (--region-holes=slope).
!t = tensor<1x4x?x64xf32>
func.func @live(%q: !t, %k: !t, %v: !t, %slopes: tensor<4xf32>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%slopes : tensor<4xf32>)
      outs(%o : !t) -> !t
  return %r : !t
}
