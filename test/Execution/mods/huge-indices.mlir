// Mask and score from index arithmetic past 32 bits that comes back: a block
// diagonal of 16 by (i + 2^31 - (2^31 mod 16)) / 16, a distance scaled by 2^33
// and divided again, bits moved up by 40 and down.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @huge_indices(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
      %scale = arith.constant 8589934592 : index
      %part = arith.constant 68719476736 : index
      %diff = arith.subi %i, %j : index
      %large = arith.muli %diff, %scale : index
      %small = arith.floordivsi %large, %part : index
      %int = arith.index_cast %small : index to i32
      %num = arith.sitofp %int : i32 to f32
      %step = arith.constant 0.0625 : f32
      %bias = arith.mulf %num, %step : f32
      %sum = arith.addf %s, %bias : f32
      attn.yield %sum : f32
    }
    mask(%b: index, %h: index, %i: index, %j: index) {
      %offset = arith.constant 2147483648 : index
      %c16 = arith.constant 16 : index
      %c40 = arith.constant 40 : index
      %c44 = arith.constant 44 : index
      %row = arith.addi %i, %offset : index
      %block = arith.floordivsi %row, %c16 : index
      %up = arith.shli %j, %c40 : index
      %down = arith.shrsi %up, %c44 : index
      %base = arith.constant 134217728 : index
      %column = arith.addi %down, %base : index
      %after = arith.cmpi sge, %block, %column : index
      attn.yield %after : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
