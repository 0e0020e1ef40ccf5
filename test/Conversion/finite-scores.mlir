// RUN: attn-opt %s --tile-finite-scores --split-input-file | FileCheck %s

// No -inf is left; what the mask keeps is clamped above the sentinel.
// CHECK-LABEL: func.func private @masked
// CHECK-NOT: 0xFF800000
// CHECK: ^bb0(%[[X:.+]]: f32, %{{.+}}: index, %{{.+}}: index):
// CHECK: %[[KEEP:.+]] = arith.cmpi sle
// CHECK: %[[LOW:.+]] = arith.constant -8.50705917E+37 : f32
// CHECK: %[[A:.+]] = arith.maximumf %[[X]], %[[LOW]]
// CHECK: %[[B:.+]] = arith.minimumf %[[A]]
// CHECK: %[[SENTINEL:.+]] = arith.constant -1.27605888E+38 : f32
// CHECK: %[[Y:.+]] = arith.select %[[KEEP]], %[[B]], %[[SENTINEL]]
// CHECK: tile.yield %[[Y]]
func.func private @masked(%q: !tile.tile<8x8xf32>, %k: !tile.tile<8x8xf32>, %s0: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %ninf = arith.constant 0xFF800000 : f32
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
  %t = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %keep = arith.cmpi sle, %j, %i : index
    %y = arith.select %keep, %x, %ninf : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %t, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// -----

// So may one whose elements are words (tile-pack-bindings).
// CHECK-LABEL: func.func private @words
// CHECK: %[[W:.+]] = memref.load
// CHECK: %[[T:.+]] = arith.bitcast %[[W]] : i32 to f32
// CHECK: %[[BITS:.+]] = arith.bitcast %[[T]] : f32 to i32
// CHECK: %[[IS:.+]] = arith.cmpi eq, %[[BITS]]
// CHECK: %[[B:.+]] = arith.select %[[IS]]
// CHECK: %[[S:.+]] = arith.addf %{{.+}}, %[[B]]
// CHECK: arith.maximumf %[[S]]
// CHECK-NOT: arith.bitcast
// CHECK: arith.select %[[IS]], %{{.+}}, %{{.+}} : f32
// CHECK-NOT: arith.bitcast
// CHECK: return
func.func private @words(%q: !tile.tile<8x8xf32>, %k: !tile.tile<8x8xf32>, %s0: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %t: memref<8xi32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
  %s1 = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %w = memref.load %t[%j] : memref<8xi32>
    %b = arith.bitcast %w : i32 to f32
    %y = arith.addf %x, %b : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %s1, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// -----

// Elements and scalars of 64 bits are asked once they are narrowed: not all
// targets have so many bits.
// CHECK-LABEL: func.func private @doubles
// CHECK-NOT: f64 to i64
// CHECK: %[[X:.+]] = arith.truncf %{{.+}} : f64 to f32
// CHECK: %[[BITS:.+]] = arith.bitcast %[[X]] : f32 to i32
// CHECK: arith.cmpi eq, %[[BITS]]
// CHECK: %[[Y:.+]] = arith.truncf %{{.+}} : f64 to f32
// CHECK: %[[BITS:.+]] = arith.bitcast %[[Y]] : f32 to i32
// CHECK: arith.cmpi eq, %[[BITS]]
// CHECK-NOT: f64 to i64
// CHECK: return
func.func private @doubles(%q: !tile.tile<8x8xf32>, %k: !tile.tile<8x8xf32>, %s0: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %t: memref<8xf64>, %c: f64, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
  %s1 = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %w = memref.load %t[%j] : memref<8xf64>
    %a = arith.truncf %w : f64 to f32
    %b = arith.truncf %c : f64 to f32
    %y = arith.addf %x, %a : f32
    %z = arith.addf %y, %b : f32
    tile.yield %z : f32
  }
  %r = tile.reduce max %s1, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// -----

// A table may hold -inf: its bits decide, and the sum is not asked. It may hold
// the lowest number, too: what exceeds the bounds has a sixteenth of its size.
// Scores that were made finite before the choice are not tested again.
// CHECK-LABEL: func.func private @table
// CHECK: %[[T:.+]] = memref.load
// CHECK: %[[BITS:.+]] = arith.bitcast %[[T]] : f32 to i32
// CHECK: %[[INF:.+]] = arith.constant -8388608 : i32
// CHECK: %[[IS:.+]] = arith.cmpi eq, %[[BITS]], %[[INF]]
// CHECK: %[[B:.+]] = arith.select %[[IS]]
// CHECK: %[[S:.+]] = arith.addf %{{.+}}, %[[B]]
// CHECK: %[[LOW:.+]] = arith.maximumf %[[S]]
// CHECK: %[[WITHIN:.+]] = arith.minimumf %[[LOW]]
// CHECK: %[[EXCESS:.+]] = arith.subf %[[S]], %[[WITHIN]]
// CHECK: %[[C:.+]] = arith.constant 6.250000e-02 : f32
// CHECK: %[[FINITE:.+]] = math.fma %[[EXCESS]], %[[C]], %[[WITHIN]]
// CHECK: %[[OR:.+]] = arith.select %[[IS]], %{{.+}}, %[[FINITE]] : f32
// CHECK: tile.yield %[[OR]]
// CHECK: scf.if
// CHECK: tile.map
// CHECK-NOT: arith.bitcast
// CHECK-NOT: arith.maximumf
// CHECK: return
func.func private @table(%q: !tile.tile<8x8xf32>, %k: !tile.tile<8x8xf32>, %s0: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %t: memref<8xf32>, %full: i1, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %ninf = arith.constant 0xFF800000 : f32
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
  %s1 = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %b = memref.load %t[%j] : memref<8xf32>
    %y = arith.addf %x, %b : f32
    tile.yield %y : f32
  }
  %s2 = scf.if %full -> (!tile.tile<8x8xf32>) {
    scf.yield %s1 : !tile.tile<8x8xf32>
  } else {
    %masked = tile.map(%s1) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %keep = arith.cmpi sle, %j, %i : index
      %y = arith.select %keep, %x, %ninf : f32
      tile.yield %y : f32
    }
    scf.yield %masked : !tile.tile<8x8xf32>
  }
  %r = tile.reduce max %s2, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// -----

// The argument that receives row statistics is marked; blocks are not.
// CHECK-LABEL: func.func private @store
// CHECK-SAME: %{{.+}}: memref<f32> {attn.minus_infinity = -1.27605888E+38 : f32}, %{{[a-z0-9]+}}: memref<f32>, %{{.+}}: !tile.tile
func.func private @store(%lse: memref<f32>, %o: memref<f32>, %t: !tile.tile<8xf32>, %u: !tile.tile<8x8xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %m = memref.reinterpret_cast %lse to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
  %n = memref.reinterpret_cast %o to offset: [0], sizes: [8, 8], strides: [8, 1] : memref<f32> to memref<8x8xf32>
  tile.store %t, %m[%c0] valid [%c8] : !tile.tile<8xf32>, memref<8xf32>
  tile.store %u, %n[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}

// -----

// A region makes -inf, computes with it, and asks for it: what stands for it
// scaled is no sentinel, so that the condition goes along to the mask, which is
// a map of its own.
// CHECK-LABEL: func.func private @computed
// CHECK-NOT: 0xFF800000
// CHECK: ^bb0(%[[X:[a-z0-9]+]]: f32, %[[I:[a-z0-9]+]]: index, %[[J:[a-z0-9]+]]: index):
// CHECK: %[[C:.+]] = arith.cmpi slt, %[[J]], %[[I]]
// CHECK: %[[MASKED:.+]] = arith.select %[[C]], %[[X]]
// CHECK: %[[SCALED:.+]] = arith.mulf %[[MASKED]]
// CHECK: %[[NOT:.+]] = arith.select %[[C]], %{{.+}}, %{{.+}} : i1
// CHECK: arith.select %[[NOT]], %{{.+}}, %[[SCALED]]
// CHECK: arith.select %{{.+}}, %{{.+}}, %{{.+}} : f32
// CHECK: tile.yield
// CHECK: tile.map
// CHECK: ^bb0(%[[X2:.+]]: f32, %{{.+}}: index, %{{.+}}: index):
// CHECK-NOT: arith.maximumf
// CHECK: %[[Y:.+]] = arith.select %{{.+}}, %[[X2]], %{{.+}} : f32
// CHECK: tile.yield %[[Y]]
func.func private @computed(%q: !tile.tile<8x8xf32>, %k: !tile.tile<8x8xf32>, %s0: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %ninf = arith.constant 0xFF800000 : f32
  %two = arith.constant 2.0 : f32
  %low = arith.constant -3.0e38 : f32
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
  %t = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %c = arith.cmpi slt, %j, %i : index
    %masked = arith.select %c, %x, %ninf : f32
    %scaled = arith.mulf %masked, %two : f32
    %lowest = arith.cmpf olt, %scaled, %low : f32
    %y = arith.select %lowest, %masked, %scaled : f32
    tile.yield %y : f32
  }
  %u = tile.map(%t) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %keep = arith.cmpi ne, %j, %i : index
    %y = arith.select %keep, %x, %ninf : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %u, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// -----

// Sums of products of f16 lie within the bounds, and so do they times a constant
// that is not too large.
// CHECK-LABEL: func.func private @bounded
// CHECK-NOT: arith.maximumf
// CHECK: return
func.func private @bounded(%q: !tile.tile<8x8xf16>, %k: !tile.tile<8x8xf16>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %zero = arith.constant 0.0 : f32
  %factor = arith.constant 0.125 : f32
  %s0 = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf16>, !tile.tile<8x8xf16> -> !tile.tile<8x8xf32>
  %t = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %y = arith.mulf %x, %factor : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %t, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// CHECK-LABEL: func.func private @unbounded
// CHECK: arith.maximumf
func.func private @unbounded(%q: !tile.tile<8x8xf16>, %k: !tile.tile<8x8xf16>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %zero = arith.constant 0.0 : f32
  %factor = arith.constant 1.0e29 : f32
  %s0 = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf16>, !tile.tile<8x8xf16> -> !tile.tile<8x8xf32>
  %t = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %y = arith.mulf %x, %factor : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %t, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// Whatever tanh is given, it stays below 1.
// CHECK-LABEL: func.func private @capped
// CHECK-NOT: arith.maximumf
// CHECK: return
func.func private @capped(%s: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %cap = arith.constant 30.0 : f32
  %t = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = math.tanh %x : f32
    %y = arith.mulf %h, %cap : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %t, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// A table of f16 moves no score beyond the bounds, but may hold -inf.
// CHECK-LABEL: func.func private @halves
// CHECK-NOT: arith.maximumf
// CHECK: %[[IS:.+]] = arith.cmpi eq
// CHECK-NOT: arith.maximumf
// CHECK: %[[S:.+]] = arith.addf
// CHECK: arith.select %[[IS]], %{{.+}}, %[[S]] : f32
// CHECK: return
func.func private @halves(%q: !tile.tile<8x8xf16>, %k: !tile.tile<8x8xf16>, %m: !tile.tile<8xf32>, %i0: index, %t: memref<8xf16>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %zero = arith.constant 0.0 : f32
  %s0 = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %s = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<8x8xf16>, !tile.tile<8x8xf16> -> !tile.tile<8x8xf32>
  %u = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = memref.load %t[%j] : memref<8xf16>
    %b = arith.extf %h : f16 to f32
    %y = arith.addf %x, %b : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %u, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// A slope is a factor: the product with a distance is clamped.
// CHECK-LABEL: func.func private @slopes
// CHECK: arith.minimumf
// CHECK-NOT: math.fma
// CHECK: return
func.func private @slopes(%s: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %t: memref<8xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %u = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %slope = memref.load %t[%i0] : memref<8xf32>
    %distance = arith.index_cast %j : index to i32
    %d = arith.sitofp %distance : i32 to f32
    %b = arith.mulf %slope, %d : f32
    %y = arith.addf %x, %b : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %u, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  return %r : !tile.tile<8xf32>
}

// A constant may be the lowest number, a sink too.
// CHECK-LABEL: func.func private @chosen
// CHECK: ^bb0
// CHECK: math.fma
// CHECK: tile.reduce max
// CHECK: ^bb0(%[[M:[a-z0-9]+]]: f32
// CHECK: %[[BITS:.+]] = arith.bitcast %[[SINK:.+]] : f32 to i32
// CHECK: math.fma
// CHECK: %[[NONE:.+]] = arith.select
// CHECK: arith.maximumf %[[M]], %[[NONE]]
// CHECK: return
func.func private @chosen(%s: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %sinks: memref<8xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %lowest = arith.constant -3.4028234e38 : f32
  %u = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %c = arith.cmpi slt, %j, %i : index
    %y = arith.select %c, %x, %lowest : f32
    tile.yield %y : f32
  }
  %r = tile.reduce max %u, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
  %sink = memref.load %sinks[%i0] : memref<8xf32>
  %n = tile.map(%r) at [%i0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
  ^bb0(%x: f32, %i: index):
    %y = arith.maximumf %x, %sink : f32
    tile.yield %y : f32
  }
  return %n : !tile.tile<8xf32>
}

// Row statistics are as large in memory as on other targets.
// CHECK-LABEL: func.func private @rows
// CHECK-SAME: %{{.+}}: memref<f32>, %{{.+}}: memref<f32> {attn.minus_infinity = -3.40282347E+38 : f32}
// CHECK: %[[LOADED:.+]] = tile.load
// CHECK: %[[SCORES:.+]] = tile.map(%[[LOADED]])
// CHECK: ^bb0(%[[X:[a-z0-9]+]]: f32
// CHECK: %[[BITS:.+]] = arith.bitcast %[[X]] : f32 to i32
// CHECK: arith.cmpi eq, %[[BITS]]
// CHECK: math.fma %{{.+}}, %{{.+}}, %{{.+}} : f32
// CHECK: %[[FULL:.+]] = tile.map(%[[SCORES]])
// CHECK: arith.constant 1.600000e+01 : f32
// CHECK: math.fma
// CHECK: arith.cmpf ole
// CHECK: tile.store %[[FULL]]
func.func private @rows(%from: memref<f32>, %to: memref<f32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %f = memref.reinterpret_cast %from to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
  %t = memref.reinterpret_cast %to to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
  %m = tile.load %f[%c0] valid [%c8] : memref<8xf32> -> !tile.tile<8xf32>
  tile.store %m, %t[%c0] valid [%c8] : !tile.tile<8xf32>, memref<8xf32>
  return
}
