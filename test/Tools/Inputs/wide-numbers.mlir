// A limit that does not fit 32 bits, and a table of 64 bits whose elements do.
func.func @limit(%q: tensor<1x1x5x16xf32>, %n: i64 {attn.name = "limit", attn.values = array<i64: 1099511627776, 1099511627776>}, %o: tensor<1x1x5x16xf32>) -> tensor<1x1x5x16xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>)
    captures(%n : i64) outs(%o : tensor<1x1x5x16xf32>)
    mask(%b: index, %h: index, %i: index, %j: index, %m: i64) {
      %key = arith.index_cast %j : index to i64
      %keep = arith.cmpi slt, %key, %m : i64
      attn.yield %keep : i1
    } -> tensor<1x1x5x16xf32>
  return %r : tensor<1x1x5x16xf32>
}

func.func @table(%q: tensor<1x1x5x16xf32>, %t: tensor<5xi64> {attn.values = array<i64: 0, 9>}, %o: tensor<1x1x5x16xf32>) -> tensor<1x1x5x16xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>)
    captures(%t : tensor<5xi64>) outs(%o : tensor<1x1x5x16xf32>)
    mask(%b: index, %h: index, %i: index, %j: index, %limits: tensor<5xi64>) {
      %m = tensor.extract %limits[%i] : tensor<5xi64>
      %key = arith.index_cast %j : index to i64
      %keep = arith.cmpi sle, %key, %m : i64
      attn.yield %keep : i1
    } -> tensor<1x1x5x16xf32>
  return %r : tensor<1x1x5x16xf32>
}
