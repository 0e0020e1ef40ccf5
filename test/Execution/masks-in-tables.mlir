// Masks read from tables that all batches share, of batches of all lengths, and
// block masks, against the reference.
// RUN: attn-run %s --entry=keys --random=B=2,Sq=10,Skv=400 --backend=cpu --check=reference --seed=3 | FileCheck %s
// RUN: attn-run %s --entry=keys --random=B=3,Sq=10,Skv=400 --backend=cpu --check=reference --seed=4 | FileCheck %s
// RUN: attn-run %s --entry=rows --random=B=3,Tq=100,Tkv=150,L=200 --backend=cpu --check=reference --seed=1 | FileCheck %s
// RUN: attn-run %s --entry=rows --random=B=4,Tq=300,Tkv=150,L=80 --backend=cpu --check=reference --seed=2 | FileCheck %s
// RUN: attn-run %s --entry=blocks --random=B=2,Sq=500,Skv=450,X=8,Y=8 --backend=cpu --check=reference --seed=1 | FileCheck %s
// RUN: attn-run %s --entry=far --random=B=1,Sq=70,Skv=170 --backend=cpu --check=reference | FileCheck %s
// RUN: attn-run %s --entry=far_for_all --random=B=1,Sq=70,Skv=170 --backend=cpu --check=reference | FileCheck %s
// CHECK: matches the reference

!q = tensor<?x2x?x8xf32>
func.func @keys(%q: !q, %k: !q, %v: !q, %t: tensor<?xi1> {attn.dims = ["Skv"]}, %n: tensor<?xi32>, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q)
      mask_tensor(%t : tensor<?xi1>) kv_len(%n : tensor<?xi32>) outs(%o : !q) -> !q
  return %r : !q
}

!r = tensor<2x?x16xf32>
func.func @rows(%q: !r, %k: !r, %v: !r, %cq: tensor<?xi32>, %ck: tensor<?xi32>,
                %t: tensor<?xi32> {attn.dims = ["L"], attn.values = array<i64: 0, 2>}, %o: !r) -> !r {
  %r = attn.attention ins(%q, %k, %v : !r, !r, !r)
      captures(%t : tensor<?xi32>) cu_seqlens(%cq, %ck : tensor<?xi32>, tensor<?xi32>) outs(%o : !r)
      mask(%b: index, %h: index, %i: index, %j: index, %u: tensor<?xi32>) {
        %x = tensor.extract %u[%i] : tensor<?xi32>
        %y = tensor.extract %u[%j] : tensor<?xi32>
        %one = arith.constant 1 : i32
        %row = arith.cmpi sge, %x, %one : i32
        %same = arith.cmpi eq, %x, %y : i32
        %keep = arith.andi %row, %same : i1
        attn.yield %keep : i1
      } -> !r
  return %r : !r
}

// Blocks of 64 a head.
func.func @blocks(%q: !q, %k: !q, %v: !q, %t: tensor<2x?x?xi8> {attn.dims = ["", "X", "Y"], attn.values = array<i64: 0, 1>}, %n: tensor<?xi32>, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : tensor<2x?x?xi8>) kv_len(%n : tensor<?xi32>) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index, %u: tensor<2x?x?xi8>) {
        %c = arith.constant 64 : index
        %zero = arith.constant 0 : i8
        %x = arith.divsi %i, %c : index
        %y = arith.divsi %j, %c : index
        %e = tensor.extract %u[%h, %x, %y] : tensor<2x?x?xi8>
        %keep = arith.cmpi ne, %e, %zero : i8
        attn.yield %keep : i1
      } -> !q
  return %r : !q
}

// Sums of 32 bits wrap where numbers are at the end of their range: an end past
// the last key is before the first one.
func.func @far(%q: !q, %k: !q, %v: !q, %t: tensor<?xi32> {attn.dims = ["Sq"], attn.values = array<i64: 2147483500, 2147483647>}, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : tensor<?xi32>) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index, %u: tensor<?xi32>) {
        %row = arith.index_cast %i : index to i32
        %key = arith.index_cast %j : index to i32
        %distance = tensor.extract %u[%i] : tensor<?xi32>
        %end = arith.addi %key, %distance : i32
        %keep = arith.cmpi sle, %row, %end : i32
        attn.yield %keep : i1
      } -> !q
  return %r : !q
}

func.func @far_for_all(%q: !q, %k: !q, %v: !q, %n: i32 {attn.values = array<i64: 2147483600, 2147483601>}, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%n : i32) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index, %distance: i32) {
        %row = arith.index_cast %i : index to i32
        %key = arith.index_cast %j : index to i32
        %end = arith.addi %key, %distance : i32
        %keep = arith.cmpi sle, %row, %end : i32
        attn.yield %keep : i1
      } -> !q
  return %r : !q
}
