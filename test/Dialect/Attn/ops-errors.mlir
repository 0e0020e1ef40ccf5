// RUN: attn-opt %s --split-input-file --verify-diagnostics

// One case a diagnostic, in the order of AttnVerifier.cpp.

// Number of destinations.
func.func @f(%q: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{outs: takes one destination (o) or two (o and lse), not 3 (rule 1)}}
  %r:3 = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>
  return
}

// -----

// Segments of the queries alone.
func.func @f(%q: tensor<2x8x64x32xf32>, %x: tensor<2x64xi32>) {
  // expected-error @+1 {{q_segments and kv_segments come together (rule 10)}}
  %r = "attn.attention"(%q, %q, %q, %x, %q) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1>}> ({}, {}) : (tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x64xi32>, tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Sequence bounds of the keys alone.
func.func @f(%q: tensor<2x8x64x32xf32>, %x: tensor<3xi32>) {
  // expected-error @+1 {{cu_seqlens_q and cu_seqlens_kv come together (rule 11)}}
  %r = "attn.attention"(%q, %q, %q, %x, %q) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1>}> ({}, {}) : (tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<3xi32>, tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Tensors and memrefs.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: memref<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{value: must be a tensor as query is; tensors and memrefs do not mix}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, memref<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Sizes that no launch would take.
func.func @f(%q: tensor<1x2x9223372036854775807x32xf32>) {
  // expected-error @+1 {{query: dimension 2 has 9223372036854775807 elements, but may have at most 1073676288 (rule 21)}}
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x9223372036854775807x32xf32>, tensor<1x2x9223372036854775807x32xf32>, tensor<1x2x9223372036854775807x32xf32>) outs(%q : tensor<1x2x9223372036854775807x32xf32>) -> tensor<1x2x9223372036854775807x32xf32>
  return
}

// -----

// Of a table of one dimension twice as many are allowed.
func.func @f(%q: tensor<2x8x64x32xf32>, %fits: tensor<2147418112xf32>, %t: tensor<2147418113xf32>) {
  // expected-error @+1 {{captures: dimension 0 has 2147418113 elements, but may have at most 2147418112 (rule 21)}}
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%fits, %t : tensor<2147418112xf32>, tensor<2147418113xf32>) outs(%q : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// The second head lies 2^63 - 1 elements behind the first, its last row further.
!far = memref<1x2x16x32xf32, strided<[1, 9223372036854775807, 32, 1]>>
!near = memref<1x2x16x32xf32>
func.func @f(%q: !near, %k: !far, %o: !near) {
  // expected-error @+1 {{key: its strides place elements further apart than 64 bits count (rule 21)}}
  attn.attention ins(%q, %k, %q : !near, !far, !near) outs(%o : !near)
  return
}

// -----

// Without elements, strides say nothing.
!none = memref<0x2x16x32xf32, strided<[1, 9223372036854775807, 9223372036854775807, 1]>>
func.func @f(%q: !none, %o: !none) {
  attn.attention ins(%q, %q, %q : !none, !none, !none) outs(%o : !none)
  return
}

// -----

// Memory of a workgroup.
!in = memref<2x8x64x32xf32>
!out = memref<2x8x64x32xf32, #gpu.address_space<workgroup>>
func.func @f(%q: !in, %o: !out) {
  // expected-error @+1 {{output: is in the memory space #gpu.address_space<workgroup>; operands are in the default one (rule 1)}}
  attn.attention ins(%q, %q, %q : !in, !in, !in) outs(%o : !out)
  return
}

// -----

// The same for captures.
func.func @f(%q: memref<2x8x64x32xf32>, %k: memref<2x8x64x32xf32>, %v: memref<2x8x64x32xf32>, %o: memref<2x8x64x32xf32>, %t: tensor<8xf32>) {
  // expected-error @+1 {{captures: must be a memref as query is; tensors and memrefs do not mix}}
  attn.attention ins(%q, %k, %v : memref<2x8x64x32xf32>, memref<2x8x64x32xf32>, memref<2x8x64x32xf32>) captures(%t : tensor<8xf32>) outs(%o : memref<2x8x64x32xf32>)
  return
}

// -----

// Results of memref destinations.
func.func @f(%q: memref<2x8x64x32xf32>, %k: memref<2x8x64x32xf32>, %v: memref<2x8x64x32xf32>, %o: memref<2x8x64x32xf32>) {
  // expected-error @+1 {{has 1 results; 1 memref destinations need 0}}
  %r = attn.attention ins(%q, %k, %v : memref<2x8x64x32xf32>, memref<2x8x64x32xf32>, memref<2x8x64x32xf32>) outs(%o : memref<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Tensor destinations without results.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{has 0 results; 1 tensor destinations need 1}}
  attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
  return
}

// -----

// A result of another type.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{result type 'tensor<2x8x?x32xf32>' differs from its destination 'tensor<2x8x64x32xf32>'}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x?x32xf32>
  return
}

// -----

// Rank of cu_seqlens.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %cq: tensor<1x3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{cu_seqlens_q: must have the shape [B + 1], but has rank 2 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<1x3xi32>, tensor<3xi32>) outs(%o : tensor<8x?x32xf32>) -> tensor<8x?x32xf32>
  return
}

// -----

// Type of cu_seqlens.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %cq: tensor<3xi32>, %ck: tensor<3xf32>) {
  // expected-error @+1 {{cu_seqlens_kv: element type 'f32' is neither i32 nor i64 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xf32>) outs(%o : tensor<8x?x32xf32>) -> tensor<8x?x32xf32>
  return
}

// -----

// Empty cu_seqlens.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %cq: tensor<0xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{cu_seqlens_q: has no entry, but needs B + 1 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<0xi32>, tensor<3xi32>) outs(%o : tensor<8x?x32xf32>) -> tensor<8x?x32xf32>
  return
}

// -----

// Two numbers of sequences.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %cq: tensor<3xi32>, %ck: tensor<4xi32>) {
  // expected-error @+1 {{cu_seqlens_kv: the number of entries is 4, but that of cu_seqlens_q is 3 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<4xi32>) outs(%o : tensor<8x?x32xf32>) -> tensor<8x?x32xf32>
  return
}

// -----

// A packed layout without cu_seqlens.
func.func @f(%q: tensor<8x64x32xf32>, %k: tensor<8x64x32xf32>, %v: tensor<8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{query: layout htd is for sequences packed by cu_seqlens only (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x64x32xf32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {q_layout = #attn.layout<htd>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A batched layout with cu_seqlens.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{key: layout bshd cannot hold sequences packed by cu_seqlens; htd and thd can (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<2x8x64x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o : tensor<8x?x32xf32>) {k_layout = #attn.layout<bshd>} -> tensor<8x?x32xf32>
  return
}

// -----

// Rank and layout.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<8x64x32xf32>, %v: tensor<8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{key: rank 3 does not fit layout bhsd of rank 4 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Rank of a packed query.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{query: rank 4 does not fit layout htd of rank 3 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Layout of a page pool.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<?x8x16x32xf32>, %v: tensor<?x8x16x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<2x?xi32>) {
  // expected-error @+1 {{value: a page pool has the layout bhsd or bshd, not sbhd (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<?x8x16x32xf32>, tensor<?x8x16x32xf32>) page_table(%t : tensor<2x?xi32>) outs(%o : tensor<2x8x64x32xf32>) {v_layout = #attn.layout<sbhd>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// Element types: what is supported.
func.func @f(%q: tensor<2x8x64x32xf64>, %k: tensor<2x8x64x32xf64>, %v: tensor<2x8x64x32xf64>, %o: tensor<2x8x64x32xf64>) {
  // expected-error @+1 {{query: element type 'f64' is none of f32, f16 and bf16 (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf64>, tensor<2x8x64x32xf64>, tensor<2x8x64x32xf64>) outs(%o : tensor<2x8x64x32xf64>) -> tensor<2x8x64x32xf64>
  return
}

// -----

// Element types: k as q.
func.func @f(%q: tensor<2x8x64x32xbf16>, %k: tensor<2x8x64x32xf16>, %v: tensor<2x8x64x32xf16>, %o: tensor<2x8x64x32xbf16>) {
  // expected-error @+1 {{key: element type 'f16' differs from 'bf16' of query (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xbf16>, tensor<2x8x64x32xf16>, tensor<2x8x64x32xf16>) outs(%o : tensor<2x8x64x32xbf16>) -> tensor<2x8x64x32xbf16>
  return
}

// -----

// Element types: v as q.
func.func @f(%q: tensor<2x8x64x32xbf16>, %k: tensor<2x8x64x32xbf16>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xbf16>) {
  // expected-error @+1 {{value: element type 'f32' differs from 'bf16' of query (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xbf16>, tensor<2x8x64x32xbf16>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xbf16>) -> tensor<2x8x64x32xbf16>
  return
}

// -----

// Element types: o as q or f32.
func.func @f(%q: tensor<2x8x64x32xbf16>, %k: tensor<2x8x64x32xbf16>, %v: tensor<2x8x64x32xbf16>, %o: tensor<2x8x64x32xf16>) {
  // expected-error @+1 {{output: element type 'f16' is neither 'bf16' of query nor f32 (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xbf16>, tensor<2x8x64x32xbf16>, tensor<2x8x64x32xbf16>) outs(%o : tensor<2x8x64x32xf16>) -> tensor<2x8x64x32xf16>
  return
}

// -----

// A dynamic Dk.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x?xf32>, %v: tensor<2x8x64x?xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{key: the head size must be static (rule 3)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x?xf32>, tensor<2x8x64x?xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// A dynamic Dv.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x?xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{value: the head size must be static (rule 3)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x?xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Dv = 0.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x0xf32>, %o: tensor<2x8x64x0xf32>) {
  // expected-error @+1 {{value: the head size is 0, but must be at least 1 (rule 3)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x0xf32>) outs(%o : tensor<2x8x64x0xf32>) -> tensor<2x8x64x0xf32>
  return
}

// -----

// Dk of k and q.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x16xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{key: the head size is 16, but Dk of query is 32 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x16xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Dv of o and v.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x48xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{output: the head size is 32, but Dv of value is 48 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x48xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Heads of v and k.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x4x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{value: the number of heads is 4, but Hkv of key is 8 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x4x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Heads of o and q, in another layout.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{output: the number of heads is 64, but Hq of query is 8 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {o_layout = #attn.layout<bshd>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// Query heads are no multiple.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x3x64x32xf32>, %v: tensor<2x3x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{query: Hq = 8 is not a multiple of Hkv = 3 (rule 2)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x3x64x32xf32>, tensor<2x3x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// No key heads.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x0x64x32xf32>, %v: tensor<2x0x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{query: Hq = 8 is not a multiple of Hkv = 0 (rule 2)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x0x64x32xf32>, tensor<2x0x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Lengths of o and q.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x63x32xf32>) {
  // expected-error @+1 {{output: the sequence length is 63, but Sq of query is 64 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x63x32xf32>) -> tensor<2x8x63x32xf32>
  return
}

// -----

// Packed lengths of o and q.
func.func @f(%q: tensor<8x64x32xf32>, %k: tensor<8x64x32xf32>, %v: tensor<8x64x32xf32>, %o: tensor<8x63x32xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{output: the sequence length is 63, but T of query is 64 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x64x32xf32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o : tensor<8x63x32xf32>) -> tensor<8x63x32xf32>
  return
}

// -----

// Lengths of v and k.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x65x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{value: the sequence length is 65, but that of key is 64 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x65x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Page sizes of v and k.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<?x8x16x32xf32>, %v: tensor<?x8x32x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<2x?xi32>) {
  // expected-error @+1 {{value: the page size is 32, but that of key is 16 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<?x8x16x32xf32>, tensor<?x8x32x32xf32>) page_table(%t : tensor<2x?xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// An empty page.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<?x8x0x32xf32>, %v: tensor<?x8x0x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<2x?xi32>) {
  // expected-error @+1 {{key: the page size is 0, but must be at least 1 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<?x8x0x32xf32>, tensor<?x8x0x32xf32>) page_table(%t : tensor<2x?xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Numbers of pages.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<7x8x16x32xf32>, %v: tensor<9x8x16x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<2x?xi32>) {
  // expected-error @+1 {{value: the number of pages is 9, but that of key is 7 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<7x8x16x32xf32>, tensor<9x8x16x32xf32>) page_table(%t : tensor<2x?xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of k.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<3x8x64x32xf32>, %v: tensor<3x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{key: B is 3, but B of query is 2 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<3x8x64x32xf32>, tensor<3x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of v.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<3x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{value: B is 3, but B of query is 2 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<3x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of o.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<1x8x64x32xf32>) {
  // expected-error @+1 {{output: B is 1, but B of query is 2 (rule 1)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<1x8x64x32xf32>) -> tensor<1x8x64x32xf32>
  return
}

// -----

// Type of the lse.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %l: tensor<2x8x64xf16>) {
  // expected-error @+1 {{lse: element type 'f16' must be f32 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o, %l : tensor<2x8x64x32xf32>, tensor<2x8x64xf16>) -> tensor<2x8x64x32xf32>, tensor<2x8x64xf16>
  return
}

// -----

// Rank of the lse.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %l: tensor<2x8x64x1xf32>) {
  // expected-error @+1 {{lse: must have the shape [B, Hq, Sq], but has rank 4 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o, %l : tensor<2x8x64x32xf32>, tensor<2x8x64x1xf32>) -> tensor<2x8x64x32xf32>, tensor<2x8x64x1xf32>
  return
}

// -----

// Batch of the lse.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %l: tensor<3x8x64xf32>) {
  // expected-error @+1 {{lse: B is 3, but B of query is 2 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o, %l : tensor<2x8x64x32xf32>, tensor<3x8x64xf32>) -> tensor<2x8x64x32xf32>, tensor<3x8x64xf32>
  return
}

// -----

// Heads of the lse.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %l: tensor<2x64x8xf32>) {
  // expected-error @+1 {{lse: the number of heads is 64, but Hq of query is 8 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o, %l : tensor<2x8x64x32xf32>, tensor<2x64x8xf32>) -> tensor<2x8x64x32xf32>, tensor<2x64x8xf32>
  return
}

// -----

// Length of the lse.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %l: tensor<2x8x65xf32>) {
  // expected-error @+1 {{lse: the sequence length is 65, but Sq of query is 64 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o, %l : tensor<2x8x64x32xf32>, tensor<2x8x65xf32>) -> tensor<2x8x64x32xf32>, tensor<2x8x65xf32>
  return
}

// -----

// Rank of a packed lse.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %l: tensor<2x8x?xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{lse: must have the shape [Hq, T], but has rank 3 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o, %l : tensor<8x?x32xf32>, tensor<2x8x?xf32>) -> tensor<8x?x32xf32>, tensor<2x8x?xf32>
  return
}

// -----

// Heads of a packed lse.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %l: tensor<4x?xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{lse: the number of heads is 4, but Hq of query is 8 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o, %l : tensor<8x?x32xf32>, tensor<4x?xf32>) -> tensor<8x?x32xf32>, tensor<4x?xf32>
  return
}

// -----

// Length of a packed lse.
func.func @f(%q: tensor<8x64x32xf32>, %k: tensor<8x64x32xf32>, %v: tensor<8x64x32xf32>, %o: tensor<8x64x32xf32>, %l: tensor<8x65xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>) {
  // expected-error @+1 {{lse: the sequence length is 65, but T of query is 64 (rule 1)}}
  %r:2 = attn.attention ins(%q, %k, %v : tensor<8x64x32xf32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o, %l : tensor<8x64x32xf32>, tensor<8x65xf32>) -> tensor<8x64x32xf32>, tensor<8x65xf32>
  return
}

// -----

// Rank of the page table.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<?x8x16x32xf32>, %v: tensor<?x8x16x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{page_table: must have the shape [B, pages], but has rank 1 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<?x8x16x32xf32>, tensor<?x8x16x32xf32>) page_table(%t : tensor<?xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of the page table.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<?x8x16x32xf32>, %v: tensor<?x8x16x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<2x?xi16>) {
  // expected-error @+1 {{page_table: element type 'i16' is neither i32 nor i64 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<?x8x16x32xf32>, tensor<?x8x16x32xf32>) page_table(%t : tensor<2x?xi16>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of the page table.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<?x8x16x32xf32>, %v: tensor<?x8x16x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<3x?xi32>) {
  // expected-error @+1 {{page_table: B is 3, but B of query is 2 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<?x8x16x32xf32>, tensor<?x8x16x32xf32>) page_table(%t : tensor<3x?xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Two scales.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %s: f32) {
  // expected-error @+1 {{scale: excludes scale_value, which is 5.000000e-01 (rule 5)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) scale(%s) outs(%o : tensor<2x8x64x32xf32>) {scale_value = 0.5 : f32} -> tensor<2x8x64x32xf32>
  return
}

// -----

// An infinite scale.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{scale_value: must be finite in f32, not INF (rule 5)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {scale_value = 0x7F800000 : f32} -> tensor<2x8x64x32xf32>
  return
}

// -----

// An f64 scale that f32 does not hold.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{scale_value: must be finite in f32, not 1.000000e+300 (rule 5)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {scale_value = 1.0e300} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A scale that is no number.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{attribute 'scale_value' failed to satisfy constraint: a number in f32 or f64, such as 0.125 or 0.125 : f32}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {scale_value = 1} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A softcap that underflows in f32.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{softcap: must be positive and finite in f32, not 1.000000e-60 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {softcap = 1.0e-60} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A scale of 16 bits.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %s: f16) {
  // expected-error @+1 {{operand #3 must be 32-bit float or 64-bit float, but got 'f16'}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) scale(%s : f16) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// q_offset and bottom-right.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %n: index) {
  // expected-error @+1 {{q_offset: excludes bottom-right causal masking, which implies one (rule 9)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) q_offset(%n : index) outs(%o : tensor<2x8x64x32xf32>) {causal = #attn.causal<bottom_right>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A prefix alone.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %n: i32) {
  // expected-error @+1 {{prefix: needs causal, which it relaxes (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) prefix(%n : i32) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Rank of q_offset.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %n: tensor<2x1xi32>) {
  // expected-error @+1 {{q_offset: must have the shape [B], but has rank 2 (rule 9)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) q_offset(%n : tensor<2x1xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of kv_len.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %n: tensor<2xf32>) {
  // expected-error @+1 {{kv_len: element type 'f32' is neither i32 nor i64 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) kv_len(%n : tensor<2xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of prefix.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %n: tensor<3xi64>) {
  // expected-error @+1 {{prefix: B is 3, but B of query is 2 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) prefix(%n : tensor<3xi64>) outs(%o : tensor<2x8x64x32xf32>) {causal = #attn.causal<top_left>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// Number of sequences.
func.func @f(%q: tensor<8x?x32xf32>, %k: tensor<8x?x32xf32>, %v: tensor<8x?x32xf32>, %o: tensor<8x?x32xf32>, %cq: tensor<3xi32>, %ck: tensor<3xi32>, %n: tensor<3xi64>) {
  // expected-error @+1 {{kv_len: B is 3, but the number of sequences in cu_seqlens_q is 2 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<8x?x32xf32>, tensor<8x?x32xf32>, tensor<8x?x32xf32>) kv_len(%n : tensor<3xi64>) cu_seqlens(%cq, %ck : tensor<3xi32>, tensor<3xi32>) outs(%o : tensor<8x?x32xf32>) -> tensor<8x?x32xf32>
  return
}

// -----

// softcap: a negative value.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{softcap: must be positive and finite in f32, not -1.000000e+00 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {softcap = -1.0 : f32} -> tensor<2x8x64x32xf32>
  return
}

// -----

// softcap: zero.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{softcap: must be positive and finite in f32, not 0.000000e+00 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {softcap = 0.0 : f32} -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of the slopes.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<8xf64>) {
  // expected-error @+1 {{alibi: element type 'f64' is none of f32, f16 and bf16 (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) alibi(%x : tensor<8xf64>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Rank of the slopes.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<2x8x1xf32>) {
  // expected-error @+1 {{alibi: must have the shape [Hq] or [B, Hq], but has rank 3 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) alibi(%x : tensor<2x8x1xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Number of slopes.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<4xf32>) {
  // expected-error @+1 {{alibi: the number of heads is 4, but Hq of query is 8 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) alibi(%x : tensor<4xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of the slopes.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<3x8xf32>) {
  // expected-error @+1 {{alibi: B is 3, but B of query is 2 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) alibi(%x : tensor<3x8xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of the bias.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<64x64xi32>) {
  // expected-error @+1 {{bias: element type 'i32' is none of f32, f16 and bf16 (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) bias(%x : tensor<64x64xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Rank of the bias.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<1x1x1x64x64xf32>) {
  // expected-error @+1 {{bias: must have rank 1 to 4, not 5 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) bias(%x : tensor<1x1x1x64x64xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// A scalar bias tensor.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<f32>) {
  // expected-error @+1 {{bias: must have rank 1 to 4, not 0 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) bias(%x : tensor<f32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Keys of the bias.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<65xf32>) {
  // expected-error @+1 {{bias: the last axis is 65, longer than Skv of key, 64 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) bias(%x : tensor<65xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Rows of the bias.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<32x64xf32>) {
  // expected-error @+1 {{bias: dimension #0 is 32, but must be 1 or Sq of query, 64 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) bias(%x : tensor<32x64xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Heads of the bias.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<2x64x64xf32>) {
  // expected-error @+1 {{bias: dimension #0 is 2, but must be 1 or Hq of query, 8 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) bias(%x : tensor<2x64x64xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of the mask.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<64x64xi32>) {
  // expected-error @+1 {{mask_tensor: element type 'i32' is neither i1 nor i8 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) mask_tensor(%x : tensor<64x64xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of the mask.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<8x1x64x64xi1>) {
  // expected-error @+1 {{mask_tensor: dimension #0 is 8, but must be 1 or B of query, 2 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) mask_tensor(%x : tensor<8x1x64x64xi1>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Rank of segments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %a: tensor<64xi32>, %b: tensor<2x64xi32>) {
  // expected-error @+1 {{q_segments: must have the shape [B, Sq], but has rank 1 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) segments(%a, %b : tensor<64xi32>, tensor<2x64xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of segments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %a: tensor<2x64xi32>, %b: tensor<2x64xf32>) {
  // expected-error @+1 {{kv_segments: element type 'f32' is no integer of 1, 8, 16, 32 or 64 bits (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) segments(%a, %b : tensor<2x64xi32>, tensor<2x64xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Batch of segments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %a: tensor<2x64xi32>, %b: tensor<1x64xi32>) {
  // expected-error @+1 {{kv_segments: B is 1, but B of query is 2 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) segments(%a, %b : tensor<2x64xi32>, tensor<1x64xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Length of segments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %a: tensor<2x64xi32>, %b: tensor<2x63xi32>) {
  // expected-error @+1 {{kv_segments: the sequence length is 63, but Skv of key is 64 (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) segments(%a, %b : tensor<2x64xi32>, tensor<2x63xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Two types of segments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %a: tensor<2x64xi32>, %b: tensor<2x64xi64>) {
  // expected-error @+1 {{kv_segments: element type 'i64' differs from 'i32' of q_segments (rule 10)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) segments(%a, %b : tensor<2x64xi32>, tensor<2x64xi64>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// A negative window.
// expected-error @+1 {{window: left must not be negative, got -1 (rule 10)}}
func.func private @f() attributes {a = #attn.window<left = -1>}

// -----

// The other end.
// expected-error @+1 {{window: right must not be negative, got -2 (rule 10)}}
func.func private @f() attributes {a = #attn.window<right = -2>}

// -----

// A window whose ends have no names.
// expected-error @+1 {{window: name its inclusive ends, as in #attn.window<left = 255> or #attn.window<left = 255, right = 0> (rule 10)}}
func.func private @f() attributes {a = #attn.window<255>}

// -----

// An end that windows do not have.
// expected-error @+1 {{window: its ends are left and right, not size (rule 10)}}
func.func private @f() attributes {a = #attn.window<left = 3, size = 4>}

// -----

// expected-error @+1 {{window: left is given twice}}
func.func private @f() attributes {a = #attn.window<left = 3, left = 4>}

// -----

// Rank of the sink.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<2x8xf32>) {
  // expected-error @+1 {{sink: must have the shape [Hq], but has rank 2 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) sink(%x : tensor<2x8xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Type of the sink.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<8xi32>) {
  // expected-error @+1 {{sink: element type 'i32' is none of f32, f16 and bf16 (rule 4)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) sink(%x : tensor<8xi32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Heads of the sink.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<9xf32>) {
  // expected-error @+1 {{sink: the number of heads is 9, but Hq of query is 8 (rule 11)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) sink(%x : tensor<9xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// A captured tensor of another kind.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<8xcomplex<f32>>) {
  // expected-error @+1 {{captures: #0 is 'tensor<8xcomplex<f32>>', neither an integer of 1, 8, 16, 32 or 64 bits, a float nor a ranked tensor or memref of them (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%x : tensor<8xcomplex<f32>>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// A captured vector.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: vector<8xf32>) {
  // expected-error @+1 {{captures: must be a tensor as query is; tensors and memrefs do not mix}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%x : vector<8xf32>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// A captured scalar of another kind.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: none) {
  // expected-error @+1 {{captures: #0 is 'none', neither an integer of 1, 8, 16, 32 or 64 bits, a float nor a ranked tensor or memref of them (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%x : none) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

// Arguments of a score region.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{score region: takes 4 arguments, but (s, b, h, i, j) and 0 captures are 5 (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index) {
        attn.yield %s : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Arguments of a mask region.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %n: index) {
  // expected-error @+1 {{mask region: takes 4 arguments, but (b, h, i, j) and 1 captures are 5 (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%n : index) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %c = arith.constant true
        attn.yield %c : i1
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Types of arguments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{score region: argument #0 is 'f16', but must be 'f32' (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f16, %b: index, %h: index, %i: index, %j: index) {
        %c = arith.constant 0.0 : f32
        attn.yield %c : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Types of captured arguments.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<64xi32>) {
  // expected-error @+1 {{mask region: argument #4 is 'tensor<?xi32>', but must be 'tensor<64xi32>' (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%t : tensor<64xi32>) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %x: tensor<?xi32>) {
        %c = arith.constant true
        attn.yield %c : i1
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// A tensor from outside.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<64xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{uses 'tensor<64xf32>' from outside the score region of attn.attention; pass it through captures (rule 8)}}
        %x = tensor.extract %t[%j] : tensor<64xf32>
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// An op that no target lowers.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{'math.sinh' op cannot stand in the score region of attn.attention: no target computes it; use half the sum or the difference of math.exp (rule 8)}}
        %x = math.sinh %s : f32
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

func.func private @g(f32) -> f32
// A call, deep inside.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %p = arith.cmpi sle, %j, %i : index
        %x = scf.if %p -> f32 {
          // expected-error @+1 {{'func.call' op cannot stand in the score region of attn.attention: no target computes it; use the body of the function (rule 8)}}
          %y = func.call @g(%s) : (f32) -> f32
          scf.yield %y : f32
        } else {
          scf.yield %s : f32
        }
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Arithmetic on 16 bits.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %t: tensor<64xf16>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%t : tensor<64xf16>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t2: tensor<64xf16>) {
        %x = tensor.extract %t2[%j] : tensor<64xf16>
        // expected-error @+1 {{'arith.addf' op cannot stand in the score region of attn.attention: it computes with 'f16'; convert to f32 first (rule 8)}}
        %y = arith.addf %x, %x : f16
        %z = arith.extf %y : f16 to f32
        attn.yield %z : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Integers of a width that no memory has.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{'arith.index_cast' op cannot stand in the mask region of attn.attention: it computes with 'i24'; integers have 1, 8, 16, 32 or 64 bits (rule 8)}}
        %x = arith.index_cast %i : index to i24
        %y = arith.trunci %x : i24 to i1
        attn.yield %y : i1
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Vectors.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{'arith.constant' op cannot stand in the mask region of attn.attention: it computes with 'vector<4xi1>', which is no scalar (rule 8)}}
        %c = arith.constant dense<true> : vector<4xi1>
        %t = arith.constant true
        attn.yield %t : i1
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// A tensor made inside.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{'tensor.empty' op cannot stand in the score region of attn.attention: regions have scalar arith ops, math.{absf, absi, ceil, clampf, cos, ctpop, erf, exp, exp2, floor, fma, isnan, log, log1p, log2, powf, round, roundeven, rsqrt, sin, sqrt, tanh, trunc}, scf.if, scf.for with constant bounds and reads of captures (rule 8)}}
        %t = tensor.empty() : tensor<4xf32>
        %x = tensor.extract %t[%j] : tensor<4xf32>
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// A loop whose end is not constant.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        // expected-error @+1 {{'scf.for' op cannot stand in the score region of attn.attention: its bounds and its step are not constants (the step positive); loop to the largest bound and decide by scf.if or arith.select (rule 8)}}
        %x = scf.for %n = %c0 to %h step %c1 iter_args(%y = %s) -> f32 {
          scf.yield %y : f32
        }
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// A dimension that no tensor of rank 1 has; one that differs by row.
func.func @f(%q: tensor<2x8x64x32xf32>, %t: tensor<?xf32>) {
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%t : tensor<?xf32>) outs(%q : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<?xf32>) {
        %c1 = arith.constant 1 : index
        // expected-error @+1 {{'tensor.dim' op cannot stand in the mask region of attn.attention: the dimension that it asks for is no constant within the rank of what it reads (rule 8)}}
        %size = tensor.dim %table, %c1 : tensor<?xf32>
        %keep = arith.cmpi slt, %j, %size : index
        attn.yield %keep : i1
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

func.func @f(%q: memref<2x8x64x32xf32>, %o: memref<2x8x64x32xf32>, %t: memref<?xf32>) {
  attn.attention ins(%q, %q, %q : memref<2x8x64x32xf32>, memref<2x8x64x32xf32>, memref<2x8x64x32xf32>) captures(%t : memref<?xf32>) outs(%o : memref<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %table: memref<?xf32>) {
        // expected-error @+1 {{'memref.dim' op cannot stand in the mask region of attn.attention: the dimension that it asks for is no constant within the rank of what it reads (rule 8)}}
        %size = memref.dim %table, %i : memref<?xf32>
        %keep = arith.cmpi slt, %j, %size : index
        attn.yield %keep : i1
      }
  return
}

// -----

// The bit count of an index.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{'math.ctpop' op cannot stand in the score region of attn.attention: the width of an index depends on the target; cast it to i32 first (rule 8)}}
        %n = math.ctpop %h : index
        %m = arith.index_cast %n : index to i32
        %x = arith.sitofp %m : i32 to f32
        attn.yield %x : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// A score of another type.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{score region: yields 'i32', but must yield 'f32' (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %c = arith.constant 1 : i32
        attn.yield %c : i32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// A mask of another type.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{mask region: yields 'f32', but must yield 'i1' (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %c = arith.constant 1.0 : f32
        attn.yield %c : f32
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Another terminator.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        // expected-error @+1 {{'llvm.unreachable' op cannot stand in the mask region of attn.attention: regions have scalar arith ops, math.{absf, absi, ceil, clampf, cos, ctpop, erf, exp, exp2, floor, fma, isnan, log, log1p, log2, powf, round, roundeven, rsqrt, sin, sqrt, tanh, trunc}, scf.if, scf.for with constant bounds and reads of captures (rule 8)}}
        llvm.unreachable
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// Outside of the regions.
func.func @f() -> index {
  // expected-error @+1 {{'attn.q_offset' op expects parent op to be one of 'attn.attention, scf.if, scf.for'}}
  %x = attn.q_offset : index
  return %x : index
}

// -----

// In an scf.if outside of the regions.
func.func @f(%c: i1, %n: index) -> index {
  %r = scf.if %c -> index {
    // expected-error @+1 {{'attn.kv_len' op stands outside the regions of attn.attention}}
    %x = attn.kv_len : index
    scf.yield %x : index
  } else {
    scf.yield %n : index
  }
  return %r : index
}

// -----

// An empty region.
func.func @f(%q: tensor<2x8x64x32xf32>) {
  // expected-error @+3 {{the mask region is empty}}
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>)
      outs(%q : tensor<2x8x64x32xf32>)
      mask() {} -> tensor<2x8x64x32xf32>
  return
}

// -----

// attn.merge: number of destinations.
func.func @f(%o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{outs: takes two destinations (o and lse), not 1 (rule 18)}}
  %r = attn.merge ins(%o, %l, %o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
  return
}

// -----

// attn.merge: tensors and memrefs.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf32>, %l2: memref<1x2x8xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{lse2: must be a tensor as o1 is; tensors and memrefs do not mix}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, memref<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: element types.
func.func @f(%o1: tensor<1x2x8x16xf64>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf64>, %l2: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf64>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{o1: element type 'f64' is none of f32, f16 and bf16 (rule 4)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf64>, tensor<1x2x8xf32>, tensor<1x2x8x16xf64>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf64>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf64>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: two types.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf16>, %l2: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{o2: element type 'f16' differs from 'f32' of o1 (rule 4)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf16>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: type of o.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf32>, %l2: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf16>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{output: element type 'f16' is neither 'f32' of o1 nor f32 (rule 4)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf16>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf16>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: rank.
func.func @f(%o1: tensor<2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<2x8x16xf32>, %l2: tensor<1x2x8xf32>, %o: tensor<2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{o1: must have the shape [B, H, S, D], but has rank 3 (rule 18)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<2x8x16xf32>, tensor<1x2x8xf32>, tensor<2x8x16xf32>, tensor<1x2x8xf32>) outs(%o, %l : tensor<2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: sizes of o.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x32xf32>, %l2: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{o2: the head size is 32, but that of o1 is 16 (rule 18)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x32xf32>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: type of the lse.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf16>, %o2: tensor<1x2x8x16xf32>, %l2: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{lse1: element type 'f16' must be f32 (rule 18)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf16>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// attn.merge: rank of the lse.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf32>, %l2: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<2x8xf32>) {
  // expected-error @+1 {{lse: must have the shape [B, H, S], but has rank 2 (rule 18)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<2x8xf32>
  return
}

// -----

// attn.merge: sizes of the lse.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o2: tensor<1x2x8x16xf32>, %l2: tensor<1x2x9xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{lse2: the sequence length is 9, but that of o1 is 8 (rule 18)}}
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x9xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// One error, which says what there is.
func.func @f(%q: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{causal is one of top_left, bottom_right, not middle}}
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%q : tensor<2x8x64x32xf32>) {causal = #attn.causal<middle>} -> tensor<2x8x64x32xf32>
  return
}

// -----

func.func @f(%q: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{layout is one of bhsd, bshd, sbhd, htd, thd}}
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%q : tensor<2x8x64x32xf32>) {q_layout = #attn.layout<3>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A misspelt attribute.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{has no attribute 'causl'; did you mean 'causal'?}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {causl = #attn.causal<top_left>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A name that begins like an attribute.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{has no attribute 'scale'; did you mean 'scale_value'?}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {scale = 0.5 : f32} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A name like no attribute.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{has no attribute 'dropout'; known are approx_tanh, causal, k_layout, o_layout, q_layout, scale_value, softcap, tf32, v_layout, window}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {dropout = 0.1 : f32} -> tensor<2x8x64x32xf32>
  return
}

// -----

// A misspelt attribute of the dialect.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  // expected-error @+1 {{has the unknown attribute 'attn.schedul'; did you mean 'attn.schedule'?}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>) {attn.schedul = #attn.schedule<tile_m = 64, tile_n = 96>} -> tensor<2x8x64x32xf32>
  return
}

// -----

// An attribute of an argument.
// expected-error @+1 {{has the unknown attribute 'attn.dim'; did you mean 'attn.dims'?}}
func.func private @f(tensor<?xi32> {attn.dim = ["B"]})

// -----

// An op without attributes, within a region.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>) {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) outs(%o : tensor<2x8x64x32xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %c = arith.cmpi sle, %j, %i : index
        // expected-error @+1 {{has no attribute 'result'; there are none}}
        attn.yield %c {result} : i1
      } -> tensor<2x8x64x32xf32>
  return
}

// -----

// attn.merge: any attribute.
func.func @f(%o1: tensor<1x2x8x16xf32>, %l1: tensor<1x2x8xf32>, %o: tensor<1x2x8x16xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{has no attribute 'scale_value'; there are none}}
  %r:2 = attn.merge ins(%o1, %l1, %o1, %l1 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) outs(%o, %l : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) {scale_value = 1.0 : f32} -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
  return
}

// -----

// A width that memory has no elements of.
func.func @f(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x64x32xf32>, %v: tensor<2x8x64x32xf32>, %o: tensor<2x8x64x32xf32>, %x: tensor<8xi24>) {
  // expected-error @+1 {{captures: #0 is 'tensor<8xi24>', neither an integer of 1, 8, 16, 32 or 64 bits, a float nor a ranked tensor or memref of them (rule 8)}}
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>) captures(%x : tensor<8xi24>) outs(%o : tensor<2x8x64x32xf32>) -> tensor<2x8x64x32xf32>
  return
}

// -----

func.func @in_place(%q: memref<1x2x8x4xf32>, %k: memref<1x2x8x4xf32>) {
  // expected-error@+1 {{output: is the memory of query, which is read while it is written (rule 1)}}
  attn.attention ins(%q, %k, %q : memref<1x2x8x4xf32>, memref<1x2x8x4xf32>, memref<1x2x8x4xf32>) outs(%q : memref<1x2x8x4xf32>)
  return
}

// -----

func.func @lse_of_bias(%q: memref<1x2x8x8xf32>, %k: memref<1x2x8x8xf32>, %o: memref<1x2x8x8xf32>, %bias: memref<2x8x8xf32>, %l: memref<1x2x8xf32>) {
  // expected-error@+1 {{lse: is the memory of captures, which is read while it is written (rule 1)}}
  attn.attention ins(%q, %k, %k : memref<1x2x8x8xf32>, memref<1x2x8x8xf32>, memref<1x2x8x8xf32>) captures(%l : memref<1x2x8xf32>) outs(%o, %l : memref<1x2x8x8xf32>, memref<1x2x8xf32>)
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<1x2x8xf32>) {
      attn.yield %s : f32
    }
  return
}

// -----

// Names of arguments.
// expected-error @+1 {{argument #1 has the name of argument #0: "q"}}
func.func private @f(f32 {attn.name = "q"}, f32 {attn.name = "q"})

// -----

// expected-error @+1 {{argument #0 has the attn.name "", which is no text}}
func.func private @f(f32 {attn.name = ""})

// -----

// expected-error @+1 {{argument #0 has the attn.name 1 : i64, which is no text}}
func.func private @f(f32 {attn.name = 1})
