// attn-make-total: every op of a region has a result for every operand.
// RUN: attn-opt %s --attn-make-total --canonicalize --split-input-file | FileCheck %s
// RUN: attn-opt %s --attn-make-total --attn-simplify-regions --split-input-file -o /dev/null

// Whatever an index depends on, it is clamped into its table; what is known to
// lie inside of it is not.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @reads
//       CHECK:   score(%{{.*}}: f32, %[[B:.*]]: index, %[[H:.*]]: index, %[[I:.*]]: index, %{{.*}}: index, %[[T:.*]]: memref<4x?xf32>)
//       CHECK:     %[[SIZE:.*]] = memref.dim %[[T]], %c1
//       CHECK:     %[[NONE:.*]] = arith.cmpi eq, %[[SIZE]], %c0
// An empty table is read at 0, in every dimension.
//       CHECK:     %[[ROW:.*]] = arith.select %[[NONE]], %c0, %c3
//       CHECK:     %[[ROW1:.*]] = arith.minsi %[[H]], %[[ROW]]
//       CHECK:     %[[ROW2:.*]] = arith.maxsi %[[ROW1]], %c0
//       CHECK:     %[[LAST:.*]] = arith.subi %[[SIZE]], %c1
//       CHECK:     %[[COLUMN:.*]] = arith.select %[[NONE]], %c0, %[[LAST]]
//       CHECK:     arith.minsi
//       CHECK:     %[[COLUMN2:.*]] = arith.maxsi
//       CHECK:     memref.load %[[T]][%[[ROW2]], %[[COLUMN2]]]
func.func @reads(%q: !q, %k: !q, %v: !q, %o: !q, %t: memref<4x?xf32>) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : memref<4x?xf32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: memref<4x?xf32>) {
        %x = memref.load %table[%h, %b] : memref<4x?xf32>
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      }
  return
}

// -----

!q = tensor<2x4x?x16xf32>
// CHECK-LABEL: func @inside
//       CHECK:   score(%{{[^,]*}}: f32, %{{[^,]*}}: index, %[[H:[^,]*]]: index,
//  CHECK-NEXT:     %c7 = arith.constant 7
//  CHECK-NEXT:     %[[X:.*]] = tensor.extract %{{.*}}[%[[H]], %c7]
//  CHECK-NEXT:     %[[Y:.*]] = arith.addf
//  CHECK-NEXT:     attn.yield %[[Y]]
func.func @inside(%q: !q, %k: !q, %v: !q, %o: !q, %t: tensor<4x8xf32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : tensor<4x8xf32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<4x8xf32>) {
        %c7 = arith.constant 7 : index
        %x = tensor.extract %table[%h, %c7] : tensor<4x8xf32>
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}

// -----

// The division stays and is defined for what it gets: x / 0 is 0 / 1, x / -1 is
// -x / 1. Constants need no guard.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @divisions
//       CHECK:   mask(%{{.*}}: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index)
//       CHECK:     %[[ZERO:.*]] = arith.cmpi eq, %[[H]], %c0
//       CHECK:     %[[X:.*]] = arith.select %[[ZERO]], %c0, %[[I]]
//       CHECK:     %[[Y:.*]] = arith.select %[[ZERO]], %c1, %[[H]]
//       CHECK:     %[[MINUS:.*]] = arith.cmpi eq, %[[H]], %c-1
//       CHECK:     %[[NEGATED:.*]] = arith.subi %c0, %[[I]]
//       CHECK:     %[[X2:.*]] = arith.select %[[MINUS]], %[[NEGATED]], %[[X]]
//       CHECK:     %[[Y2:.*]] = arith.select %[[MINUS]], %c1, %[[Y]]
//       CHECK:     %[[Q:.*]] = arith.divsi %[[X2]], %[[Y2]]
//       CHECK:     %[[Y3:.*]] = arith.select %{{.*}}, %c1, %[[H]]
//       CHECK:     %[[R:.*]] = arith.remui %{{.*}}, %[[Y3]]
//       CHECK:     arith.divsi %[[J]], %c3
func.func @divisions(%q: !q, %k: !q, %v: !q, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %c3 = arith.constant 3 : index
        %x = arith.divsi %i, %h exact : index
        %y = arith.remui %i, %h : index
        %z = arith.divsi %j, %c3 : index
        %xy = arith.addi %x, %y overflow<nsw> : index
        %m = arith.cmpi sle, %z, %xy : index
        attn.yield %m : i1
      }
  return
}

// -----

// Promises that only observed values keep are dropped.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @shifts
//   CHECK-NOT:   overflow
//   CHECK-NOT:   exact
//       CHECK:   %[[FITS:.*]] = arith.cmpi ule, %[[A:.*]], %c31_i32
//       CHECK:   %[[X:.*]] = arith.select %[[FITS]], %[[A]], %c0_i32
//       CHECK:   %[[N:.*]] = arith.select %[[FITS]], %[[A]], %c31_i32
//       CHECK:   arith.shli %[[X]], %[[N]] : i32
//       CHECK:   arith.shrsi %[[A]], %{{.*}} : i32
//       CHECK:   %[[R:.*]] = arith.shrui %[[A]], %c4_i32 : i32
func.func @shifts(%q: !q, %k: !q, %v: !q, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %c4 = arith.constant 4 : i32
        %a = arith.index_cast %j : index to i32
        %x = arith.shli %a, %a overflow<nsw, nuw> : i32
        %y = arith.shrsi %a, %a : i32
        %z = arith.shrui %a, %c4 exact : i32
        %w = arith.addi %x, %y overflow<nsw> : i32
        %m = arith.cmpi slt, %w, %z : i32
        attn.yield %m : i1
      }
  return
}

// -----

// Conversions to integers saturate; NaN is 0.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @conversions
//       CHECK:   score(%[[S:[^,]*]]: f32,
//   CHECK-DAG:     %[[LOW:.*]] = arith.constant -2.14748365E+9
//   CHECK-DAG:     %[[HIGH:.*]] = arith.constant 2.14748365E+9
//       CHECK:     %[[BELOW:.*]] = arith.cmpf olt, %[[S]], %[[LOW]]
//       CHECK:     %[[A:.*]] = arith.select %[[BELOW]], %[[LOW]], %[[S]]
//       CHECK:     %[[INSIDE:.*]] = arith.cmpf olt, %[[S]], %[[HIGH]]
//       CHECK:     %[[X:.*]] = arith.select %[[INSIDE]], %[[A]], %cst
//       CHECK:     %[[N:.*]] = arith.fptosi %[[X]]
//       CHECK:     %[[ABOVE:.*]] = arith.cmpf oge, %[[S]], %[[HIGH]]
//       CHECK:     arith.select %[[ABOVE]], %c2147483647_i32, %[[N]]
func.func @conversions(%q: !q, %k: !q, %v: !q, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %n = arith.fptosi %s : f32 to i32
        %y = arith.sitofp %n : i32 to f32
        attn.yield %y : f32
      }
  return
}

// -----

// One bit is 1 from 1 on; with a sign, from -1 on.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @bits
//       CHECK:   score(%[[S:[^,]*]]: f32,
//   CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.0
//   CHECK-DAG:     %[[MINUS:.*]] = arith.constant -1.0
//   CHECK-NOT:     arith.fpto
//       CHECK:     %[[U:.*]] = arith.cmpf oge, %[[S]], %[[ONE]]
//       CHECK:     arith.uitofp %[[U]]
//   CHECK-NOT:     arith.fpto
//       CHECK:     %[[I:.*]] = arith.cmpf ole, %{{.*}}, %[[MINUS]]
//       CHECK:     arith.sitofp %[[I]]
func.func @bits(%q: !q, %k: !q, %v: !q, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %u = arith.fptoui %s : f32 to i1
        %x = arith.uitofp %u : i1 to f32
        %y = arith.subf %s, %x : f32
        %n = arith.fptosi %y : f32 to i1
        %z = arith.sitofp %n : i1 to f32
        attn.yield %z : f32
      }
  return
}

// -----

// Loops are unrolled, inner ones too; reads in them are clamped as others are.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @loops
//       CHECK:   score(%[[S:.*]]: f32,
//   CHECK-NOT:     scf.for
// 1 + 3 trips and, in each, 0 + 2.
//       CHECK:     memref.load %{{.*}}[%c1]
//       CHECK:     memref.load %{{.*}}[%c3]
//       CHECK:     memref.load %{{.*}}[%c4]
//       CHECK:     memref.load %{{.*}}[%c6]
//   CHECK-NOT:     memref.load
func.func @loops(%q: !q, %k: !q, %v: !q, %o: !q, %t: memref<7xf32>) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) captures(%t : memref<7xf32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: memref<7xf32>) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c2 = arith.constant 2 : index
        %c3 = arith.constant 3 : index
        %c5 = arith.constant 5 : index
        %x = scf.for %m = %c1 to %c5 step %c3 iter_args(%y = %s) -> f32 {
          %z = scf.for %n = %c0 to %c3 step %c2 iter_args(%w = %y) -> f32 {
            %mn = arith.addi %m, %n : index
            %e = memref.load %table[%mn] : memref<7xf32>
            %u = arith.addf %w, %e : f32
            scf.yield %u : f32
          }
          scf.yield %z : f32
        }
        %none = scf.for %m = %c5 to %c1 step %c1 iter_args(%y = %x) -> f32 {
          %e = memref.load %table[%m] : memref<7xf32>
          scf.yield %e : f32
        }
        attn.yield %none : f32
      }
  return
}

// -----

// An index that gets fewer bits and becomes an index again does so by way of an
// i64, or a fold would take it for what it was. One that becomes a number does
// not have to.
!q = memref<2x4x?x16xf32>
// CHECK-LABEL: func @narrow
//       CHECK:   mask(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index)
//       CHECK:     %[[I64:.*]] = arith.index_cast %[[I]] : index to i64
//       CHECK:     %[[I8:.*]] = arith.trunci %[[I64]] : i64 to i8
//       CHECK:     arith.index_castui %[[I8]] : i8 to index
//       CHECK:     %[[J64:.*]] = arith.index_cast %[[J]] : index to i64
//       CHECK:     %[[J32:.*]] = arith.trunci %[[J64]] : i64 to i32
//       CHECK:     arith.index_cast %[[J32]] : i32 to index
//       CHECK:     %[[N:.*]] = arith.index_cast %[[I]] : index to i32
//       CHECK:     arith.sitofp %[[N]] : i32 to f32
func.func @narrow(%q: !q, %k: !q, %v: !q, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %i8 = arith.index_castui %i : index to i8
        %x = arith.index_castui %i8 : i8 to index
        %j32 = arith.index_cast %j : index to i32
        %j64 = arith.extsi %j32 : i32 to i64
        %y = arith.index_cast %j64 : i64 to index
        %xy = arith.cmpi sle, %x, %y : index
        %i32 = arith.index_cast %i : index to i32
        %n = arith.sitofp %i32 : i32 to f32
        %c = arith.constant 30.0 : f32
        %root = math.sqrt %n : f32
        %few = arith.cmpf olt, %root, %c : f32
        %m = arith.andi %xy, %few : i1
        attn.yield %m : i1
      }
  return
}
