// Sizes of results are those of the tensors that they are written to.
// RUN: attn-opt %s --resolve-ranked-shaped-type-result-dims | FileCheck %s

!t = tensor<?x?x?x16xf32>
!l = tensor<?x?x?xf32>

// CHECK-LABEL: func @attention
// CHECK-SAME: %[[O:[^:]*]]: tensor<?x?x?x16xf32>, %[[L:[^:]*]]: tensor<?x?x?xf32>)
// CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[O]], %c2
// CHECK-DAG: %[[HEADS:.*]] = tensor.dim %[[L]], %c1
// CHECK: return %[[ROWS]], %[[HEADS]]
func.func @attention(%q: !t, %k: !t, %v: !t, %o: !t, %l: !l) -> (index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o, %l : !t, !l) -> !t, !l
  %rows = tensor.dim %r#0, %c2 : !t
  %heads = tensor.dim %r#1, %c1 : !l
  return %rows, %heads : index, index
}

// CHECK-LABEL: func @merge
// CHECK-SAME: %[[O:[^:]*]]: tensor<?x?x?x16xf32>, %[[L:[^:]*]]: tensor<?x?x?xf32>)
// CHECK: %[[ROWS:.*]] = tensor.dim %[[L]], %c2
// CHECK: return %[[ROWS]]
func.func @merge(%a: !t, %la: !l, %b: !t, %lb: !l, %o: !t, %l: !l) -> index {
  %c2 = arith.constant 2 : index
  %r:2 = attn.merge ins(%a, %la, %b, %lb : !t, !l, !t, !l) outs(%o, %l : !t, !l) -> !t, !l
  %rows = tensor.dim %r#1, %c2 : !l
  return %rows : index
}
