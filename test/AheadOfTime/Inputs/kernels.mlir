// Two functions of one library; one takes a scalar.
func.func @plain(%q: tensor<?x2x?x32xf32>, %k: tensor<?x2x?x32xf32>, %v: tensor<?x2x?x32xf32>,
                 %o: tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32>
  return %r : tensor<?x2x?x32xf32>
}
func.func @scaled(%q: tensor<?x2x?x32xf32>, %k: tensor<?x2x?x32xf32>, %v: tensor<?x2x?x32xf32>, %c: f32,
                  %o: tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      captures(%c : f32) outs(%o : tensor<?x2x?x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %f: f32) {
        %t = arith.mulf %s, %f : f32
        attn.yield %t : f32
      } -> tensor<?x2x?x32xf32>
  return %r : tensor<?x2x?x32xf32>
}
