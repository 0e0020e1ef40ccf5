// Heads of 256 whose partial results do not fit beside each other.
func.func @wide(%q: tensor<?x8x?x256xf16>, %k: tensor<?x8x?x256xf16>, %v: tensor<?x8x?x256xf16>,
                %o: tensor<?x8x?x256xf16>) -> tensor<?x8x?x256xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x256xf16>, tensor<?x8x?x256xf16>, tensor<?x8x?x256xf16>)
      outs(%o : tensor<?x8x?x256xf16>) -> tensor<?x8x?x256xf16>
  return %r : tensor<?x8x?x256xf16>
}
