// Every query attends every key.
!t = tensor<1x4x?x64xf32>
func.func @plain(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t)
      outs(%o : !t) -> !t
  return %r : !t
}
