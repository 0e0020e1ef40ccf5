// RUN: attn-opt %s --attn-simplify-regions --split-input-file | FileCheck %s

!q = tensor<2x8x64x32xf32>

// Rule 14: the way peers write causal masking; the score region is gone.
// CHECK-LABEL: func @causal_score
// CHECK-NOT: score
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index) {
// CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi sle, %[[J]], %[[I]] : index
// CHECK-NEXT: attn.yield %[[KEEP]] : i1
func.func @causal_score(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %ninf = arith.constant 0xFF800000 : f32
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        %t = arith.select %keep, %s, %ninf : f32
        attn.yield %t : f32
      } -> !q
  return %r : !q
}

// -----

// The other polarity, ANDed to a mask that is there; the kept value survives.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @negated
// CHECK: score(%[[S:.*]]: f32,
// CHECK-NEXT: %[[NEG:.*]] = arith.negf %[[S]]
// CHECK-NEXT: attn.yield %[[NEG]]
// CHECK: mask(%[[B:.*]]: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index) {
// CHECK-DAG: %[[USER:.*]] = arith.cmpi ne, %[[J]], %[[B]]
// CHECK-DAG: %[[MOVED:.*]] = arith.cmpi sle, %[[J]], %[[I]]
// CHECK: %[[KEEP:.*]] = arith.andi %[[USER]], %[[MOVED]]
// CHECK: attn.yield %[[KEEP]]
func.func @negated(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %ninf = arith.constant 0xFF800000 : f32
        %n = arith.negf %s : f32
        %hidden = arith.cmpi sgt, %j, %i : index
        %t = arith.select %hidden, %ninf, %n : f32
        attn.yield %t : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index) {
        %ne = arith.cmpi ne, %j, %b : index
        attn.yield %ne : i1
      } -> !q
  return %r : !q
}

// -----

// A captured table in the condition: the read moves along, the capture stays.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @document
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<64xi32>, %[[UNUSED:[^:]*]]: tensor<7xf32>
// CHECK: captures(%[[IDS]] : tensor<64xi32>) outs
// CHECK-NOT: score
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[T:.*]]: tensor<64xi32>) {
// CHECK-DAG: %[[DI:.*]] = tensor.extract %[[T]][%[[I]]]
// CHECK-DAG: %[[DJ:.*]] = tensor.extract %[[T]][%[[J]]]
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[DI]], %[[DJ]] : i32
// CHECK: attn.yield %[[SAME]]
func.func @document(%q: !q, %k: !q, %v: !q, %o: !q, %ids: tensor<64xi32>, %unused: tensor<7xf32>) -> !q {
  %ninf = arith.constant 0xFF800000 : f32
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%unused, %ids : tensor<7xf32>, tensor<64xi32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %u: tensor<7xf32>, %t: tensor<64xi32>) {
        %di = tensor.extract %t[%i] : tensor<64xi32>
        %dj = tensor.extract %t[%j] : tensor<64xi32>
        %same = arith.cmpi eq, %di, %dj : i32
        %x = arith.select %same, %s, %ninf : f32
        attn.yield %x : f32
      } -> !q
  return %r : !q
}

// -----

// Nested selects: the inner -inf counts only where the outer select picks it.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @nested
// CHECK-NOT: 0xFF800000
// CHECK: mask(%{{.*}}: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index) {
// CHECK-DAG: %[[CAUSAL:.*]] = arith.cmpi sle, %[[J]], %[[I]]
// CHECK-DAG: %[[GLOBAL:.*]] = arith.cmpi uge, %[[H]],
// CHECK: %[[KEEP:.*]] = arith.ori %[[GLOBAL]], %[[CAUSAL]]
// CHECK: attn.yield %[[KEEP]]
func.func @nested(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %ninf = arith.constant 0xFF800000 : f32
        %c4 = arith.constant 4 : index
        %local = arith.cmpi ult, %h, %c4 : index
        %causal = arith.cmpi sle, %j, %i : index
        %double = arith.addf %s, %s : f32
        %x = arith.select %causal, %s, %ninf : f32
        %y = arith.select %local, %x, %double : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}

// -----

// scf.if is a select when both sides can be speculated.
!q = memref<2x8x64x32xf32>
// CHECK-LABEL: func @branches
// CHECK-NOT: scf.if
// CHECK: score(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[J:.*]]: index, %[[T:.*]]: memref<64xf32>)
// CHECK-NEXT: %[[ADD:.*]] = memref.load %[[T]][%[[J]]]
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[S]], %[[ADD]]
// CHECK-NEXT: attn.yield %[[SUM]]
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %{{.*}}: memref<64xf32>)
// CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi sle, %[[J]], %[[I]]
// CHECK-NEXT: attn.yield %[[KEEP]]
func.func @branches(%q: !q, %k: !q, %v: !q, %o: !q, %t: memref<64xf32>) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : memref<64xf32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: memref<64xf32>) {
        %ninf = arith.constant 0xFF800000 : f32
        %keep = arith.cmpi sle, %j, %i : index
        %r = scf.if %keep -> f32 {
          %add = memref.load %table[%j] : memref<64xf32>
          %sum = arith.addf %s, %add : f32
          scf.yield %sum : f32
        } else {
          scf.yield %ninf : f32
        }
        attn.yield %r : f32
      }
  return
}

// -----

// Arithmetic after the select: -inf survives a bounded addition and a positive
// factor, so the condition moves.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @bounded_after
// CHECK: score(%[[S:.*]]: f32
// CHECK-NOT: arith.select
// CHECK: %[[HALF:.*]] = arith.mulf %[[S]],
// CHECK: %[[SUM:.*]] = arith.addf %[[HALF]],
// CHECK: attn.yield %[[SUM]]
// CHECK: mask(
// CHECK: arith.cmpi sle
func.func @bounded_after(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %ninf = arith.constant 0xFF800000 : f32
        %half = arith.constant 0.5 : f32
        %keep = arith.cmpi sle, %j, %i : index
        %x = arith.select %keep, %s, %ninf : f32
        %y = arith.mulf %x, %half : f32
        %d = arith.subi %j, %i : index
        %d32 = arith.index_cast %d : index to i32
        %df = arith.sitofp %d32 : i32 to f32
        %slope = arith.mulf %df, %half : f32
        %z = arith.addf %y, %slope : f32
        attn.yield %z : f32
      } -> !q
  return %r : !q
}

// -----

// Not exact, so nothing moves: a captured bias may be +inf or NaN, a negative
// factor turns -inf into +inf, -inf added to a NaN score stays NaN.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @unbounded_after
// CHECK: arith.select
// CHECK: arith.addf
// CHECK-NOT: mask
// CHECK-LABEL: func @negative_factor
// CHECK: arith.select
// CHECK-NOT: mask
// CHECK-LABEL: func @added_mask
// CHECK: arith.select
// CHECK-NOT: mask
func.func @unbounded_after(%q: !q, %k: !q, %v: !q, %o: !q, %t: tensor<64xf32>) -> !q {
  %ninf = arith.constant 0xFF800000 : f32
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : tensor<64xf32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<64xf32>) {
        %keep = arith.cmpi sle, %j, %i : index
        %x = arith.select %keep, %s, %ninf : f32
        %bias = tensor.extract %table[%j] : tensor<64xf32>
        %y = arith.addf %x, %bias : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}
func.func @negative_factor(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %ninf = arith.constant 0xFF800000 : f32
  %minus = arith.constant -2.0 : f32
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        %x = arith.select %keep, %s, %ninf : f32
        %y = arith.mulf %x, %minus : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}
func.func @added_mask(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %ninf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        %x = arith.select %keep, %zero, %ninf : f32
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}

// -----

// A condition on the score itself stays; so does a large finite number (rule 15).
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @on_score
// CHECK: arith.select
// CHECK-NOT: mask
// CHECK-LABEL: func @finite
// CHECK: arith.select
// CHECK-NOT: mask
func.func @on_score(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %ninf = arith.constant 0xFF800000 : f32
        %zero = arith.constant 0.0 : f32
        %keep = arith.cmpf ogt, %s, %zero : f32
        %x = arith.select %keep, %s, %ninf : f32
        attn.yield %x : f32
      } -> !q
  return %r : !q
}
func.func @finite(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %low = arith.constant -1.0e5 : f32
        %keep = arith.cmpi sle, %j, %i : index
        %x = arith.select %keep, %s, %low : f32
        attn.yield %x : f32
      } -> !q
  return %r : !q
}

// -----

// What regions ask of the op folds where the op fixes it; constants stay in the
// region; an all-true mask goes, an all-false one stays.
!q = tensor<?x8x64x32xf32>
// CHECK-LABEL: func @fold
// CHECK-NEXT: attn.attention
// CHECK-NOT: attn.q_offset
// CHECK-NOT: attn.q_len
// CHECK: score(%[[S:.*]]: f32
// CHECK-NEXT: %[[C:.*]] = arith.constant 6.400000e+01 : f32
// CHECK-NEXT: %[[Y:.*]] = arith.mulf %[[S]], %[[C]]
// CHECK-NEXT: attn.yield %[[Y]]
// CHECK-NOT: mask
// CHECK-LABEL: func @nothing_attended
// CHECK: mask
// CHECK-NEXT: %[[F:.*]] = arith.constant false
// CHECK-NEXT: attn.yield %[[F]]
func.func @fold(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %off = attn.q_offset : index
        %n = attn.q_len : index
        %sum = arith.addi %off, %n : index
        %sum32 = arith.index_cast %sum : index to i32
        %f = arith.sitofp %sum32 : i32 to f32
        %y = arith.mulf %s, %f : f32
        attn.yield %y : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index) {
        %off = attn.q_offset : index
        %z = arith.cmpi sge, %off, %off : index
        attn.yield %z : i1
      } -> !q
  return %r : !q
}
func.func @nothing_attended(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %z = arith.cmpi slt, %i, %i : index
        attn.yield %z : i1
      } -> !q
  return %r : !q
}

// -----

// A kv_len operand keeps attn.kv_len. A division that may trap runs, too: what
// it is given is attn-make-total's concern.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @kept
// CHECK: attn.kv_len
// CHECK-NOT: scf.if
// CHECK: %[[D:.*]] = arith.divsi
// CHECK: arith.select %{{.*}}, %[[D]]
func.func @kept(%q: !q, %k: !q, %v: !q, %o: !q, %n: index) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) kv_len(%n : index) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0 : index
        %len = attn.kv_len : index
        %ok = arith.cmpi ne, %i, %zero : index
        %ratio = scf.if %ok -> index {
          %d = arith.divsi %len, %i : index
          scf.yield %d : index
        } else {
          scf.yield %zero : index
        }
        %keep = arith.cmpi slt, %ratio, %j : index
        attn.yield %keep : i1
      } -> !q
  return %r : !q
}
