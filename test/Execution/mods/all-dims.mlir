// Score: s + token[i] + batch[b] + head[h].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @all_dims(%q: !t, %k: !t, %v: !t,
    %token: tensor<?xf32> {attn.dims = ["Sq"]},
    %batch: tensor<?xf32> {attn.dims = ["B"]},
    %head: tensor<?xf32> {attn.dims = ["Hq"]},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%token, %batch, %head : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %token_: tensor<?xf32>, %batch_: tensor<?xf32>, %head_: tensor<?xf32>) {
      %tv = tensor.extract %token_[%i] : tensor<?xf32>
      %sum = arith.addf %s, %tv : f32
      %bv = tensor.extract %batch_[%b] : tensor<?xf32>
      %sum2 = arith.addf %sum, %bv : f32
      %hv = tensor.extract %head_[%h] : tensor<?xf32>
      %sum3 = arith.addf %sum2, %hv : f32
      attn.yield %sum3 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
