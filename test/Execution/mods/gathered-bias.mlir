// Score: s + table[index[i, j], h], a 7x7 window.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @gathered_bias(%q: !t, %k: !t, %v: !t,
    %table: tensor<169x?xf32> {attn.dims = ["distances", "Hq"]},
    %gather: tensor<?x?xi32> {attn.dims = ["Sq", "Skv"], attn.values = array<i64: 0, 168>},
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%table, %gather : tensor<169x?xf32>, tensor<?x?xi32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table_: tensor<169x?xf32>, %gather_: tensor<?x?xi32>) {
      %gv = tensor.extract %gather_[%i, %j] : tensor<?x?xi32>
      %at = arith.index_cast %gv : i32 to index
      %tv = tensor.extract %table_[%at, %h] : tensor<169x?xf32>
      %sum = arith.addf %s, %tv : f32
      attn.yield %sum : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
