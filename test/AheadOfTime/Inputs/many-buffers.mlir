// More storage buffers than every device binds.
!t = tensor<1x4x?x16xf32>
func.func @many(%q: !t, %k: !t, %v: !t, %slopes: tensor<4xf32>, %sinks: tensor<4xf32>, %ids: tensor<1x?xi32>, %o: !t, %l: tensor<1x4x?xf32>) -> (!t, tensor<1x4x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%ids : tensor<1x?xi32>)
      alibi(%slopes : tensor<4xf32>) sink(%sinks : tensor<4xf32>)
      outs(%o, %l : !t, tensor<1x4x?xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %x: tensor<1x?xi32>) {
    %c = tensor.extract %x[%b, %i] : tensor<1x?xi32>
    %d = tensor.extract %x[%b, %j] : tensor<1x?xi32>
    %e = arith.cmpi eq, %c, %d : i32
    attn.yield %e : i1
  }
      -> !t, tensor<1x4x?xf32>
  return %r#0, %r#1 : !t, tensor<1x4x?xf32>
}
