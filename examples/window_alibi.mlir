// A variant of one's own: a sliding window of 256 keys and a bias that falls
// with the distance, faster or slower by head (ALiBi), as two regions. No pass
// knows this variant; tiles outside of the window are skipped all the same.
// RUN: attn-run %s --random=B=1,Sq=600,Skv=600 --check=reference | FileCheck %s
// CHECK: output 0 (1x8x600x64xf32): matches the reference

func.func @window_alibi(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x?x64xf32>, %v: tensor<?x8x?x64xf32>,
                        %slopes: tensor<8xf32>, %o: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      captures(%slopes : tensor<8xf32>)
      outs(%o : tensor<?x8x?x64xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<8xf32>) {
        %slope = tensor.extract %table[%h] : tensor<8xf32>
        %distance = arith.subi %j, %i : index
        %d32 = arith.index_cast %distance : index to i32
        %d = arith.sitofp %d32 : i32 to f32
        %bias = arith.mulf %slope, %d : f32
        %biased = arith.addf %s, %bias : f32
        attn.yield %biased : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<8xf32>) {
        %c256 = arith.constant 256 : index
        %distance = arith.subi %i, %j : index
        %causal = arith.cmpi sle, %j, %i : index
        %near = arith.cmpi slt, %distance, %c256 : index
        %keep = arith.andi %causal, %near : i1
        attn.yield %keep : i1
      } -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}
