// The examples in the descriptions of AttnOps.td, which are lines of this file
// (test/Docs/examples.test).
// RUN: attn-opt %s --verify-roundtrip

func.func @attention(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %slopes: tensor<8xf32>, %o: tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>)
      captures(%slopes : tensor<8xf32>)
      outs(%o : tensor<2x8x64x32xf32>)
      {causal = #attn.causal<top_left>, window = #attn.window<left = 1024>}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %al: tensor<8xf32>) {
        %slope = tensor.extract %al[%h] : tensor<8xf32>
        %d = arith.subi %j, %i : index
        %di = arith.index_cast %d : index to i32
        %df = arith.sitofp %di : i32 to f32
        %bias = arith.mulf %slope, %df : f32
        %r = arith.addf %s, %bias : f32
        attn.yield %r : f32
      } -> tensor<2x8x64x32xf32>
  return %r : tensor<2x8x64x32xf32>
}

func.func @inside(%q: tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>)
      outs(%q : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %n = attn.kv_len : index
        attn.yield %s : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index) {
        %off = attn.q_offset : index
        %position = arith.addi %i, %off : index
        %n = attn.q_len : index
        %keep = arith.cmpi sle, %position, %n : index
        attn.yield %keep : i1
      } -> tensor<2x8x64x32xf32>
  return %r : tensor<2x8x64x32xf32>
}

func.func @merge(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf32>, %l2: tensor<1x2x8xf32>, %oi: tensor<1x2x8x16xf32>, %li: tensor<1x2x8xf32>) -> (tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) {
  %o, %lse = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>)
      outs(%oi, %li : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return %o, %lse : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
}

func.func @holes(%s: f32, %i32: i32, %j32: i32) -> (f32, i1) {
  %soft = attn.hole "score_hole"(%s, %i32, %j32) ["s", "i", "j"] : (f32, i32, i32) -> f32
  %keep = attn.hole "mask_hole"(%i32, %j32) ["i", "j"] tile_test "tile_hole" : (i32, i32) -> i1
  return %soft, %keep : f32, i1
}
