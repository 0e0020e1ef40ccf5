// RUN: attn-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize --split-input-file | FileCheck %s --implicit-check-not=bufferization. --implicit-check-not=tensor
// RUN: attn-opt %s --attn-expand-sugar --attn-simplify-regions --one-shot-bufferize="bufferize-function-boundaries" --split-input-file | FileCheck %s --check-prefix=EXPANDED --implicit-check-not=to_buffer --implicit-check-not=tensor

// Both destinations are written in place: nothing is copied.
!q = tensor<2x8x64x32xf32>
!l = tensor<2x8x64xf32>
// CHECK-LABEL: func @in_place
// CHECK-SAME: %[[Q:[^:]*]]: memref<2x8x64x32xf32>, %[[K:[^:]*]]: memref<2x8x64x32xf32>, %[[V:[^:]*]]: memref<2x8x64x32xf32>, %[[O:[^:]*]]: memref<2x8x64x32xf32>, %[[L:[^:]*]]: memref<2x8x64xf32>
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: attn.attention ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[O]], %[[L]] :
// CHECK: return %[[O]], %[[L]]
func.func @in_place(%q: !q, %k: !q, %v: !q, %o: !q, %l: !l) -> (!q, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o, %l : !q, !l) -> !q, !l
  return %r#0, %r#1 : !q, !l
}

// -----

// A captured tensor enters both regions as a memref, a captured scalar as it is.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @captures
// CHECK-SAME: %[[T:[^:]*]]: memref<?xf32>, %[[N:[^:]*]]: index
// CHECK: captures(%[[T]], %[[N]] : memref<?xf32>, index)
// CHECK: score(%[[S:.*]]: f32, %{{.*}}, %[[J:.*]]: index, %[[TS:.*]]: memref<?xf32>, %{{.*}}: index) {
// CHECK: %[[X:.*]] = memref.load %[[TS]][%[[J]]]
// CHECK: arith.addf %[[S]], %[[X]]
// CHECK: mask(%{{.*}}: memref<?xf32>, %{{.*}}: index) {
// CHECK: memref.dim
func.func @captures(%q: !q, %k: !q, %v: !q, %o: !q, %t: tensor<?xf32>, %n: index) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t, %n : tensor<?xf32>, index) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<?xf32>, %m: index) {
        %x = tensor.extract %table[%j] : tensor<?xf32>
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<?xf32>, %m: index) {
        %c0 = arith.constant 0 : index
        %size = tensor.dim %table, %c0 : tensor<?xf32>
        %end = arith.minsi %size, %m : index
        %keep = arith.cmpi slt, %j, %end : index
        attn.yield %keep : i1
      } -> !q
  return %r : !q
}

// -----

// q is read while o is written, so o gets a buffer of its own, whose old content
// is not copied; a write to the table after the op needs no copy.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @conflicts
// CHECK-SAME: %[[Q:[^:]*]]: memref<2x8x64x32xf32>, %[[K:[^:]*]]: memref<2x8x64x32xf32>, %[[V:[^:]*]]: memref<2x8x64x32xf32>, %[[T:[^:]*]]: memref<64xf32>
// CHECK: %[[O:.*]] = memref.alloc
// CHECK-NOT: memref.copy
// CHECK: attn.attention ins(%[[Q]], %[[K]], %[[V]] :{{.*}} captures(%[[T]] :{{.*}} outs(%[[O]] :
// CHECK: memref.store %{{.*}}, %[[T]]
// CHECK: return %[[O]], %[[T]]
func.func @conflicts(%q: !q, %k: !q, %v: !q, %t: tensor<64xf32>) -> (!q, tensor<64xf32>) {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : tensor<64xf32>) outs(%q : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<64xf32>) {
        %x = tensor.extract %table[%j] : tensor<64xf32>
        attn.yield %x : f32
      } -> !q
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %after = tensor.insert %zero into %t[%c0] : tensor<64xf32>
  return %r, %after : !q, tensor<64xf32>
}

// -----

// Expansion, simplification and bufferisation in a row, with the layouts that
// function boundaries have by default.
!q = tensor<?x8x?x32xbf16>
// EXPANDED-LABEL: func @pipeline
// EXPANDED: captures(%{{.*}} : memref<8xf32, strided<[?], offset: ?>>)
// EXPANDED: score({{.*}}, %[[SL:.*]]: memref<8xf32, strided<[?], offset: ?>>)
// EXPANDED: memref.load %[[SL]]
// EXPANDED: mask(
// EXPANDED: arith.cmpi sle
func.func @pipeline(%q: !q, %k: !q, %v: !q, %o: !q, %slopes: tensor<8xf32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) alibi(%slopes : tensor<8xf32>) outs(%o : !q)
      {causal = #attn.causal<top_left>} -> !q
  return %r : !q
}

// -----

!o = tensor<1x2x8x16xf32>
!l = tensor<1x2x8xf32>
// CHECK-LABEL: func @merge
// CHECK-NOT: memref.copy
// CHECK: attn.merge ins({{.*}}) outs(%[[O:.*]], %[[L:.*]] : memref<1x2x8x16xf32>, memref<1x2x8xf32>)
// CHECK: return %[[O]], %[[L]]
func.func @merge(%o1: !o, %l1: !l, %o2: !o, %l2: !l) -> (!o, !l) {
  %oi = tensor.empty() : !o
  %li = tensor.empty() : !l
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : !o, !l, !o, !l) outs(%oi, %li : !o, !l) -> !o, !l
  return %r#0, %r#1 : !o, !l
}
