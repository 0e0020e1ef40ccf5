// Bare products whose weights are steep: of small factors, maxima are outgrown
// by more than 8, in base 2, in tiles behind the first one, too.
func.func @steep(%q: memref<?x2x?x64xbf16>, %k: memref<?x2x?x64xbf16>, %v: memref<?x2x?x64xbf16>, %o: memref<?x2x?x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<?x2x?x64xbf16>, memref<?x2x?x64xbf16>, memref<?x2x?x64xbf16>) outs(%o : memref<?x2x?x64xbf16>) {scale_value = 0.75 : f32}
  return
}
