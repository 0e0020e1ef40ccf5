// LLVM's backends have no instruction for a bf16 that the optimiser freezes, as it
// does with what a comparison selects: they see none.
// RUN: attn-compile %s --target=cpu:wasm32,cpu:x86-64-v3,cpu:x86-64-v4,cpu:cortex-a76 -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s
// CHECK: cpu:wasm32
// CHECK: capture0: bf16 [?], read
// CHECK: cpu:x86-64-v3
// CHECK: cpu:x86-64-v4
// CHECK: cpu:cortex-a76

func.func @g(%q: tensor<?x2x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x16xf32>,
             %t: tensor<?xbf16>, %o: tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
      captures(%t : tensor<?xbf16>)
      outs(%o : tensor<?x2x?x16xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<?xbf16>) {
        %n = arith.addi %h, %j : index
        %e = tensor.extract %table[%n] : tensor<?xbf16>
        %x = arith.extf %e : bf16 to f32
        %y = arith.minimumf %s, %x : f32
        attn.yield %y : f32
      } -> tensor<?x2x?x16xf32>
  return %r : tensor<?x2x?x16xf32>
}
