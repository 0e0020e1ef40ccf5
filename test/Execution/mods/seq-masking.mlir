// Score: seq[i] == seq[j] ? s : -inf, one id for each half of a sequence.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @seq_masking(%q: !t, %k: !t, %v: !t,
    %seq: tensor<?xi32> {attn.dims = ["S"], attn.values = array<i64: 0, 1>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%seq : tensor<?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %seq_: tensor<?xi32>) {
      %sv = tensor.extract %seq_[%i] : tensor<?xi32>
      %sv2 = tensor.extract %seq_[%j] : tensor<?xi32>
      %cond = arith.cmpi eq, %sv, %sv2 : i32
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %cond, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
