// RUN: attn-opt %s --attn-add-holes | FileCheck %s
// RUN: attn-opt %s --attn-add-holes=names=slope --verify-diagnostics | FileCheck %s --check-prefix=NAMED

// A region that is there goes on, ahead of sugar; captures that need no other
// index than the head are seen.
// CHECK-LABEL: func.func @captures(
// CHECK-SAME: %[[SLOPES:.*]]: tensor<2xf16>, %[[LIMIT:.*]]: i64, %[[IDS:.*]]: tensor<8xi32>
// CHECK: causal = #attn.causal<top_left>
// CHECK: score(%[[S:.*]]: f32, %[[B:.*]]: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[TABLE:.*]]: tensor<2xf16>, %[[L:.*]]: i64, %{{.*}}: tensor<8xi32>)
// CHECK-NEXT: %[[N:.*]] = arith.negf %[[S]]
// CHECK-NEXT: %[[B32:.*]] = arith.index_cast %[[B]] : index to i32
// CHECK-NEXT: %[[H32:.*]] = arith.index_cast %[[H]]
// CHECK-NEXT: %[[I32:.*]] = arith.index_cast %[[I]]
// CHECK-NEXT: %[[J32:.*]] = arith.index_cast %[[J]]
// CHECK-NEXT: %[[SLOPE:.*]] = tensor.extract %[[TABLE]][%[[H]]]
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[SLOPE]] : f16 to f32
// CHECK-NEXT: %[[NARROW:.*]] = arith.trunci %[[L]] : i64 to i32
// CHECK-NEXT: %[[HOLE:.*]] = attn.hole "score_hole"(%[[N]], %[[B32]], %[[H32]], %[[I32]], %[[J32]], %[[WIDE]], %[[NARROW]]) ["s", "b", "h", "i", "j", "capture0", "capture1"]
// CHECK-NEXT: attn.yield %[[HOLE]]
// CHECK: mask(
// CHECK: %[[KEEP:.*]] = arith.cmpi
// CHECK: %[[HOLE:.*]] = attn.hole "mask_hole"({{.*}}) ["b", "h", "i", "j", "capture0", "capture1"] tile_test "tile_hole"
// CHECK-NEXT: %[[BOTH:.*]] = arith.andi %[[KEEP]], %[[HOLE]] : i1
// CHECK-NEXT: attn.yield %[[BOTH]]

// NAMED: attn.hole "score_hole"({{.*}}) ["s", "b", "h", "i", "j", "slope", "capture1"]

// The second op has other functions.
// CHECK: attn.hole "score_hole1"
// CHECK: attn.hole "mask_hole1"{{.*}} tile_test "tile_hole1"
func.func @captures(%q: tensor<1x2x8x16xf32>, %slopes: tensor<2xf16>, %limit: i64, %ids: tensor<8xi32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  // expected-remark @+1 {{holes do not see capture #2, 'tensor<8xi32>', which has no number for each head; an attn.hole in a region may be given what is read from it}}
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
      captures(%slopes, %limit, %ids : tensor<2xf16>, i64, tensor<8xi32>)
      outs(%o : tensor<1x2x8x16xf32>) {causal = #attn.causal<top_left>}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %a: tensor<2xf16>, %l: i64, %d: tensor<8xi32>) {
        %n = arith.negf %s : f32
        attn.yield %n : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %a: tensor<2xf16>, %l: i64, %d: tensor<8xi32>) {
        %keep = arith.cmpi ne, %i, %j : index
        attn.yield %keep : i1
      } -> tensor<1x2x8x16xf32>
  // expected-remark @+1 {{holes do not see capture #2}}
  %t = attn.attention ins(%r, %q, %q : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
      captures(%slopes, %limit, %ids : tensor<2xf16>, i64, tensor<8xi32>)
      outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
  return %t : tensor<1x2x8x16xf32>
}

// A mask that is a captured flag.
// CHECK-LABEL: func.func @flag(
// CHECK: mask({{.*}}, %[[ON:.*]]: i1)
// CHECK: %[[HOLE:.*]] = attn.hole "mask_hole2"({{.*}}, %[[ON]]) ["b", "h", "i", "j", "capture0"] tile_test "tile_hole2"
// CHECK-NEXT: arith.andi %[[ON]], %[[HOLE]] : i1
func.func @flag(%q: memref<1x2x8x16xf32>, %on: i1, %o: memref<1x2x8x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x2x8x16xf32>, memref<1x2x8x16xf32>, memref<1x2x8x16xf32>)
      captures(%on : i1) outs(%o : memref<1x2x8x16xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %flag: i1) {
        attn.yield %flag : i1
      }
  return
}
