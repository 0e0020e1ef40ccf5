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
func.func private @masked(%s: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %ninf = arith.constant 0xFF800000 : f32
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

// A score that reads a table may be -inf itself: its bits decide. Scores that
// were made finite before the choice are not tested again.
// CHECK-LABEL: func.func private @table
// CHECK: memref.load
// CHECK: %[[S:.+]] = arith.addf
// CHECK: arith.bitcast %[[S]] : f32 to i32
// CHECK: arith.constant -8388608 : i32
// CHECK: arith.cmpi eq
// CHECK: scf.if
// CHECK: tile.map
// CHECK-NOT: arith.bitcast
// CHECK-NOT: arith.maximumf
// CHECK: return
func.func private @table(%s: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %t: memref<8xf32>, %full: i1, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
  %ninf = arith.constant 0xFF800000 : f32
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
