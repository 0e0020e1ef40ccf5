// Sizes that only a call knows are checked before anything runs; the message
// has the rule and the two sizes, in the compiler's words.
// RUN: not attn-run %s --entry=heads --backend=cpu --random=B=1,Hq=3,Hkv=2,Sq=5,Skv=9 2>&1 | FileCheck %s
// CHECK: rule 2: Hq of query must be a multiple of Hkv of key (Hq of query = 3, Hkv of key = 2)
// Without key heads there can be no query heads.
// RUN: not attn-run %s --entry=heads --backend=cpu --random=B=1,Hq=2,Hkv=0,Sq=4,Skv=5 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: rule 2: Hq of query must be a multiple of Hkv of key (Hq of query = 2, Hkv of key = 0)
!t = tensor<?x?x?x16xf32>
func.func @heads(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) -> !t
  return %r : !t
}

// What is not in an argument's memory is written as a dense tensor; the runtime
// copies it to where others are bound.
// RUN: attn-compile %s --entry=fresh -o %t.attn && strings %t.attn | FileCheck %s --check-prefix=DENSE
// DENSE: "results":[{"dense":true,"dtype":"f32","name":"result0"
func.func @fresh(%q: !t, %k: !t, %v: !t) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : !t
  %h = tensor.dim %q, %c1 : !t
  %s = tensor.dim %q, %c2 : !t
  %o = tensor.empty(%b, %h, %s) : !t
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) -> !t
  return %r : !t
}

// What tensors hold is checked in every launch. The numbers are those of a
// slice of the argument.
// RUN: attn-run %s --entry=lengths --backend=cpu --check=reference --random=B=2,Hq=2,Hkv=2,Sq=5,pages=3,table_size=4 | FileCheck %s --check-prefix=FITS
// FITS: matches the reference
// RUN: not attn-run %s --entry=too_long --backend=cpu --random=B=2,Hq=2,Hkv=2,Sq=5,pages=3,table_size=4 2>&1 | FileCheck %s --check-prefix=LONG
// LONG: rule 11: kv_len must lie in 0 .. room in page_table (b = 0, kv_len[b] = 17, room in page_table = 16)
// RUN: not attn-run %s --entry=no_page --backend=cpu --random=B=2,Hq=2,Hkv=2,Sq=5,pages=3 2>&1 | FileCheck %s --check-prefix=PAGE
// PAGE: rule 11: page_table must name pages of key (b = 0, p = 0, page_table[b, p] = 3, pages of key = 3)
!pool = tensor<?x?x4x16xf32>
func.func @lengths(%q: !t, %k: !pool, %v: !pool, %n: tensor<2x2xi32> {attn.values = array<i64: 0, 16>}, %p: tensor<?x?xi32>, %o: !t) -> !t {
  %second = tensor.extract_slice %n[1, 0] [1, 2] [1, 1] : tensor<2x2xi32> to tensor<2xi32>
  %r = attn.attention ins(%q, %k, %v : !t, !pool, !pool) kv_len(%second : tensor<2xi32>) page_table(%p : tensor<?x?xi32>) outs(%o : !t) -> !t
  return %r : !t
}
func.func @too_long(%q: !t, %k: !pool, %v: !pool, %n: tensor<2x2xi32> {attn.values = array<i64: 17, 17>}, %p: tensor<?x?xi32>, %o: !t) -> !t {
  %second = tensor.extract_slice %n[1, 0] [1, 2] [1, 1] : tensor<2x2xi32> to tensor<2xi32>
  %r = attn.attention ins(%q, %k, %v : !t, !pool, !pool) kv_len(%second : tensor<2xi32>) page_table(%p : tensor<?x?xi32>) outs(%o : !t) -> !t
  return %r : !t
}
func.func @no_page(%q: !t, %k: !pool, %v: !pool, %n: tensor<2x2xi32> {attn.values = array<i64: 1, 1>}, %p: tensor<2x2x4xi32> {attn.values = array<i64: 3, 3>}, %o: !t) -> !t {
  %second = tensor.extract_slice %n[1, 0] [1, 2] [1, 1] : tensor<2x2xi32> to tensor<2xi32>
  %table = tensor.extract_slice %p[0, 1, 0] [2, 1, 4] [1, 1, 1] : tensor<2x2x4xi32> to tensor<2x4xi32>
  %r = attn.attention ins(%q, %k, %v : !t, !pool, !pool) kv_len(%second : tensor<2xi32>) page_table(%table : tensor<2x4xi32>) outs(%o : !t) -> !t
  return %r : !t
}

// A length for all batches is a number.
// RUN: not attn-run %s --entry=one_length --backend=cpu --random=B=2,Hq=2,Hkv=2,Sq=5,Skv=9 2>&1 | FileCheck %s --check-prefix=ONE
// ONE: rule 11: kv_len must lie in 0 .. Skv of key (kv_len = -1, Skv of key = 9)
func.func @one_length(%q: !t, %k: !t, %v: !t, %n: i32 {attn.values = array<i64: 1, 1>}, %o: !t) -> !t {
  %c0 = arith.constant 0 : i32
  %less = arith.subi %c0, %n : i32
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) kv_len(%less : i32) outs(%o : !t) -> !t
  return %r : !t
}
