// A region that uses a value nobody defines is a diagnostic, not a crash of the
// verifier (found by the fuzzer).
// RUN: not attn-opt %s 2>&1 | FileCheck %s
// CHECK: error: {{.*}}unlinked
func.func @f(%q: tensor<1x1x4x8xf32>, %o: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%o : tensor<1x1x4x8xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %r = scf.if %nowhere -> f32 {
          scf.yield %s : f32
        } else {
          %nowhere = arith.cmpf olt, %s, %s : f32
          scf.yield %s : f32
        }
        attn.yield %r : f32
      } -> tensor<1x1x4x8xf32>
  return %r : tensor<1x1x4x8xf32>
}
