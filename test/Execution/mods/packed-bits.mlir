// Mask: bit j % 32 of word[b, i, j / 32].
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @packed_bits(%q: !t, %k: !t, %v: !t,
    %word: tensor<?x?x8xi32> {attn.dims = ["B", "Sq", "words"], attn.values = array<i64: -2147483648, 2147483647>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%word : tensor<?x?x8xi32>)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index, %word_: tensor<?x?x8xi32>) {
      %c32 = arith.constant 32 : index
      %quot = arith.floordivsi %j, %c32 : index
      %wv = tensor.extract %word_[%b, %i, %quot] : tensor<?x?x8xi32>
      %rem = arith.remsi %j, %c32 : index
      %int = arith.index_cast %rem : index to i32
      %shift = arith.shrui %wv, %int : i32
      %k1 = arith.constant 1 : i32
      %and = arith.andi %shift, %k1 : i32
      %cond = arith.cmpi eq, %and, %k1 : i32
      attn.yield %cond : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
