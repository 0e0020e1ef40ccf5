// tile-to-cpu: what is computed from a product element by element, and from its
// rows, happens in the registers of the product, if that is little.
// RUN: attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(tile-to-cpu,canonicalize,cse))' | FileCheck %s

// Both branches of a choice get the product, and finish it before it is stored:
// one stores it and takes its maxima, one changes it first.
// CHECK-LABEL: func.func private @chosen
// CHECK: scf.if
// CHECK: scf.for {{.*}} step %c12 {
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-24: vector.fma
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: %[[MAX:.*]] = vector.load %[[M:.*]][%c0] : memref<32xf32>
// CHECK-COUNT-12: arith.cmpf ogt
// CHECK-NOT: scf.for
// CHECK: vector.store {{.*}}, %[[M]][%c0] : memref<32xf32>
// CHECK: } else {
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-24: vector.fma
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: math.absf
// CHECK: vector.store {{.*}} : memref<96x32xf32>
func.func private @chosen(%q: memref<32x32xf32>, %k: memref<96x32xf32>, %c: i1, %o: memref<32x96xf32>, %m: memref<32xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c96 = arith.constant 96 : index
  %zero = arith.constant 0.0 : f32
  %a = tile.load %q[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %b = tile.load %k[%c0, %c0] valid [%c96, %c32] : memref<96x32xf32> -> !tile.tile<96x32xf32>
  %none = tile.splat %zero : f32 -> !tile.tile<32x96xf32>
  %low = tile.splat %zero : f32 -> !tile.tile<32xf32>
  %s = tile.dot %a, %b, %none {transpose_b} : !tile.tile<32x32xf32>, !tile.tile<96x32xf32> -> !tile.tile<32x96xf32>
  %r:2 = scf.if %c -> (!tile.tile<32x96xf32>, !tile.tile<32xf32>) {
    %max = tile.reduce max %s, %low : !tile.tile<32x96xf32> -> !tile.tile<32xf32>
    scf.yield %s, %max : !tile.tile<32x96xf32>, !tile.tile<32xf32>
  } else {
    %t = tile.map(%s) at [%c0, %c0] : (!tile.tile<32x96xf32>) -> !tile.tile<32x96xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = math.absf %x : f32
      tile.yield %y : f32
    }
    %max = tile.reduce max %t, %low : !tile.tile<32x96xf32> -> !tile.tile<32xf32>
    scf.yield %t, %max : !tile.tile<32x96xf32>, !tile.tile<32xf32>
  }
  tile.store %r#0, %o[%c0, %c0] valid [%c32, %c96] : !tile.tile<32x96xf32>, memref<32x96xf32>
  tile.store %r#1, %m[%c0] valid [%c32] : !tile.tile<32xf32>, memref<32xf32>
  return
}

// Much code is not repeated for each register: it is a loop behind the product.
// CHECK-LABEL: func.func private @long
// CHECK: vector.fma
// CHECK-NOT: math.absf
// CHECK: scf.for {{.*}} = %c0 to %c32 step %c16
// CHECK-COUNT-8: math.absf
// CHECK-NOT: math.absf
func.func private @long(%q: memref<32x32xf32>, %o: memref<32x32xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  %a = tile.load %q[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %b = tile.load %q[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %none = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %s = tile.dot %a, %b, %none {transpose_b} : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
  %t = tile.map(%s) at [%c0, %c0] : (!tile.tile<32x32xf32>) -> !tile.tile<32x32xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %y0 = math.absf %x : f32
    %z0 = arith.addf %y0, %x : f32
    %y1 = math.absf %z0 : f32
    %z1 = arith.addf %y1, %z0 : f32
    %y2 = math.absf %z1 : f32
    %z2 = arith.addf %y2, %z1 : f32
    %y3 = math.absf %z2 : f32
    %z3 = arith.addf %y3, %z2 : f32
    %y4 = math.absf %z3 : f32
    %z4 = arith.addf %y4, %z3 : f32
    %y5 = math.absf %z4 : f32
    %z5 = arith.addf %y5, %z4 : f32
    %y6 = math.absf %z5 : f32
    %z6 = arith.addf %y6, %z5 : f32
    %y7 = math.absf %z6 : f32
    tile.yield %y7 : f32
  }
  tile.store %t, %o[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  return
}

// What a block of sums becomes may not go over a factor that other blocks read
// (7 at first).
// CHECK-LABEL: func.func private @factor
// CHECK: %[[SEVEN:.*]] = arith.constant dense<7.000000e+00>
// CHECK: vector.store %[[SEVEN]], %[[X:.*]][%{{.*}}] : memref<32x32xf32>
// CHECK: vector.fma
// CHECK-NOT: math.absf
// CHECK-NOT: vector.store {{.*}}, %[[X]][
// CHECK: scf.for {{.*}} = %c0 to %c32 step %c16
// CHECK: math.absf
// CHECK-NEXT: vector.store {{.*}}, %[[X]][
func.func private @factor(%k: memref<32x32xf32>, %o: memref<32x32xf32>, %n: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %seven = arith.constant 7.0 : f32
  %zero = arith.constant 0.0 : f32
  %x0 = tile.splat %seven : f32 -> !tile.tile<32x32xf32>
  %none = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %x0) -> (!tile.tile<32x32xf32>) {
    %v = tile.load %k[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
    %p = tile.dot %x, %v, %none : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
    %next = tile.map(%p) at [%c0, %c0] : (!tile.tile<32x32xf32>) -> !tile.tile<32x32xf32> {
    ^bb0(%e: f32, %row: index, %col: index):
      %y = math.absf %e : f32
      tile.yield %y : f32
    }
    scf.yield %next : !tile.tile<32x32xf32>
  }
  tile.store %r, %o[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  return
}

// Row statistics that a loop over elements does not make are computed before
// it: a sum that starts from them is taken where the elements are. The old
// maximum, which the loop still reads, stays until then.
// CHECK-LABEL: func.func private @weights
// CHECK: scf.for
// CHECK: arith.negf
// CHECK: scf.for
// CHECK: scf.for
// CHECK: math.exp
// CHECK: arith.addf
func.func private @weights(%q: memref<32x32xf32>, %n: index, %m: memref<32xf32>, %o: memref<32x32xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %s = tile.load %q[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %old = tile.load %m[%c0] valid [%c32] : memref<32xf32> -> !tile.tile<32xf32>
  %p = tile.map(%s, %old) at [%c0, %c0] : (!tile.tile<32x32xf32>, !tile.tile<32xf32>) -> !tile.tile<32x32xf32> {
  ^bb0(%x: f32, %row: f32, %i: index, %j: index):
    %d = arith.subf %x, %row : f32
    %y = math.exp %d : f32
    tile.yield %y : f32
  }
  %first = tile.map(%old) at [%c0] : (!tile.tile<32xf32>) -> !tile.tile<32xf32> {
  ^bb0(%x: f32, %i: index):
    %y = arith.negf %x : f32
    tile.yield %y : f32
  }
  %sum = tile.reduce sum %p, %first : !tile.tile<32x32xf32> -> !tile.tile<32xf32>
  tile.store %p, %o[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  tile.store %sum, %m[%c0] valid [%c32] : !tile.tile<32xf32>, memref<32xf32>
  return
}
