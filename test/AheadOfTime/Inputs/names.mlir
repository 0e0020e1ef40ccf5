// Names that C, C++, the runtime or the header itself use.
!t = memref<1x2x?x32xf32>
func.func @operator(%q: !t {attn.name = "q"}, %k: !t {attn.name = "q_sizes"}, %v: !t {attn.name = "linux"}, %o: !t {attn.name = "status"}) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}
func.func @attn_launch(%q: !t {attn.name = "a b"}, %k: !t {attn.name = "a.b"}, %v: !t {attn.name = "int64_t"}, %o: !t {attn.name = "attn_status"}) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}
func.func @attn_lau(%q: !t {attn.name = "catch"}, %o: !t {attn.name = "free"}) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) outs(%o : !t)
  return
}
func.func @malloc(%q: !t {attn.name = "exp"}, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) outs(%o : !t)
  return
}
