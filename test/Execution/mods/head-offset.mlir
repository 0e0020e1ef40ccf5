// Score: s * scale[h].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @head_offset(%q: !t, %k: !t, %v: !t,
    %factors: tensor<?xf32> {attn.dims = ["Hq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%factors : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %factors_: tensor<?xf32>) {
      %fv = tensor.extract %factors_[%h] : tensor<?xf32>
      %prod = arith.mulf %s, %fv : f32
      attn.yield %prod : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
