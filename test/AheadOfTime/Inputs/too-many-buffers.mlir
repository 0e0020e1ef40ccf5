// More storage buffers than any device is asked for.
!t = tensor<1x4x?x16xf32>
func.func @tables(%q: !t, %k: !t, %v: !t, %t0: tensor<4xf32>, %t1: tensor<4xf32>, %t2: tensor<4xf32>, %t3: tensor<4xf32>, %t4: tensor<4xf32>, %t5: tensor<4xf32>, %t6: tensor<4xf32>, %t7: tensor<4xf32>, %t8: tensor<4xf32>, %t9: tensor<4xf32>, %t10: tensor<4xf32>, %t11: tensor<4xf32>, %t12: tensor<4xf32>, %t13: tensor<4xf32>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t)
      captures(%t0, %t1, %t2, %t3, %t4, %t5, %t6, %t7, %t8, %t9, %t10, %t11, %t12, %t13 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %x0: tensor<4xf32>, %x1: tensor<4xf32>, %x2: tensor<4xf32>, %x3: tensor<4xf32>, %x4: tensor<4xf32>, %x5: tensor<4xf32>, %x6: tensor<4xf32>, %x7: tensor<4xf32>, %x8: tensor<4xf32>, %x9: tensor<4xf32>, %x10: tensor<4xf32>, %x11: tensor<4xf32>, %x12: tensor<4xf32>, %x13: tensor<4xf32>) {
        %e0 = tensor.extract %x0[%h] : tensor<4xf32>
        %s0 = arith.addf %s, %e0 : f32
        %e1 = tensor.extract %x1[%h] : tensor<4xf32>
        %s1 = arith.addf %s0, %e1 : f32
        %e2 = tensor.extract %x2[%h] : tensor<4xf32>
        %s2 = arith.addf %s1, %e2 : f32
        %e3 = tensor.extract %x3[%h] : tensor<4xf32>
        %s3 = arith.addf %s2, %e3 : f32
        %e4 = tensor.extract %x4[%h] : tensor<4xf32>
        %s4 = arith.addf %s3, %e4 : f32
        %e5 = tensor.extract %x5[%h] : tensor<4xf32>
        %s5 = arith.addf %s4, %e5 : f32
        %e6 = tensor.extract %x6[%h] : tensor<4xf32>
        %s6 = arith.addf %s5, %e6 : f32
        %e7 = tensor.extract %x7[%h] : tensor<4xf32>
        %s7 = arith.addf %s6, %e7 : f32
        %e8 = tensor.extract %x8[%h] : tensor<4xf32>
        %s8 = arith.addf %s7, %e8 : f32
        %e9 = tensor.extract %x9[%h] : tensor<4xf32>
        %s9 = arith.addf %s8, %e9 : f32
        %e10 = tensor.extract %x10[%h] : tensor<4xf32>
        %s10 = arith.addf %s9, %e10 : f32
        %e11 = tensor.extract %x11[%h] : tensor<4xf32>
        %s11 = arith.addf %s10, %e11 : f32
        %e12 = tensor.extract %x12[%h] : tensor<4xf32>
        %s12 = arith.addf %s11, %e12 : f32
        %e13 = tensor.extract %x13[%h] : tensor<4xf32>
        %s13 = arith.addf %s12, %e13 : f32
        attn.yield %s13 : f32
      } -> !t
  return %r : !t
}
