// RUN: attn-opt %s --transform-interpreter --canonicalize --cse --split-input-file | FileCheck %s

// Batch, heads and rows are tiled; a tile of 4 query heads reads the one key
// head of its group. The regions see shifted indices and the whole q_len.
!q = tensor<2x8x?x32xf32>
!kv = tensor<2x2x96x32xf32>
!l = tensor<2x8x?xf32>
// CHECK-LABEL: func @attention
// CHECK-SAME: %[[Q:[^:]*]]: tensor<2x8x?x32xf32>, %[[K:[^:]*]]: tensor<2x2x96x32xf32>, %[[V:[^:]*]]: tensor<2x2x96x32xf32>, %[[O:[^:]*]]: tensor<2x8x?x32xf32>, %[[L:[^:]*]]: tensor<2x8x?xf32>, %[[LEN:[^:]*]]: tensor<2xi32>, %[[SINK:[^:]*]]: tensor<8xf32>, %[[T:[^:]*]]: tensor<?xf32>
// CHECK: %[[SQ:.*]] = tensor.dim %[[Q]]
// CHECK: scf.for %[[B0:[^ ]+]] = {{.*}} iter_args(%[[OB:.*]] = %[[O]], %[[LB:.*]] = %[[L]])
// CHECK: scf.for %[[H0:[^ ]+]] =
// CHECK: scf.for %[[I0:[^ ]+]] =
// CHECK: %[[ROWS:.*]] = affine.min
// CHECK-DAG: %[[HK:.*]] = arith.divui %[[H0]], %{{.*}}
// CHECK-DAG: %[[QT:.*]] = tensor.extract_slice %[[Q]][%[[B0]], %[[H0]], %[[I0]], 0] [1, 4, %[[ROWS]], 32] [1, 1, 1, 1]
// CHECK-DAG: %[[KT:.*]] = tensor.extract_slice %[[K]][%[[B0]], %[[HK]], 0, 0] [1, 1, 96, 32] [1, 1, 1, 1]
// CHECK-DAG: %[[VT:.*]] = tensor.extract_slice %[[V]][%[[B0]], %[[HK]], 0, 0] [1, 1, 96, 32] [1, 1, 1, 1]
// CHECK-DAG: %[[LENT:.*]] = tensor.extract_slice %[[LEN]][%[[B0]]] [1] [1]
// CHECK-DAG: %[[SINKT:.*]] = tensor.extract_slice %[[SINK]][%[[H0]]] [4] [1]
// CHECK-DAG: %[[OT:.*]] = tensor.extract_slice %{{.*}}[%[[B0]], %[[H0]], %[[I0]], 0] [1, 4, %[[ROWS]], 32] [1, 1, 1, 1]
// CHECK-DAG: %[[LT:.*]] = tensor.extract_slice %{{.*}}[%[[B0]], %[[H0]], %[[I0]]] [1, 4, %[[ROWS]]] [1, 1, 1]
// CHECK: %[[R:.*]]:2 = attn.attention ins(%[[QT]], %[[KT]], %[[VT]] :
// CHECK-SAME: captures(%[[T]] : tensor<?xf32>) kv_len(%[[LENT]] : tensor<1xi32>) sink(%[[SINKT]] : tensor<4xf32>) outs(%[[OT]], %[[LT]] :
// CHECK: score(%[[S:.*]]: f32, %{{.*}}: index, %[[H:.*]]: index, %[[I:.*]]: index, %{{.*}}: index, %[[TS:.*]]: tensor<?xf32>)
// CHECK-DAG: %[[HS:.*]] = arith.addi %[[H]], %[[H0]]
// CHECK-DAG: %[[IS:.*]] = arith.addi %[[I]], %[[I0]]
// CHECK-DAG: %[[END:.*]] = arith.subi %[[SQ]], %[[IS]]
// CHECK: arith.addi %[[HS]], %[[END]]
// CHECK: mask(%[[B:.*]]: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %{{.*}})
// CHECK-DAG: %[[IS:.*]] = arith.addi %[[I]], %[[I0]]
// CHECK-DAG: %[[BS:.*]] = arith.addi %[[B]], %[[B0]]
// CHECK: %[[SUM:.*]] = arith.addi %[[IS]], %[[BS]]
// CHECK: arith.cmpi sle, %[[J]], %[[SUM]]
// CHECK: tensor.insert_slice %[[R]]#0 into %{{.*}}[%[[B0]], %[[H0]], %[[I0]], 0] [1, 4, %[[ROWS]], 32]
// CHECK: tensor.insert_slice %[[R]]#1 into %{{.*}}[%[[B0]], %[[H0]], %[[I0]]] [1, 4, %[[ROWS]]]
func.func @attention(%q: !q, %k: !kv, %v: !kv, %o: !q, %l: !l, %len: tensor<2xi32>, %sink: tensor<8xf32>, %t: tensor<?xf32>) -> (!q, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !q, !kv, !kv) captures(%t : tensor<?xf32>) kv_len(%len : tensor<2xi32>)
      sink(%sink : tensor<8xf32>) outs(%o, %l : !q, !l)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<?xf32>) {
        %n = attn.q_len : index
        %end = arith.subi %n, %i : index
        %at = arith.addi %h, %end : index
        %x = tensor.extract %table[%at] : tensor<?xf32>
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<?xf32>) {
        %sum = arith.addi %i, %b : index
        %keep = arith.cmpi sle, %j, %sum : index
        attn.yield %keep : i1
      } -> !q, !l
  return %r#0, %r#1 : !q, !l
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:3 = transform.structured.tile_using_for %op tile_sizes [1, 4, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Memrefs in another layout, whole groups of heads, threads instead of a loop.
!q = memref<2x64x8x32xf32>
!kv = memref<96x2x4x32xf32>
// CHECK-LABEL: func @memrefs
// CHECK: scf.forall
// CHECK: %[[H:.*]] = affine.apply
// CHECK: %[[HK:.*]] = arith.divui %[[H]], %{{.*}}
// CHECK: memref.subview %{{.*}}[0, 0, %[[H]], 0] [2, 64, 4, 32]
// CHECK: memref.subview %{{.*}}[0, 0, %[[HK]], 0] [96, 2, 2, 32]
// CHECK: attn.attention
func.func @memrefs(%q: !q, %k: !kv, %v: !kv, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !kv, !kv) outs(%o : !q)
      {q_layout = #attn.layout<bshd>, k_layout = #attn.layout<sbhd>, v_layout = #attn.layout<sbhd>, o_layout = #attn.layout<bshd>}
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [0, 4, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Dynamic numbers of heads: one head at a time finds its key head.
!q = tensor<?x?x?x32xf32>
// CHECK-LABEL: func @dynamic_heads
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x?x?x32xf32>, %[[K:[^:]*]]: tensor<?x?x?x32xf32>
// CHECK: scf.for %[[H:[^ ]+]] =
// CHECK: %[[HKV:.*]] = tensor.dim %[[K]], %{{.*}}
// CHECK: %[[GROUP:.*]] = arith.divui %{{.*}}, %[[HKV]]
// CHECK: %[[HK:.*]] = arith.divui %[[H]], %[[GROUP]]
// CHECK: tensor.extract_slice %[[K]][0, %[[HK]], 0, 0] [%{{.*}}, 1, %{{.*}}, 32]
func.func @dynamic_heads(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) -> !q
  return %r : !q
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 1, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A page pool is cut by key heads only, its table by batch; rows alone need no
// head to be known.
!q = tensor<4x8x1x32xf16>
!pool = tensor<?x2x16x32xf16>
// CHECK-LABEL: func @paged
// CHECK: scf.for %[[B:[^ ]+]] =
// CHECK: %[[QT:.*]] = tensor.extract_slice %{{.*}}[%[[B]], 0, 0, 0] [2, 8, 1, 32]
// CHECK: %[[TT:.*]] = tensor.extract_slice %{{.*}}[%[[B]], 0] [2, %{{.*}}]
// CHECK: attn.attention ins(%[[QT]], %{{.*}}, %{{.*}} : tensor<2x8x1x32xf16>, tensor<?x2x16x32xf16>, tensor<?x2x16x32xf16>) {{.*}} page_table(%[[TT]] :
func.func @paged(%q: !q, %k: !pool, %v: !pool, %o: !q, %t: tensor<4x?xi32>, %n: tensor<4xi32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !pool, !pool) kv_len(%n : tensor<4xi32>) page_table(%t : tensor<4x?xi32>) outs(%o : !q) -> !q
  return %r : !q
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2, 0, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Partial states, and two merged ones, are fused into the loop over the tiles of
// all three.
!q = tensor<1x2x64x16xf32>
!l = tensor<1x2x64xf32>
// CHECK-LABEL: func @fuse
// CHECK: scf.for %[[H:[^ ]+]] =
// CHECK: scf.for %[[I:[^ ]+]] =
// CHECK: attn.attention {{.*}} tensor<1x1x8x16xf32>
// CHECK: attn.attention {{.*}} tensor<1x1x8x16xf32>
// CHECK: attn.merge {{.*}} -> tensor<1x1x8x16xf32>, tensor<1x1x8xf32>
// CHECK: attn.attention {{.*}} tensor<1x1x8x16xf32>
// CHECK: attn.merge {{.*}} -> tensor<1x1x8x16xf32>, tensor<1x1x8xf32>
func.func @fuse(%q: !q, %k1: !q, %v1: !q, %k2: !q, %v2: !q, %k3: !q, %v3: !q, %o: !q, %l: !l) -> (!q, !l) {
  %a:2 = attn.attention ins(%q, %k1, %v1 : !q, !q, !q) outs(%o, %l : !q, !l) -> !q, !l
  %b:2 = attn.attention ins(%q, %k2, %v2 : !q, !q, !q) outs(%o, %l : !q, !l) -> !q, !l
  %c:2 = attn.attention ins(%q, %k3, %v3 : !q, !q, !q) outs(%o, %l : !q, !l) -> !q, !l
  %m:2 = attn.merge ins(%a#0, %a#1, %b#0, %b#1 : !q, !l, !q, !l) outs(%o, %l : !q, !l) -> !q, !l
  %r:2 = attn.merge ins(%m#0, %m#1, %c#0, %c#1 : !q, !l, !q, !l) outs(%o, %l : !q, !l) -> !q, !l
  return %r#0, %r#1 : !q, !l
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %merges = transform.structured.match ops{["attn.merge"]} in %root : (!transform.any_op) -> !transform.any_op
    %first, %op = transform.split_handle %merges : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %tiled, %loops:2 = transform.structured.fuse %op tile_sizes [0, 1, 8] {apply_cleanup} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
