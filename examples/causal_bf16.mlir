// The same in bf16 with heads of 128.
// RUN: attn-run %s --random=B=1,Sq=97,Skv=161 --check=reference | FileCheck %s
// CHECK: output 0 (1x8x97x128xbf16): matches the reference

func.func @causal_bf16(%q: tensor<?x8x?x128xbf16>, %k: tensor<?x2x?x128xbf16>, %v: tensor<?x2x?x128xbf16>,
                       %o: tensor<?x8x?x128xbf16>) -> tensor<?x8x?x128xbf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x128xbf16>, tensor<?x2x?x128xbf16>, tensor<?x2x?x128xbf16>)
      outs(%o : tensor<?x8x?x128xbf16>)
      {causal = #attn.causal<bottom_right>} -> tensor<?x8x?x128xbf16>
  return %r : tensor<?x8x?x128xbf16>
}
