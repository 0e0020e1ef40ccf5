// Score: s + table[(i - j) + 64]. The distance is clamped to the table.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @bias_rel_table(%q: !t, %k: !t, %v: !t,
    %table: tensor<129xf32>,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    captures(%table : tensor<129xf32>)
    outs(%o, %l : !t, !l)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table_: tensor<129xf32>) {
      %diff = arith.subi %i, %j : index
      %cm64 = arith.constant -64 : index
      %max = arith.maxsi %diff, %cm64 : index
      %c64 = arith.constant 64 : index
      %min = arith.minsi %max, %c64 : index
      %sum = arith.addi %min, %c64 : index
      %tv = tensor.extract %table_[%sum] : tensor<129xf32>
      %sum2 = arith.addf %s, %tv : f32
      attn.yield %sum2 : f32
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
