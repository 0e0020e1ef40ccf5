// Mask: lo[image(j)] <= i < hi[image(j)], 32 keys an image.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @flamingo(%q: !t, %k: !t, %v: !t,
    %lo: tensor<8xi32> {attn.values = array<i64: 0, 64>, attn.rising},
    %hi: tensor<8xi32> {attn.values = array<i64: 65, 160>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%lo, %hi : tensor<8xi32>, tensor<8xi32>)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %lo_: tensor<8xi32>, %hi_: tensor<8xi32>) {
      %c32 = arith.constant 32 : index
      %quot = arith.floordivsi %j, %c32 : index
      %lv = tensor.extract %lo_[%quot] : tensor<8xi32>
      %at = arith.index_cast %lv : i32 to index
      %cond = arith.cmpi sge, %i, %at : index
      %quot2 = arith.floordivsi %j, %c32 : index
      %hv = tensor.extract %hi_[%quot2] : tensor<8xi32>
      %at2 = arith.index_cast %hv : i32 to index
      %cond2 = arith.cmpi slt, %i, %at2 : index
      %and = arith.andi %cond, %cond2 : i1
      attn.yield %and : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
