// RUN: attn-opt %s --split-input-file --attn-print-mask-analysis="tile-m=0" -o /dev/null --verify-diagnostics

func.func @sugar(%q: memref<1x2x8x64xf32>, %o: memref<1x2x8x64xf32>) {
  // expected-error @below {{mask analysis needs attn-expand-sugar first}}
  attn.attention ins(%q, %q, %q : memref<1x2x8x64xf32>, memref<1x2x8x64xf32>, memref<1x2x8x64xf32>)
      outs(%o : memref<1x2x8x64xf32>) {causal = #attn.causal<top_left>}
  return
}

// -----

func.func @tile_size(%q: memref<1x2x8x64xf32>, %o: memref<1x2x8x64xf32>) {
  // expected-error @below {{mask analysis needs positive tile sizes, not 0 and 128}}
  attn.attention ins(%q, %q, %q : memref<1x2x8x64xf32>, memref<1x2x8x64xf32>, memref<1x2x8x64xf32>)
      outs(%o : memref<1x2x8x64xf32>)
  return
}
