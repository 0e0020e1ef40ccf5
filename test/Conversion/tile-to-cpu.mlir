// tile-to-cpu: queries on lanes, keys broadcast, statistics lane-wise. No
// horizontal operation, no transposition of keys, no tile left.
// RUN: attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},attn-to-tile{tile-m=64 tile-n=96},func.func(tile-expand-math,tile-to-cpu,canonicalize,cse))' | FileCheck %s --check-prefixes=CHECK,AVX512 --implicit-check-not=vector.reduction --implicit-check-not=vector.transpose --implicit-check-not=!tile.tile
// RUN: attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v3},attn-to-tile{tile-m=64 tile-n=96},func.func(tile-expand-math,tile-to-cpu,canonicalize,cse))' | FileCheck %s --check-prefixes=CHECK,AVX2 --implicit-check-not=vector.reduction --implicit-check-not=vector.transpose --implicit-check-not=!tile.tile

// CHECK-LABEL: func.func private @f_kernel0
// Buffers are aligned stack memory: q and o as [d][query], scores as
// [key][query]; f32 keys and values are read where they are.
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<32x64xf32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<96x64xf32>
// CHECK-NOT: memref<96x32xf32>
// Queries: a vector of rows is copied; pieces of four rows and four columns
// change places, by steps that are one instruction each.
// AVX512: vector.load %{{.*}}[%c12, %{{.*}}] : memref<16x32xf32>, vector<4xf32>
// AVX512: vector.shuffle {{.*}} [0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29]
// AVX512: vector.shuffle {{.*}} [0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29]
// AVX512: vector.shuffle {{.*}} [2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31]
// AVX2: vector.load %{{.*}}[%c4, %{{.*}}] : memref<8x32xf32>, vector<4xf32>
// AVX2: vector.shuffle {{.*}} [0, 8, 1, 9, 4, 12, 5, 13]
// AVX2: vector.shuffle {{.*}} [0, 1, 8, 9, 4, 5, 12, 13]
// AVX2: vector.shuffle {{.*}} [2, 10, 3, 11, 6, 14, 7, 15]
// 6 columns times 4 vectors of 16 rows (2 vectors of 8 with 16 registers) are
// accumulated in registers over the head size.
// AVX512: scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args({{(%[^,]*, ){23}%[^,]*}})
// AVX512-COUNT-24: vector.fma {{.*}} : vector<16xf32>
// AVX2: scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args({{(%[^,]*, ){11}%[^,]*}})
// AVX2-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// CHECK: scf.yield
func.func @f(%q: memref<1x4x?x32xf32>, %k: memref<1x4x?x32xf32>, %v: memref<1x4x?x32xf32>, %o: memref<1x4x?x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xf32>, memref<1x4x?x32xf32>, memref<1x4x?x32xf32>) outs(%o : memref<1x4x?x32xf32>)
  return
}

// Keys and values of 16 bits are widened once a key tile.
// CHECK-LABEL: func.func private @bf16_kernel0
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<96x32xf32>
// CHECK: arith.extf {{.*}}xbf16> to vector
func.func @bf16(%q: memref<1x4x?x32xbf16>, %k: memref<1x4x?x32xbf16>, %v: memref<1x4x?x32xbf16>, %o: memref<1x4x?x32xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xbf16>, memref<1x4x?x32xbf16>, memref<1x4x?x32xbf16>) outs(%o : memref<1x4x?x32xbf16>)
  return
}

// Rows of a copy that would be 512 bytes apart, of which a product reads the
// same line each, are one line longer.
// CHECK-LABEL: func.func private @apart_kernel0
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<96x144xf32>
func.func @apart(%q: memref<1x4x?x128xf16>, %k: memref<1x4x?x128xf16>, %v: memref<1x4x?x128xf16>, %o: memref<1x4x?x128xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x128xf16>, memref<1x4x?x128xf16>, memref<1x4x?x128xf16>) outs(%o : memref<1x4x?x128xf16>)
  return
}

// The rescale of an accumulator is applied where the product loads it, after
// the new maximum, which therefore goes elsewhere than into the buffer of the
// old one (7 at first).
// CHECK-LABEL: func.func private @delayed
// CHECK: %[[SEVEN:.*]] = arith.constant dense<7.000000e+00>
// CHECK: vector.store %[[SEVEN]], %[[M:.*]][%{{.*}}] : memref<32xf32>
// CHECK: scf.for
// CHECK: arith.cmpf ogt
// CHECK-NOT: vector.store {{.*}}, %[[M]][
// CHECK: vector.load %[[M]][
// CHECK-NOT: vector.store {{.*}}, %[[M]][
// Beside the products, the right operand of the next iteration is asked for:
// its rows are as many further as a tile has.
// CHECK: %[[NEXT_ROW:.*]] = arith.addi %{{.*}}, %c32 : index
// CHECK-NEXT: %[[IN_MEMORY:.*]] = arith.minsi %[[NEXT_ROW]], %c31 : index
// CHECK-NEXT: memref.prefetch %{{.*}}[%[[IN_MEMORY]], %{{.*}}], read, locality<2>
// CHECK: vector.fma
// CHECK: vector.store {{.*}}, %[[M]][
func.func private @delayed(%k: memref<32x32xf32>, %o: memref<32xf32>, %n: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %seven = arith.constant 7.0 : f32
  %zero = arith.constant 0.0 : f32
  %m0 = tile.splat %seven : f32 -> !tile.tile<32xf32>
  %a0 = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %acc = %a0) -> (!tile.tile<32xf32>, !tile.tile<32x32xf32>) {
    %s = tile.load %k[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
    %v = tile.load %k[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
    %scaled = tile.map(%acc, %m) at [%c0, %c0] : (!tile.tile<32x32xf32>, !tile.tile<32xf32>) -> !tile.tile<32x32xf32> {
    ^bb0(%x: f32, %old: f32, %row: index, %col: index):
      %y = arith.mulf %x, %old : f32
      tile.yield %y : f32
    }
    %m1 = tile.reduce max %s, %m : !tile.tile<32x32xf32> -> !tile.tile<32xf32>
    %next = tile.dot %s, %v, %scaled : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
    scf.yield %m1, %next : !tile.tile<32xf32>, !tile.tile<32x32xf32>
  }
  tile.store %r#0, %o[%c0] valid [%c32] : !tile.tile<32xf32>, memref<32xf32>
  return
}

// A product may not overwrite a factor while it reads it.
// CHECK-LABEL: func.func private @factor
// CHECK: %[[SEVEN:.*]] = arith.constant dense<7.000000e+00>
// CHECK: vector.store %[[SEVEN]], %[[X:.*]][%{{.*}}] : memref<32x32xf32>
// CHECK: vector.fma
// CHECK-NOT: vector.store {{.*}}, %[[X]][
// CHECK: vector.store {{.*}}, %[[NEXT:.*]][
// CHECK: vector.load %[[NEXT]][
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
    %next = tile.dot %x, %v, %none : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
    scf.yield %next : !tile.tile<32x32xf32>
  }
  tile.store %r, %o[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  return
}

// What the kernel writes is copied when it is loaded, not read in place later.
// CHECK-LABEL: func.func private @overwritten
// CHECK-SAME: (%[[K:[a-z0-9]*]]: memref<32x32xf32>
// CHECK-DAG: vector.load %[[K]]
// CHECK: vector.store {{.*}}, %[[K]]
// CHECK-NOT: memref.load %[[K]]
// CHECK: vector.fma
func.func private @overwritten(%k: memref<32x32xf32>, %o: memref<32x32xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %seven = arith.constant 7.0 : f32
  %zero = arith.constant 0.0 : f32
  %x = tile.splat %seven : f32 -> !tile.tile<32x32xf32>
  %none = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %v = tile.load %k[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  tile.store %x, %k[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  %y = tile.dot %x, %v, %none : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
  tile.store %y, %o[%c0, %c0] valid [%c32, %c32] : !tile.tile<32x32xf32>, memref<32x32xf32>
  return
}

// Fewer vectors of rows: as many accumulators, in more columns.
// CHECK-LABEL: func.func private @few
// AVX512-COUNT-24: vector.fma
// AVX512-NOT: vector.fma
// AVX512: scf.yield
func.func private @few(%q: memref<32x32xf32>, %k: memref<?x32xf32>, %n: index, %o: memref<32x96xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c96 = arith.constant 96 : index
  %zero = arith.constant 0.0 : f32
  %a = tile.load %q[%c0, %c0] valid [%c32, %c32] : memref<32x32xf32> -> !tile.tile<32x32xf32>
  %b = tile.load %k[%c0, %c0] valid [%n, %c32] : memref<?x32xf32> -> !tile.tile<96x32xf32>
  %none = tile.splat %zero : f32 -> !tile.tile<32x96xf32>
  %s = tile.dot %a, %b, %none {transpose_b} : !tile.tile<32x32xf32>, !tile.tile<96x32xf32> -> !tile.tile<32x96xf32>
  tile.store %s, %o[%c0, %c0] valid [%c32, %c96] : !tile.tile<32x96xf32>, memref<32x96xf32>
  return
}

// A choice is made where the scores are: one branch leaves them, one writes
// over them.
// CHECK-LABEL: func.func private @chosen
// CHECK: memref.alloca() {{.*}}: memref<96x32xf32>
// CHECK-NOT: memref.alloca() {{.*}}: memref<96x32xf32>
// CHECK: scf.if
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

// Scores that something reads later stay.
// CHECK-LABEL: func.func private @kept
// CHECK-COUNT-2: memref.alloca() {{.*}}: memref<96x32xf32>
// CHECK: scf.if
func.func private @kept(%q: memref<32x32xf32>, %k: memref<96x32xf32>, %c: i1, %o: memref<32x96xf32>, %m: memref<32xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
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
  tile.store %s, %o[%c0, %c0] valid [%c32, %c96] : !tile.tile<32x96xf32>, memref<32x96xf32>
  return
}

// Rows of values that do not count are zero in a copy, which is made for the
// tile that has some (rule 7); other tiles are read where they are.
// CHECK-LABEL: func.func private @window_kernel0
// CHECK: %[[VALUES:.*]] = scf.if %[[MIXED:.*]] -> (memref<?x32xf32, strided<[?, 1], offset: ?>>) {
// CHECK:   scf.for
// CHECK:     %[[COUNTS:.*]] = arith.cmpi sge
// CHECK:     scf.if %[[COUNTS]] {
// CHECK:       vector.store
// CHECK:     } else {
// CHECK:       memref.store
// CHECK:   scf.yield
// CHECK: } else {
// CHECK-NEXT: memref.subview
// CHECK:   scf.yield
// CHECK: memref.load %[[VALUES]]
func.func @window(%q: memref<1x4x?x32xf32>, %k: memref<1x4x?x32xf32>, %v: memref<1x4x?x32xf32>, %o: memref<1x4x?x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xf32>, memref<1x4x?x32xf32>, memref<1x4x?x32xf32>) outs(%o : memref<1x4x?x32xf32>)
      {causal = #attn.causal<bottom_right>, window = #attn.window<left = 99>}
  return
}

// An index that fits 32 bits is one of 32, unless it may be negative and is
// taken as unsigned: -1 mod 7 is not the same of 2^32 and 2^64.
// CHECK-LABEL: func.func private @widths
// CHECK: arith.remsi %{{.*}} : vector<{{8|16}}xi32>
// CHECK: arith.remui %{{.*}} : vector<{{8|16}}xi32>
// CHECK: arith.remui %{{.*}} : vector<{{8|16}}xi64>
func.func private @widths(%m: memref<32xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %c7 = arith.constant 7 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %m[%c0] valid [%c32] : memref<32xf32> -> !tile.tile<32xf32>
  %r = tile.map(%t) at [%c0] : (!tile.tile<32xf32>) -> !tile.tile<32xf32> {
  ^bb0(%x: f32, %i: index):
    %before = arith.subi %i, %c5 : index
    %signed = arith.remsi %before, %c7 : index
    %first = arith.cmpi eq, %signed, %c0 : index
    %row = arith.remui %i, %c7 : index
    %second = arith.cmpi eq, %row, %c0 : index
    %unsigned = arith.remui %before, %c7 : index
    %third = arith.cmpi eq, %unsigned, %c0 : index
    %some = arith.ori %first, %second : i1
    %any = arith.ori %some, %third : i1
    %y = arith.select %any, %x, %zero : f32
    tile.yield %y : f32
  }
  tile.store %r, %m[%c0] valid [%c32] : !tile.tile<32xf32>, memref<32xf32>
  return
}

// Weights of 16 bits that a product takes widened stay in f32, and need not be
// exact in it.
// CHECK-LABEL: func.func private @half_kernel0
// CHECK:       math.exp2 %{{.*}} fastmath<afn> : vector<{{8|16}}xf32>
// CHECK-NOT:   arith.truncf {{.*}} to vector<{{8|16}}xf16>
// CHECK:       vector.fma
// CHECK:       arith.truncf {{.*}}xf32> to vector<{{8|16}}xf16>
func.func @half(%q: memref<1x1x128x32xf16>, %k: memref<1x1x960x32xf16>, %v: memref<1x1x960x32xf16>, %o: memref<1x1x128x32xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x1x128x32xf16>, memref<1x1x960x32xf16>, memref<1x1x960x32xf16>) outs(%o : memref<1x1x128x32xf16>)
  return
}
