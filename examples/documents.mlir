// Several documents in one sequence: a query attends what came before it in its
// own document. The document of a token is read from a table; its values lie
// in 0..3 and rise, which --random respects.
// RUN: attn-run %s --random=B=1,Sq=200,Skv=200 --check=reference | FileCheck %s
// CHECK: output 0 (1x4x200x64xf32): matches the reference

func.func @documents(%q: tensor<?x4x?x64xf32>,
                     %k: tensor<?x4x?x64xf32>,
                     %v: tensor<?x4x?x64xf32>,
                     %ids: tensor<?xi32> {attn.dims = ["Skv"], attn.values = array<i64: 0, 3>, attn.rising},
                     %o: tensor<?x4x?x64xf32>) -> tensor<?x4x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32>, tensor<?x4x?x64xf32>)
      captures(%ids : tensor<?xi32>)
      outs(%o : tensor<?x4x?x64xf32>)
      {causal = #attn.causal<top_left>}
      mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<?xi32>) {
        %mine = tensor.extract %table[%i] : tensor<?xi32>
        %other = tensor.extract %table[%j] : tensor<?xi32>
        %same = arith.cmpi eq, %mine, %other : i32
        attn.yield %same : i1
      } -> tensor<?x4x?x64xf32>
  return %r : tensor<?x4x?x64xf32>
}
