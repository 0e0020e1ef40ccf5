// tile-expand-ranges: index arithmetic, and a guard for run-time predicates.
// RUN: attn-opt %s -allow-unregistered-dialect -pass-pipeline='builtin.module(func.func(tile-expand-ranges,canonicalize))' | FileCheck %s

// CHECK-LABEL: func @two_ranges
// CHECK-SAME: %[[B0:.*]]: index, %[[E0:.*]]: index, %[[B1:.*]]: index, %[[E1:.*]]: index, %[[N:[^:]*]]: index
func.func @two_ranges(%b0: index, %e0: index, %b1: index, %e1: index, %n: index) -> (index, index, i1) {
  // CHECK-NOT: tile.
  // CHECK-DAG: %[[D0:.*]] = arith.subi %[[E0]], %[[B0]]
  // CHECK-DAG: %[[L0:.*]] = arith.maxsi %[[D0]]
  // CHECK-DAG: %[[D1:.*]] = arith.subi %[[E1]], %[[B1]]
  // CHECK-DAG: %[[L1:.*]] = arith.maxsi %[[D1]]
  // CHECK-DAG: %[[COUNT:.*]] = arith.addi %[[L0]], %[[L1]]
  // The n-th tile lies in the first range while n < its length.
  // CHECK: %[[IN0:.*]] = arith.cmpi slt, %[[N]]
  // CHECK: %[[TILE:.*]] = arith.select %[[IN0]]
  // CHECK: return %[[COUNT]], %[[TILE]]
  %v = tile.ranges [%b0, %e0, %b0, %e0], [%b1, %e1, %b1, %b1] : !tile.ranges
  %count = tile.range_count %v : index
  %c, %full = tile.range_at %v[%n] : index, i1
  return %count, %c, %full : index, index, i1
}

// CHECK-LABEL: func @predicate
func.func @predicate(%end: index, %m: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %false = arith.constant false
  %v = tile.ranges [%c0, %end, %c0, %c0] where {
  ^bb0(%c: index):
    %odd = arith.remui %c, %c2 : index
    %visit = arith.cmpi eq, %odd, %c0 : index
    tile.yield %visit, %false : i1, i1
  } : !tile.ranges
  %n = tile.range_count %v : index
  // CHECK: scf.for %[[I:.*]] =
  // CHECK:   %[[ODD:.*]] = arith.remui %[[I]]
  // CHECK:   %[[VISIT:.*]] = arith.cmpi eq, %[[ODD]]
  // CHECK:   scf.if %[[VISIT]] {
  // CHECK:     memref.store
  scf.for %i = %c0 to %n step %c1 {
    %c, %full = tile.range_at %v[%i] : index, i1
    memref.store %c, %m[%c] : memref<?xindex>
  }
  return
}

// Carried values pass an excluded tile unchanged.
// CHECK-LABEL: func @carried
func.func @carried(%end: index, %limit: index) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %false = arith.constant false
  %v = tile.ranges [%c0, %end, %c0, %c0] where {
  ^bb0(%c: index):
    %visit = arith.cmpi slt, %c, %limit : index
    tile.yield %visit, %false : i1, i1
  } : !tile.ranges
  %n = tile.range_count %v : index
  // CHECK: scf.for {{.*}} iter_args(%[[X:.*]] =
  // CHECK:   scf.if
  // CHECK:     scf.yield
  // CHECK:   } else {
  // CHECK:     scf.yield %[[X]]
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %c0) -> index {
    %c, %full = tile.range_at %v[%i] : index, i1
    %t = arith.muli %c, %c : index
    %y = arith.addi %x, %t : index
    %z = "test.keep"(%y) : (index) -> index
    scf.yield %z : index
  }
  return %r : index
}

// A range whose full part is empty has no full tile, without a comparison.
// CHECK-LABEL: func @none_full
// CHECK-SAME: %[[B:.*]]: index, %[[E:.*]]: index, %[[N:[^:]*]]: index
func.func @none_full(%b: index, %e: index, %n: index) -> (index, i1) {
  // CHECK: %[[FALSE:.*]] = arith.constant false
  // CHECK: %[[TILE:.*]] = arith.addi %[[B]], %[[N]]
  // CHECK-NOT: arith.cmpi
  // CHECK: return %[[TILE]], %[[FALSE]]
  %v = tile.ranges [%b, %e, %b, %b] : !tile.ranges
  %c, %full = tile.range_at %v[%n] : index, i1
  return %c, %full : index, i1
}
