// Score: s + rel_h[b, h, i, j / 8].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @decomposed_rel_pos(%q: !t, %k: !t, %v: !t,
    %rel: tensor<?x?x?x32xf32> {attn.dims = ["B", "Hq", "Sq", "columns"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%rel : tensor<?x?x?x32xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %rel_: tensor<?x?x?x32xf32>) {
      %c8 = arith.constant 8 : index
      %quot = arith.floordivsi %j, %c8 : index
      %rv = tensor.extract %rel_[%b, %h, %i, %quot] : tensor<?x?x?x32xf32>
      %sum = arith.addf %s, %rv : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
