// Mask: j <= i and i - j <= window[i].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @row_window(%q: !t, %k: !t, %v: !t,
    %window: tensor<?xi32> {attn.dims = ["Sq"], attn.values = array<i64: 0, 64>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%window : tensor<?xi32>)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %window_: tensor<?xi32>) {
      %cond = arith.cmpi sle, %j, %i : index
      %diff = arith.subi %i, %j : index
      %wv = tensor.extract %window_[%i] : tensor<?xi32>
      %at = arith.index_cast %wv : i32 to index
      %cond2 = arith.cmpi sle, %diff, %at : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
