// Score: s * k_scale[b, h].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @dequant(%q: !t, %k: !t, %v: !t,
    %k_scale: tensor<?x?xf32> {attn.dims = ["B", "Hq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%k_scale : tensor<?x?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %k_scale_: tensor<?x?xf32>) {
      %kv = tensor.extract %k_scale_[%b, %h] : tensor<?x?xf32>
      %prod = arith.mulf %s, %kv : f32
      attn.yield %prod : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
