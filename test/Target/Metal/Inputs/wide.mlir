// Heads whose partial results do not fit beside each other, and whose columns
// leave some over where blocks would share them.
func.func @wide(%q: tensor<?x8x?x264xf16>, %k: tensor<?x8x?x264xf16>, %v: tensor<?x8x?x264xf16>,
                %o: tensor<?x8x?x264xf16>) -> tensor<?x8x?x264xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x264xf16>, tensor<?x8x?x264xf16>, tensor<?x8x?x264xf16>)
      outs(%o : tensor<?x8x?x264xf16>) -> tensor<?x8x?x264xf16>
  return %r : tensor<?x8x?x264xf16>
}
