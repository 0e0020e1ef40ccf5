// All of a row's weight but a 129th is that of its last key: 128 and a little
// less than half of an ulp in 16 bits, relative to the first key.
func.func @halves(%q: tensor<?x1x64x64xf16>, %k: tensor<?x1x512x64xf16>, %v: tensor<?x1x512x64xf16>, %o: tensor<?x1x64x64xf32>) -> tensor<?x1x64x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x1x64x64xf16>, tensor<?x1x512x64xf16>, tensor<?x1x512x64xf16>) outs(%o : tensor<?x1x64x64xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0.0 : f32
        %none = arith.constant -1000.0 : f32
        %most = arith.constant 4.852494024 : f32
        %first = arith.constant 0 : index
        %last = arith.constant 511 : index
        %is_first = arith.cmpi eq, %j, %first : index
        %is_last = arith.cmpi eq, %j, %last : index
        %other = arith.select %is_first, %zero, %none : f32
        %score = arith.select %is_last, %most, %other : f32
        attn.yield %score : f32
      } -> tensor<?x1x64x64xf32>
  return %r : tensor<?x1x64x64xf32>
}
func.func @bfloats(%q: tensor<?x1x64x64xbf16>, %k: tensor<?x1x512x64xbf16>, %v: tensor<?x1x512x64xbf16>, %o: tensor<?x1x64x64xf32>) -> tensor<?x1x64x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x1x64x64xbf16>, tensor<?x1x512x64xbf16>, tensor<?x1x512x64xbf16>) outs(%o : tensor<?x1x64x64xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0.0 : f32
        %none = arith.constant -1000.0 : f32
        %most = arith.constant 4.855734333 : f32
        %first = arith.constant 0 : index
        %last = arith.constant 511 : index
        %is_first = arith.cmpi eq, %j, %first : index
        %is_last = arith.cmpi eq, %j, %last : index
        %other = arith.select %is_first, %zero, %none : f32
        %score = arith.select %is_last, %most, %other : f32
        attn.yield %score : f32
      } -> tensor<?x1x64x64xf32>
  return %r : tensor<?x1x64x64xf32>
}
func.func @bfloats_lse(%q: tensor<?x1x64x64xbf16>, %k: tensor<?x1x512x64xbf16>, %v: tensor<?x1x512x64xbf16>, %o: tensor<?x1x64x64xf32>, %l: tensor<?x1x64xf32>) -> (tensor<?x1x64x64xf32>, tensor<?x1x64xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : tensor<?x1x64x64xbf16>, tensor<?x1x512x64xbf16>, tensor<?x1x512x64xbf16>) outs(%o, %l : tensor<?x1x64x64xf32>, tensor<?x1x64xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0.0 : f32
        %none = arith.constant -1000.0 : f32
        %most = arith.constant 4.855734333 : f32
        %first = arith.constant 0 : index
        %last = arith.constant 511 : index
        %is_first = arith.cmpi eq, %j, %first : index
        %is_last = arith.cmpi eq, %j, %last : index
        %other = arith.select %is_first, %zero, %none : f32
        %score = arith.select %is_last, %most, %other : f32
        attn.yield %score : f32
      } -> tensor<?x1x64x64xf32>, tensor<?x1x64xf32>
  return %r#0, %r#1 : tensor<?x1x64x64xf32>, tensor<?x1x64xf32>
}
