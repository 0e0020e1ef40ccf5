// attn-insert-checks: a check for each pair of sizes that a rule ties together
// and of which one is dynamic, for every operand and on tensors and memrefs;
// with contents, loops over lengths and page numbers.
// RUN: attn-opt %s -split-input-file -attn-insert-checks | FileCheck %s --implicit-check-not=tile.check --implicit-check-not=scf.for
// RUN: attn-opt %s -split-input-file -attn-insert-checks=contents=true | FileCheck %s --check-prefix=CONTENTS

// Everything dynamic; the numbers of a check are what its names say.
// CHECK-LABEL: func @every_operand
// CHECK: %[[QH:.*]] = tensor.dim %arg0, %c2
// CHECK: %[[KH:.*]] = tensor.dim %arg1, %c1
// CHECK: tile.check %{{.*}}, "rule 2: Hq of query must be a multiple of Hkv of key" ["Hq of query" = %[[QH]], "Hkv of key" = %[[KH]]]
// CHECK: tile.check {{.*}}"rule 1: Hkv of value must be Hkv of key"
// CHECK: tile.check {{.*}}"rule 1: Hq of output must be Hq of query"
// CHECK: tile.check {{.*}}"rule 1: Skv of value must be Skv of key"
// CHECK: tile.check {{.*}}"rule 1: Sq of output must be Sq of query"
// CHECK: tile.check {{.*}}"rule 1: B of output must be B of query"
// CHECK: tile.check {{.*}}"rule 1: B of key must be B of query"
// CHECK: tile.check {{.*}}"rule 1: B of value must be B of query"
// CHECK: tile.check {{.*}}"rule 1: B of lse must be B of query"
// CHECK: tile.check {{.*}}"rule 1: Hq of lse must be Hq of query"
// CHECK: tile.check {{.*}}"rule 1: Sq of lse must be Sq of query"
// CHECK: tile.check {{.*}}"rule 9: B of q_offset must be B of query"
// CHECK: tile.check {{.*}}"rule 11: B of kv_len must be B of query"
// CHECK: tile.check {{.*}}"rule 10: B of prefix must be B of query"
// CHECK: tile.check {{.*}}"rule 10: Hq of alibi must be Hq of query"
// CHECK: tile.check {{.*}}"rule 10: B of alibi must be B of query"
// A run-time size of 1 broadcasts, but for the keys.
// CHECK: %[[BIAS_B:.*]] = tensor.dim %arg5, %c0
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[BIAS_B]], %c1
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[BIAS_B]], %{{.*}}
// CHECK: %[[EITHER:.*]] = arith.ori %[[ONE]], %[[SAME]]
// CHECK: tile.check %[[EITHER]], "rule 10: B of bias must be 1 or B of query" ["B of bias" = %[[BIAS_B]], "B of query" =
// CHECK: tile.check {{.*}}"rule 10: Hq of bias must be 1 or Hq of query"
// CHECK: tile.check {{.*}}"rule 10: Sq of bias must be 1 or Sq of query"
// CHECK: %[[TAIL:.*]] = arith.cmpi sle
// CHECK: tile.check %[[TAIL]], "rule 10: Skv of bias must be at most Skv of key"
// CHECK: tile.check {{.*}}"rule 10: Sq of mask_tensor must be 1 or Sq of query"
// CHECK: tile.check {{.*}}"rule 10: Skv of mask_tensor must be at most Skv of key"
// CHECK: tile.check {{.*}}"rule 10: B of q_segments must be B of query"
// CHECK: tile.check {{.*}}"rule 10: B of kv_segments must be B of query"
// CHECK: tile.check {{.*}}"rule 10: Sq of q_segments must be Sq of query"
// CHECK: tile.check {{.*}}"rule 10: Skv of kv_segments must be Skv of key"
// CHECK: tile.check {{.*}}"rule 11: Hq of sink must be Hq of query"
// CHECK: attn.attention

// CONTENTS-LABEL: func @every_operand
// CONTENTS: scf.for %[[B:.*]] = %c0 to %{{.*}} step %c1
// CONTENTS: %[[N:.*]] = tensor.extract %arg11[%[[B]]]
// CONTENTS: %[[LENGTH:.*]] = arith.index_cast %[[N]] : i32 to index
// CONTENTS: tile.check {{.*}}"rule 11: kv_len must lie in 0 .. Skv of key" ["b" = %[[B]], "kv_len[b]" = %[[LENGTH]], "Skv of key" =
// CONTENTS: attn.attention
!t = tensor<?x?x?x16xf32>
func.func @every_operand(%q: tensor<?x?x?x16xf32>, %k: !t, %v: !t, %o: !t, %a: tensor<?x?xf32>, %bias: tensor<?x?x?x?xf32>, %m: tensor<?x?xi1>, %qs: tensor<?x?xi32>, %ks: tensor<?x?xi32>, %p: tensor<?xi32>, %off: tensor<?xi64>, %n: tensor<?xi32>, %s: tensor<?xf32>, %l: tensor<?x?x?xf32>) -> (!t, tensor<?x?x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%a : tensor<?x?xf32>) bias(%bias : tensor<?x?x?x?xf32>)
      mask_tensor(%m : tensor<?x?xi1>) segments(%qs, %ks : tensor<?x?xi32>, tensor<?x?xi32>) prefix(%p : tensor<?xi32>)
      q_offset(%off : tensor<?xi64>) kv_len(%n : tensor<?xi32>) sink(%s : tensor<?xf32>) outs(%o, %l : !t, tensor<?x?x?xf32>)
      {causal = #attn.causal<top_left>, q_layout = #attn.layout<bshd>} -> !t, tensor<?x?x?xf32>
  return %r#0, %r#1 : !t, tensor<?x?x?xf32>
}

// -----

// What the verifier compared is not compared again; one dynamic size is enough.
// CHECK-LABEL: func @memrefs
// CHECK: %[[SKV:.*]] = memref.dim %arg2, %c2
// CHECK: tile.check {{.*}}"rule 1: Skv of value must be Skv of key" ["Skv of value" = %[[SKV]], "Skv of key" = %c24]
// CHECK: tile.check {{.*}}"rule 10: Hq of alibi must be Hq of query" ["Hq of alibi" = %{{.*}}, "Hq of query" = %c4]
// One length for all batches is a number that every host sees.
// CHECK: tile.check {{.*}}"rule 11: kv_len must lie in 0 .. Skv of key" ["kv_len" = %arg5, "Skv of key" = %c24]
// CHECK-NEXT: attn.attention
// CONTENTS-LABEL: func @memrefs
// CONTENTS-NOT: scf.for
func.func @memrefs(%q: memref<2x4x8x16xf32>, %k: memref<2x2x24x16xf32>, %v: memref<2x2x?x16xf32>, %o: memref<2x4x8x16xf32>, %a: memref<?xf32>, %n: index) {
  attn.attention ins(%q, %k, %v : memref<2x4x8x16xf32>, memref<2x2x24x16xf32>, memref<2x2x?x16xf32>) alibi(%a : memref<?xf32>) kv_len(%n : index)
      outs(%o : memref<2x4x8x16xf32>)
  return
}

// -----

// CHECK-LABEL: func @pages
// CHECK: tile.check {{.*}}"rule 1: page size of value must be page size of key"
// CHECK: tile.check {{.*}}"rule 11: page size of key must be at least 1"
// CHECK: tile.check {{.*}}"rule 21: the pages of a sequence hold too many keys" ["room in page_table" =
// CHECK: tile.check {{.*}}"rule 11: B of page_table must be B of query"
// CHECK: tile.check {{.*}}"rule 11: pages of value must be pages of key"
// CHECK: tile.check {{.*}}"rule 10: Skv of mask_tensor must be at most room in page_table"
// CHECK: attn.attention

// Only entries that kv_len makes live count.
// CONTENTS-LABEL: func @pages
// CONTENTS: scf.for %[[B:.*]] = %c0 to %c2 step
// CONTENTS: tile.check {{.*}}"rule 11: kv_len must lie in 0 .. room in page_table"
// CONTENTS: %[[LIVE:.*]] = arith.ceildivsi
// CONTENTS: scf.for %[[P:.*]] = %c0 to %[[LIVE]] step
// CONTENTS: memref.load %arg4[%[[B]], %[[P]]]
// CONTENTS: tile.check {{.*}}"rule 11: page_table must name pages of key" ["b" = %[[B]], "p" = %[[P]], "page_table[b, p]" =
func.func @pages(%q: memref<2x4x8x16xf32>, %k: memref<?x2x?x16xf32>, %v: memref<?x2x?x16xf32>, %o: memref<2x4x8x16xf32>, %t: memref<?x?xi32>, %n: memref<2xi64>, %m: memref<?xi1>) {
  attn.attention ins(%q, %k, %v : memref<2x4x8x16xf32>, memref<?x2x?x16xf32>, memref<?x2x?x16xf32>) mask_tensor(%m : memref<?xi1>)
      kv_len(%n : memref<2xi64>) page_table(%t : memref<?x?xi32>) outs(%o : memref<2x4x8x16xf32>)
  return
}

// -----

// One length for all batches makes entries live, too.
// CHECK-LABEL: func @pages_of_one_length
// CHECK-COUNT-6: tile.check
// CHECK: attn.attention
// CONTENTS-LABEL: func @pages_of_one_length
// CONTENTS: scf.for
// CONTENTS: %[[KEYS:.*]] = arith.index_cast %arg5 : i64 to index
// CONTENTS: %[[LIVE:.*]] = arith.ceildivsi %[[KEYS]],
// CONTENTS: scf.for %{{.*}} = %c0 to %[[LIVE]] step
func.func @pages_of_one_length(%q: memref<2x4x8x16xf32>, %k: memref<?x2x?x16xf32>, %v: memref<?x2x?x16xf32>, %o: memref<2x4x8x16xf32>, %t: memref<?x?xi32>, %n: i64) {
  attn.attention ins(%q, %k, %v : memref<2x4x8x16xf32>, memref<?x2x?x16xf32>, memref<?x2x?x16xf32>)
      kv_len(%n : i64) page_table(%t : memref<?x?xi32>) outs(%o : memref<2x4x8x16xf32>)
  return
}

// -----

// Of packed sequences the sizes of tables count for the longest.
// CHECK-LABEL: func @ragged
// CHECK: tile.check {{.*}}"rule 1: T of value must be T of key"
// CHECK: tile.check {{.*}}"rule 1: T of output must be T of query"
// CHECK: tile.check {{.*}}"rule 11: cu_seqlens_q must have B + 1 entries"
// CHECK: tile.check {{.*}}"rule 11: entries of cu_seqlens_kv must be entries of cu_seqlens_q"
// CHECK: tile.check {{.*}}"rule 1: T of lse must be T of query"
// CHECK: tile.check {{.*}}"rule 11: B of kv_len must be sequences of cu_seqlens_q"
// CHECK: tile.check {{.*}}"rule 10: B of q_segments must be sequences of cu_seqlens_q"
// CHECK: tile.check {{.*}}"rule 10: B of kv_segments must be sequences of cu_seqlens_q"
// CHECK: attn.attention

// CONTENTS-LABEL: func @ragged
// CONTENTS: scf.for
// CONTENTS: tile.check {{.*}}"rule 11: cu_seqlens_q must rise from 0 to at most T of query" ["b" = %{{.*}}, "cu_seqlens_q[b]" =
// CONTENTS: tile.check {{.*}}"rule 11: cu_seqlens_kv must rise from 0 to at most T of key"
// CONTENTS: tile.check {{.*}}"rule 11: kv_len must lie in 0 .. keys" ["b" = %{{.*}}, "kv_len[b]" = %{{.*}}, "keys" =
// CONTENTS: tile.check {{.*}}"rule 10: length of bias must reach all queries"
// CONTENTS: tile.check {{.*}}"rule 10: length of q_segments must reach all queries"
// CONTENTS: tile.check {{.*}}"rule 10: length of kv_segments must reach all keys"
!p = tensor<4x?x16xf32>
func.func @ragged(%q: !p, %k: !p, %v: !p, %o: !p, %cq: tensor<?xi32>, %ck: tensor<?xi32>, %n: tensor<2xi32>, %bias: tensor<?x?xf32>, %qs: tensor<?x?xi32>, %ks: tensor<?x?xi32>, %l: tensor<4x?xf32>) -> (!p, tensor<4x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : !p, !p, !p) bias(%bias : tensor<?x?xf32>) segments(%qs, %ks : tensor<?x?xi32>, tensor<?x?xi32>)
      kv_len(%n : tensor<2xi32>) cu_seqlens(%cq, %ck : tensor<?xi32>, tensor<?xi32>) outs(%o, %l : !p, tensor<4x?xf32>) -> !p, tensor<4x?xf32>
  return %r#0, %r#1 : !p, tensor<4x?xf32>
}

// -----

// CHECK-LABEL: func @merge
// CHECK: tile.check {{.*}}"rule 18: S of o2 must be S of o1"
// CHECK: tile.check {{.*}}"rule 18: S of lse2 must be S of o1"
// CHECK: attn.merge
func.func @merge(%o1: memref<1x2x40x16xf32>, %l1: memref<1x2x40xf32>, %o2: memref<1x2x?x16xf32>, %l2: memref<1x2x?xf32>, %o: memref<1x2x40x16xf32>, %l: memref<1x2x40xf32>) {
  attn.merge ins(%o1, %l1, %o2, %l2 : memref<1x2x40x16xf32>, memref<1x2x40xf32>, memref<1x2x?x16xf32>, memref<1x2x?xf32>)
      outs(%o, %l : memref<1x2x40x16xf32>, memref<1x2x40xf32>)
  return
}

// -----

// Names of arguments: what the first op that takes one calls it, with a number
// where it is taken; a name that is given stays, what no op takes has none.
// CHECK-LABEL: func @names(
// CHECK-SAME: %arg0: memref<1x1x8x16xf32> {attn.name = "query"}, %arg1: memref<1x1x8x16xf32> {attn.name = "k"},
// CHECK-SAME: %arg2: memref<1x1x8x16xf32> {attn.name = "output"}, %arg3: memref<1x1x8x16xf32> {attn.name = "query_2"},
// CHECK-SAME: %arg4: memref<1x1x8x16xf32> {attn.name = "output_2"}, %arg5: f32 {attn.name = "value"}, %arg6: index)
// CHECK: attn.attention
// CHECK: attn.attention
!n = memref<1x1x8x16xf32>
func.func @names(%q: !n, %k: !n {attn.name = "k"}, %o: !n, %q2: !n, %o2: !n, %x: f32 {attn.name = "value"}, %n: index) {
  attn.attention ins(%q, %k, %k : !n, !n, !n) outs(%o : !n)
  attn.attention ins(%q2, %k, %k : !n, !n, !n) outs(%o2 : !n)
  return
}
