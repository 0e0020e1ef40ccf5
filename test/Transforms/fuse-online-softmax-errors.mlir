// attn-fuse-online-softmax fuses loops: attention that has none yet is named.
// RUN: attn-opt %s -attn-fuse-online-softmax -verify-diagnostics

func.func @early(%q: tensor<1x1x8x16xf32>) -> tensor<1x1x8x16xf32> {
  // expected-warning @+1 {{is not fused: it has no loops until attn-tile makes them}}
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x8x16xf32>, tensor<1x1x8x16xf32>, tensor<1x1x8x16xf32>) outs(%q : tensor<1x1x8x16xf32>) -> tensor<1x1x8x16xf32>
  return %r : tensor<1x1x8x16xf32>
}
