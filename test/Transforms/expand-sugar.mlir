// RUN: attn-opt %s --attn-expand-sugar --split-input-file | FileCheck %s --implicit-check-not=approx_tanh --implicit-check-not=causal --implicit-check-not=softcap
// RUN: attn-opt %s --attn-expand-sugar --canonicalize --split-input-file | attn-opt --split-input-file > /dev/null

!q = tensor<2x8x64x32xf32>
!kv = tensor<2x2x96x32xf32>

// Rule 10: softcap, then ALiBi, then bias, after the user's score region.
// CHECK-LABEL: func @score_order
// CHECK-SAME: %[[SLOPES:[^:]+]]: tensor<8xf32>, %[[BIAS:[^:]+]]: tensor<64x96xbf16>
// CHECK: captures(%[[SLOPES]], %[[BIAS]] : tensor<8xf32>, tensor<64x96xbf16>)
// CHECK-NOT: alibi
// CHECK: score(%[[S:.*]]: f32, %{{.*}}: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[SL:.*]]: tensor<8xf32>, %[[BI:.*]]: tensor<64x96xbf16>)
// CHECK: %[[USER:.*]] = arith.negf %[[S]]
// softcap 50: 50 * tanh(s / 50)
// CHECK: %[[INV:.*]] = arith.constant 2.000000e-02 : f32
// CHECK: %[[SCALED:.*]] = arith.mulf %[[USER]], %[[INV]]
// CHECK: %[[TANH:.*]] = math.tanh %[[SCALED]] : f32
// CHECK: %[[CAP:.*]] = arith.constant 5.000000e+01 : f32
// CHECK: %[[CAPPED:.*]] = arith.mulf %[[CAP]], %[[TANH]]
// CHECK: %[[SLOPE:.*]] = tensor.extract %[[SL]][%[[H]]]
// CHECK: %[[D:.*]] = arith.subi %[[I]], %[[J]] : index
// CHECK: %[[D32:.*]] = arith.index_cast %[[D]] : index to i32
// CHECK: %[[DF:.*]] = arith.sitofp %[[D32]] : i32 to f32
// CHECK: %[[ABS:.*]] = math.absf %[[DF]]
// CHECK: %[[PENALTY:.*]] = arith.mulf %[[SLOPE]], %[[ABS]]
// CHECK: %[[ALIBI:.*]] = arith.subf %[[CAPPED]], %[[PENALTY]]
// CHECK: %[[B16:.*]] = tensor.extract %[[BI]][%[[I]], %[[J]]]
// CHECK: %[[B32:.*]] = arith.extf %[[B16]] : bf16 to f32
// CHECK: %[[SUM:.*]] = arith.addf %[[ALIBI]], %[[B32]]
// CHECK: attn.yield %[[SUM]] : f32
// CHECK-NOT: mask
func.func @score_order(%q: !q, %k: !kv, %v: !kv, %o: !q, %slopes: tensor<8xf32>, %bias: tensor<64x96xbf16>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !kv, !kv)
      alibi(%slopes : tensor<8xf32>) bias(%bias : tensor<64x96xbf16>) outs(%o : !q) {softcap = 50.0 : f32}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %n = arith.negf %s : f32
        attn.yield %n : f32
      } -> !q
  return %r : !q
}

// -----

// Every mask is ANDed to the user's; captures of the op keep their place.
!q = tensor<?x8x?x32xf32>
!m = tensor<?x1x?x?xi1>
!seg = tensor<?x?xi32>
// CHECK-LABEL: func @mask_order
// CHECK: captures(%[[LIMIT:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : index, i32, tensor<?x?xi32>, tensor<?x?xi32>, tensor<?x1x?x?xi1>)
// CHECK-NOT: prefix(
// CHECK-NOT: segments(
// CHECK-NOT: mask_tensor(
// CHECK: q_offset(%{{.*}} : tensor<?xi32>)
// CHECK: mask(%[[B:.*]]: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[L:.*]]: index, %[[P:.*]]: i32, %[[QS:.*]]: tensor<?x?xi32>, %[[KS:.*]]: tensor<?x?xi32>, %[[M:.*]]: tensor<?x1x?x?xi1>)
// CHECK: %[[USER:.*]] = arith.cmpi ne, %[[J]], %[[L]]
// CHECK: %[[OFF:.*]] = attn.q_offset : index
// CHECK: %[[POS:.*]] = arith.addi %[[I]], %[[OFF]]
// CHECK: %[[CAUSAL:.*]] = arith.cmpi sle, %[[J]], %[[POS]]
// CHECK: %[[N:.*]] = arith.index_cast %[[P]] : i32 to index
// CHECK: %[[INPREFIX:.*]] = arith.cmpi slt, %[[J]], %[[N]]
// CHECK: %[[VISIBLE:.*]] = arith.ori %[[CAUSAL]], %[[INPREFIX]]
// CHECK: %[[A1:.*]] = arith.andi %[[USER]], %[[VISIBLE]]
// CHECK: %[[BEHIND:.*]] = arith.subi %{{.*}}, %[[J]]
// CHECK: %[[C1024:.*]] = arith.constant 1024
// CHECK: %[[LEFT:.*]] = arith.cmpi sle, %[[BEHIND]], %[[C1024]]
// CHECK: %[[A2:.*]] = arith.andi %[[A1]], %[[LEFT]]
// CHECK: %[[AHEAD:.*]] = arith.subi %[[J]], %{{.*}}
// CHECK: %[[C3:.*]] = arith.constant 3
// CHECK: %[[RIGHT:.*]] = arith.cmpi sle, %[[AHEAD]], %[[C3]]
// CHECK: %[[A3:.*]] = arith.andi %[[A2]], %[[RIGHT]]
// CHECK: %[[QID:.*]] = tensor.extract %[[QS]][%[[B]], %[[I]]]
// CHECK: %[[KID:.*]] = tensor.extract %[[KS]][%[[B]], %[[J]]]
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[QID]], %[[KID]]
// CHECK: %[[A4:.*]] = arith.andi %[[A3]], %[[SAME]]
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: %[[BIT:.*]] = tensor.extract %[[M]][%[[B]], %[[ZERO]], %[[I]], %[[J]]]
// CHECK: %[[A5:.*]] = arith.andi %[[A4]], %[[BIT]]
// CHECK: %[[END:.*]] = tensor.dim %[[M]]
// CHECK: %[[TAIL:.*]] = arith.cmpi slt, %[[J]], %[[END]]
// CHECK: %[[A6:.*]] = arith.andi %[[A5]], %[[TAIL]]
// CHECK: attn.yield %[[A6]] : i1
func.func @mask_order(%q: !q, %k: !q, %v: !q, %o: !q, %limit: index, %prefix: i32, %qs: !seg, %ks: !seg, %m: !m, %off: tensor<?xi32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%limit : index)
      mask_tensor(%m : !m) segments(%qs, %ks : !seg, !seg) prefix(%prefix : i32) q_offset(%off : tensor<?xi32>)
      outs(%o : !q) {causal = #attn.causal<top_left>, window = #attn.window<left = 1024, right = 3>}
      mask(%b: index, %h: index, %i: index, %j: index, %l: index) {
        %ne = arith.cmpi ne, %j, %l : index
        attn.yield %ne : i1
      } -> !q
  return %r : !q
}

// -----

// An unbounded window end makes no condition; a mask as long as the keys needs
// no tail.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @no_needless_conditions
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[M:.*]]: tensor<64xi1>)
// CHECK-NEXT: %[[AHEAD:.*]] = arith.subi %[[J]], %[[I]]
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0
// CHECK-NEXT: %[[RIGHT:.*]] = arith.cmpi sle, %[[AHEAD]], %[[C0]]
// CHECK-NEXT: %[[BIT:.*]] = tensor.extract %[[M]][%[[J]]]
// CHECK-NEXT: %[[KEEP:.*]] = arith.andi %[[RIGHT]], %[[BIT]]
// CHECK-NEXT: attn.yield %[[KEEP]]
func.func @no_needless_conditions(%q: !q, %k: !q, %v: !q, %o: !q, %m: tensor<64xi1>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) mask_tensor(%m : tensor<64xi1>)
      outs(%o : !q) {window = #attn.window<right = 0>} -> !q
  return %r : !q
}

// -----

// A bias that ends before the keys masks the rest, and size 1 broadcasts over
// heads and rows but not over keys.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @short_bias
// CHECK: score(%{{.*}}: f32, %[[B:.*]]: index, %{{.*}}: index, %{{.*}}: index, %[[J:.*]]: index, %[[BIAS:.*]]: tensor<2x1x1x40xf32>)
// CHECK-DAG: %[[Z0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[Z1:.*]] = arith.constant 0 : index
// CHECK: tensor.extract %[[BIAS]][%[[B]], %[[Z0]], %[[Z1]], %[[J]]]
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[J:.*]]: index, %{{.*}}: tensor<2x1x1x40xf32>)
// CHECK-NEXT: %[[C40:.*]] = arith.constant 40 : index
// CHECK-NEXT: %[[TAIL:.*]] = arith.cmpi slt, %[[J]], %[[C40]]
// CHECK-NEXT: attn.yield %[[TAIL]]
func.func @short_bias(%q: !q, %k: !q, %v: !q, %o: !q, %bias: tensor<2x1x1x40xf32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) bias(%bias : tensor<2x1x1x40xf32>) outs(%o : !q) -> !q
  return %r : !q
}

// -----

// Rule 9: bottom-right causal masking is an offset of kv_len - q_len, for the
// user's regions and for ALiBi as well.
!q = tensor<?x8x?x32xf32>
// CHECK-LABEL: func @bottom_right
// CHECK-NOT: attn.q_offset
// CHECK: score(%[[S:.*]]: f32, %{{.*}}: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index, %{{.*}})
// CHECK: %[[KV:.*]] = attn.kv_len
// CHECK: %[[Q:.*]] = attn.q_len
// CHECK: %[[OFF:.*]] = arith.subi %[[KV]], %[[Q]]
// CHECK: arith.index_cast %[[OFF]]
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %{{.*}})
// CHECK: %[[KV:.*]] = attn.kv_len
// CHECK: %[[Q:.*]] = attn.q_len
// CHECK: %[[OFF:.*]] = arith.subi %[[KV]], %[[Q]]
// CHECK: %[[POS:.*]] = arith.addi %[[I]], %[[OFF]]
// CHECK: %[[KEEP:.*]] = arith.cmpi sle, %[[J]], %[[POS]]
// CHECK: attn.yield %[[KEEP]]
func.func @bottom_right(%q: !q, %k: !q, %v: !q, %o: !q, %slopes: tensor<8xf32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) alibi(%slopes : tensor<8xf32>)
      outs(%o : !q) {causal = #attn.causal<bottom_right>}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %off = attn.q_offset : index
        %off32 = arith.index_cast %off : index to i32
        %f = arith.sitofp %off32 : i32 to f32
        %t = arith.mulf %s, %f : f32
        attn.yield %t : f32
      } -> !q
  return %r : !q
}

// -----

// On memrefs, captures are loaded.
!q = memref<2x8x?x32xf16>
// CHECK-LABEL: func @memrefs
// CHECK: score(%{{.*}}: f32, %[[B:.*]]: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[SL:.*]]: memref<2x8xf32>, %{{.*}}: memref<2xi64>, %{{.*}}: memref<?xi1>)
// CHECK: memref.load %[[SL]][%[[B]], %[[H]]]
// CHECK: mask(%[[B:.*]]: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index, %{{.*}}: memref<2x8xf32>, %[[P:.*]]: memref<2xi64>, %[[M:.*]]: memref<?xi1>)
// CHECK: %[[N:.*]] = memref.load %[[P]][%[[B]]]
// CHECK: arith.index_cast %[[N]] : i64 to index
// CHECK: memref.load %[[M]][%[[J]]]
// CHECK: %[[END:.*]] = memref.dim %[[M]]
// CHECK: arith.cmpi slt, %[[J]], %[[END]]
func.func @memrefs(%q: !q, %k: !q, %v: !q, %o: !q, %slopes: memref<2x8xf32>, %m: memref<?xi1>, %p: memref<2xi64>) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) alibi(%slopes : memref<2x8xf32>)
      mask_tensor(%m : memref<?xi1>) prefix(%p : memref<2xi64>)
      outs(%o : !q) {causal = #attn.causal<top_left>}
  return
}

// -----

// Quotients of scores and a huge cap would be subnormal: ordinary scores stay,
// others are divided in two steps.
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @far_cap
// CHECK: %[[SIZE:.*]] = math.absf %[[S:.*]] : f32
// CHECK: %[[BOUND:.*]] = arith.constant 1.58{{.*}}E+26 : f32
// CHECK: %[[ORDINARY:.*]] = arith.cmpf olt, %[[SIZE]], %[[BOUND]] : f32
// CHECK: arith.mulf %[[S]], %{{.*}} : f32
// CHECK: math.tanh
// CHECK: %[[BENT:.*]] = arith.mulf
// CHECK: arith.select %[[ORDINARY]], %[[S]], %[[BENT]] : f32
func.func @far_cap(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) {softcap = 1.3e30 : f32} -> !q
  return %r : !q
}

// -----

// approx_tanh turns into a flag on every tanh, the user's included (rule 8).
!q = tensor<2x8x64x32xf32>
// CHECK-LABEL: func @approximate
// CHECK-COUNT-2: math.tanh %{{.*}} fastmath<afn>
func.func @approximate(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) {softcap = 2.0 : f32, approx_tanh}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %t = math.tanh %s : f32
        attn.yield %t : f32
      } -> !q
  return %r : !q
}

// -----

// An operand used twice is captured once; what is not sugar stays (rule 11).
!q = tensor<2x8x64x32xf32>
!seg = tensor<2x64xi32>
// CHECK-LABEL: func @stays
// CHECK: captures(%[[SEG:.*]] : tensor<2x64xi32>) scale(%{{.*}}) kv_len(%{{.*}} : index) sink(%{{.*}} : tensor<8xf32>)
// CHECK-SAME: q_layout = #attn.layout<bhsd>
// CHECK: mask(%{{.*}}, %[[A:.*]]: tensor<2x64xi32>)
func.func @stays(%q: !q, %k: !q, %v: !q, %o: !q, %seg: !seg, %scale: f32, %n: index, %sink: tensor<8xf32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) scale(%scale) segments(%seg, %seg : !seg, !seg)
      kv_len(%n : index) sink(%sink : tensor<8xf32>) outs(%o : !q) {q_layout = #attn.layout<bhsd>} -> !q
  return %r : !q
}

// -----

// Tables of 16 bits are widened, bytes of a mask compared with 0 (rule 10).
!q = tensor<2x8x64x32xf32>
!kv = tensor<2x2x96x32xf32>
// CHECK-LABEL: func @converted
// CHECK: %[[SLOPE:.*]] = tensor.extract %{{.*}} : tensor<8xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[SLOPE]] : bf16 to f32
// CHECK: arith.mulf %[[WIDE]], %{{.*}} : f32
// CHECK: %[[BYTE:.*]] = tensor.extract %{{.*}} : tensor<96xi8>
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i8
// CHECK: %[[KEEP:.*]] = arith.cmpi ne, %[[BYTE]], %[[ZERO]] : i8
// CHECK: attn.yield %[[KEEP]] : i1
func.func @converted(%q: !q, %k: !kv, %v: !kv, %o: !q, %slopes: tensor<8xbf16>, %mask: tensor<96xi8>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !kv, !kv)
      alibi(%slopes : tensor<8xbf16>) mask_tensor(%mask : tensor<96xi8>) outs(%o : !q) -> !q
  return %r : !q
}

// -----

// An offset of any size: where it is far, position - j does not fit 32 bits, and
// the position is added as a float.
!q = tensor<2x8x?x32xf16>
// CHECK-LABEL: func @alibi_offset
// CHECK: score(%{{.*}}: f32, %{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index,
// CHECK: %[[POS:.*]] = arith.addi %[[I]], %{{.*}} : index
// CHECK: %[[NEAR:.*]] = arith.andi
// CHECK: %[[WIDE:.*]] = arith.index_cast %[[POS]] : index to i64
// CHECK: %[[FLOAT:.*]] = arith.sitofp %[[WIDE]] : i64 to f32
// CHECK: %[[FAR:.*]] = arith.select %[[NEAR]], %{{.*}}, %[[FLOAT]]
// CHECK: %[[FROM:.*]] = arith.select %[[NEAR]], %[[POS]], %{{.*}}
// CHECK: %[[DISTANCE:.*]] = arith.subi %[[FROM]], %[[J]]
// CHECK: %[[D32:.*]] = arith.index_cast %[[DISTANCE]] : index to i32
// CHECK: %[[D:.*]] = arith.sitofp %[[D32]]
// CHECK: %[[SUM:.*]] = arith.addf %[[D]], %[[FAR]]
// CHECK: math.absf %[[SUM]]
func.func @alibi_offset(%q: !q, %k: !q, %v: !q, %o: !q, %slopes: tensor<8xf32>, %first: tensor<2xi32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) alibi(%slopes : tensor<8xf32>) q_offset(%first : tensor<2xi32>)
      outs(%o : !q) -> !q
  return %r : !q
}
