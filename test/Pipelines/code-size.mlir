// Lowerings emit loops around one register block: the IR of a kernel does not
// grow with the tile or the head size. It has some 800 ops for each of these.
// RUN: attn-opt %s -attn-to-cpu='chip=x86-64-v3 tile-m=64 tile-n=96' | grep -vc arith.constant | FileCheck %s
// RUN: attn-opt %s -attn-to-cpu='chip=x86-64-v3 tile-m=256 tile-n=768' | grep -vc arith.constant | FileCheck %s
// RUN: sed s/x36x/x180x/g %s | attn-opt -attn-to-cpu='chip=x86-64-v3 tile-m=64 tile-n=96' | grep -vc arith.constant | FileCheck %s
// CHECK: {{^[1-9][0-9]{2}$}}
func.func @f(%q: tensor<?x4x?x36xf32>, %k: tensor<?x4x?x36xf32>, %v: tensor<?x4x?x36xf32>, %o: tensor<?x4x?x36xf32>) -> tensor<?x4x?x36xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x4x?x36xf32>, tensor<?x4x?x36xf32>, tensor<?x4x?x36xf32>)
      outs(%o : tensor<?x4x?x36xf32>) {causal = #attn.causal<top_left>} -> tensor<?x4x?x36xf32>
  return %r : tensor<?x4x?x36xf32>
}
