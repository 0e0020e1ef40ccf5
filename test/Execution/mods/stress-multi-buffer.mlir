// Score: s hs[h] + bb[b] + qb[i] + kb[j] + 0.1 rel[clamp(i - j + 512, 0,
// 1024)].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @stress_multi_buffer(%q: !t, %k: !t, %v: !t,
    %hs: tensor<?xf32> {attn.dims = ["Hq"]},
    %bb: tensor<?xf32> {attn.dims = ["B"]},
    %qb: tensor<?xf32> {attn.dims = ["Sq"]},
    %kb: tensor<?xf32> {attn.dims = ["Skv"]},
    %rel: tensor<1025xf32>,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%hs, %bb, %qb, %kb, %rel : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1025xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %hs_: tensor<?xf32>, %bb_: tensor<?xf32>, %qb_: tensor<?xf32>, %kb_: tensor<?xf32>, %rel_: tensor<1025xf32>) {
      %hv = tensor.extract %hs_[%h] : tensor<?xf32>
      %prod = arith.mulf %s, %hv : f32
      %bv = tensor.extract %bb_[%b] : tensor<?xf32>
      %sum = arith.addf %prod, %bv : f32
      %qv = tensor.extract %qb_[%i] : tensor<?xf32>
      %sum2 = arith.addf %sum, %qv : f32
      %kv = tensor.extract %kb_[%j] : tensor<?xf32>
      %sum3 = arith.addf %sum2, %kv : f32
      %diff = arith.subi %i, %j : index
      %c512 = arith.constant 512 : index
      %sum4 = arith.addi %diff, %c512 : index
      %c0 = arith.constant 0 : index
      %max = arith.maxsi %sum4, %c0 : index
      %c1024 = arith.constant 1024 : index
      %min = arith.minsi %max, %c1024 : index
      %rv = tensor.extract %rel_[%min] : tensor<1025xf32>
      %f0_1 = arith.constant 0.1 : f32
      %prod2 = arith.mulf %rv, %f0_1 : f32
      %sum5 = arith.addf %sum3, %prod2 : f32
      attn.yield %sum5 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
