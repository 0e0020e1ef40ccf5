// RUN: attn-opt %s --attn-add-holes=names=a --split-input-file --verify-diagnostics

func.func @names(%q: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  // expected-error @+1 {{has 0 captures, but holes are given 1 names for them}}
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
      outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
  return %r : tensor<1x2x8x16xf32>
}

// -----

// expected-error @+1 {{holes are for attn.attention, of which there is none}}
module {
  func.func @none() {
    return
  }
}
