// Attention without a mask, in f32; every size but the heads is open.
// RUN: attn-run %s --random=B=2,Sq=70,Skv=131 --check=reference | FileCheck %s
// CHECK: output 0 (2x8x70x64xf32): matches the reference

func.func @plain(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x?x64xf32>, %v: tensor<?x8x?x64xf32>,
                 %o: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%o : tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}
