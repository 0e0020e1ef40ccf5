// RUN: attn-opt %s --attn-make-total --split-input-file --verify-diagnostics

// Loops that are too long together.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{score region: has more than 1024 ops when its loops are unrolled; put what is computed into a table and capture it (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c30 = arith.constant 30 : index
        %x = scf.for %m = %c0 to %c30 step %c1 iter_args(%y = %s) -> f32 {
          %z = scf.for %n = %c0 to %c30 step %c1 iter_args(%w = %y) -> f32 {
            %e = math.exp %w : f32
            scf.yield %e : f32
          }
          scf.yield %z : f32
        }
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}
