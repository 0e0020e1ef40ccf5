// Causal attention with 8 query heads on 2 key heads (GQA), and its logsumexp.
// RUN: attn-run %s --random=B=1,Sq=97,Skv=97 --check=reference | FileCheck %s
// CHECK: output 0 (1x8x97x64xf32): matches the reference
// CHECK: output 1 (1x8x97xf32): matches the reference

func.func @causal(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>,
                  %o: tensor<?x8x?x64xf32>, %lse: tensor<?x8x?xf32>) -> (tensor<?x8x?x64xf32>, tensor<?x8x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>)
      outs(%o, %lse : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>)
      {causal = #attn.causal<bottom_right>} -> tensor<?x8x?x64xf32>, tensor<?x8x?xf32>
  return %r#0, %r#1 : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>
}
