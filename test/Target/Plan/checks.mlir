// Sizes that only a call knows are checked before anything runs; the message
// has the rule and the two sizes.
// RUN: not attn-run %s --backend=cpu --random=B=1,Hq=3,Hkv=2,Sq=5,Skv=9 2>&1 | FileCheck %s
// CHECK: rule 2: the heads of query are not a multiple of those of key (first = 3, second = 2)
func.func @heads(%q: tensor<?x?x?x16xf32>, %k: tensor<?x?x?x16xf32>, %v: tensor<?x?x?x16xf32>, %o: tensor<?x?x?x16xf32>) -> tensor<?x?x?x16xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>) outs(%o : tensor<?x?x?x16xf32>) -> tensor<?x?x?x16xf32>
  return %r : tensor<?x?x?x16xf32>
}
