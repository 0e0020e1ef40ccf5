// Mask: j >= threshold[j].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @key_threshold(%q: !t, %k: !t, %v: !t,
    %threshold: tensor<?xi32> {attn.dims = ["Skv"], attn.values = array<i64: 0, 128>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%threshold : tensor<?xi32>)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %threshold_: tensor<?xi32>) {
      %tv = tensor.extract %threshold_[%j] : tensor<?xi32>
      %at = arith.index_cast %tv : i32 to index
      %cond = arith.cmpi sge, %j, %at : index
      attn.yield %cond : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
