// Score: causal on positions relative to the offset of the document.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @njt_causal(%q: !t, %k: !t, %v: !t,
    %document: tensor<?xi32> {attn.dims = ["S"], attn.values = array<i64: 0, 3>, attn.rising},
    %offsets: tensor<4xi32> {attn.values = array<i64: 0, 64>, attn.rising},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%document, %offsets : tensor<?xi32>, tensor<4xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %document_: tensor<?xi32>, %offsets_: tensor<4xi32>) {
      %dv = tensor.extract %document_[%i] : tensor<?xi32>
      %dv2 = tensor.extract %document_[%j] : tensor<?xi32>
      %cond = arith.cmpi eq, %dv, %dv2 : i32
      %dv3 = tensor.extract %document_[%i] : tensor<?xi32>
      %at = arith.index_cast %dv3 : i32 to index
      %ov = tensor.extract %offsets_[%at] : tensor<4xi32>
      %at2 = arith.index_cast %ov : i32 to index
      %diff = arith.subi %i, %at2 : index
      %dv4 = tensor.extract %document_[%j] : tensor<?xi32>
      %at3 = arith.index_cast %dv4 : i32 to index
      %ov2 = tensor.extract %offsets_[%at3] : tensor<4xi32>
      %at4 = arith.index_cast %ov2 : i32 to index
      %diff2 = arith.subi %j, %at4 : index
      %cond2 = arith.cmpi sge, %diff, %diff2 : index
      %and = arith.andi %cond, %cond2 : i1
      %ninf = arith.constant 0xFF800000 : f32
      %pick = arith.select %and, %s, %ninf : f32
      attn.yield %pick : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
