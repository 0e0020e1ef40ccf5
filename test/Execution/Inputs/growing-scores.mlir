// Scores grow along the keys by more than 8, in base 2, a tile: maxima are
// outgrown, and sums scaled, in each of them.
func.func @growing(%q: memref<?x2x?x64xbf16>, %k: memref<?x2x?x64xbf16>, %v: memref<?x2x?x64xbf16>, %o: memref<?x2x?x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<?x2x?x64xbf16>, memref<?x2x?x64xbf16>, memref<?x2x?x64xbf16>) outs(%o : memref<?x2x?x64xbf16>)
  score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
    %slope = arith.constant 0.1 : f32
    %j32 = arith.index_cast %j : index to i32
    %at = arith.sitofp %j32 : i32 to f32
    %grown = arith.mulf %at, %slope : f32
    %sum = arith.addf %s, %grown : f32
    attn.yield %sum : f32
  }
  return
}
