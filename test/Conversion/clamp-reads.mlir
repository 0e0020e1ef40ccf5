// RUN: attn-opt %s --tile-clamp-reads --canonicalize | FileCheck %s

// Indices that depend on the element are clamped, others are left alone.
// CHECK-LABEL: func.func @table
//       CHECK:   %[[SIZE:.+]] = memref.dim %arg2
//       CHECK:   %[[LAST:.+]] = arith.subi %[[SIZE]]
//       CHECK:   ^bb0(%{{.+}}: f32, %[[I:.+]]: index, %[[J:.+]]: index):
//       CHECK:     %[[D:.+]] = arith.subi %[[J]], %[[I]]
//       CHECK:     %[[LOW:.+]] = arith.minsi %[[D]], %[[LAST]]
//       CHECK:     %[[D2:.+]] = arith.maxsi %[[LOW]], %c0
//       CHECK:     memref.load %arg2[%arg3, %[[D2]]]
func.func @table(%s: !tile.tile<4x8xf32>, %i0: index, %m: memref<4x?xf32>, %h: index) -> !tile.tile<4x8xf32> {
  %c1 = arith.constant 1 : index
  %dim = memref.dim %m, %c1 : memref<4x?xf32>
  %r = tile.map(%s) at [%i0, %i0] : (!tile.tile<4x8xf32>) -> !tile.tile<4x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %d = arith.subi %j, %i : index
    %b = memref.load %m[%h, %d] : memref<4x?xf32>
    %y = arith.addf %x, %b : f32
    tile.yield %y : f32
  }
  return %r : !tile.tile<4x8xf32>
}

// Reads below a branch run only for some elements, with the same hazard.
// CHECK-LABEL: func.func @branch
//       CHECK:   scf.if
//       CHECK:     arith.minsi %{{.+}}, %c15
//       CHECK:     arith.maxsi
//  CHECK-NEXT:     memref.load
func.func @branch(%s: !tile.tile<4xf32>, %i0: index, %m: memref<16xf32>) -> !tile.tile<4xf32> {
  %r = tile.map(%s) at [%i0] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
  ^bb0(%x: f32, %i: index):
    %zero = arith.constant 0.0 : f32
    %positive = arith.cmpf ogt, %x, %zero : f32
    %y = scf.if %positive -> (f32) {
      %b = memref.load %m[%i] : memref<16xf32>
      scf.yield %b : f32
    } else {
      scf.yield %zero : f32
    }
    tile.yield %y : f32
  }
  return %r : !tile.tile<4xf32>
}

// Outside of maps, an index is the program's promise.
// CHECK-LABEL: func.func @scalar
//  CHECK-NEXT:   memref.load %arg0[%arg1]
func.func @scalar(%m: memref<16xf32>, %i: index) -> f32 {
  %b = memref.load %m[%i] : memref<16xf32>
  return %b : f32
}
