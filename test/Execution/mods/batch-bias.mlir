// Score: s + bias[b].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @batch_bias(%q: !t, %k: !t, %v: !t,
    %bias: tensor<?xf32> {attn.dims = ["B"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%bias : tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %bias_: tensor<?xf32>) {
      %bv = tensor.extract %bias_[%b] : tensor<?xf32>
      %sum = arith.addf %s, %bv : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
