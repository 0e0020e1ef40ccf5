// RUN: attn-opt %s --tile-contract-exp2 --canonicalize | FileCheck %s

// One multiply-add an element; the addend, and the way out for statistics whose
// product with the factor is beyond 2^126, once a row.
// CHECK-LABEL: func.func @exp2
//   CHECK-DAG:   %[[HUGE:.+]] = arith.constant 8.50705917E+37 : f32
//   CHECK-DAG:   %[[SAFE:.+]] = arith.constant 6.250000e-02 : f32
//   CHECK-DAG:   %[[C:.+]] = arith.constant 1.44269502 : f32
//       CHECK:   %[[ROW:.+]]:2 = tile.map(%arg1) at[%arg2]
//       CHECK:   ^bb0(%[[M:.+]]: f32,
//       CHECK:     %[[NEG:.+]] = arith.negf %[[M]]
//       CHECK:     %[[PRODUCT:.+]] = arith.mulf %[[NEG]], %[[C]]
//       CHECK:     %[[ABS:.+]] = math.absf %[[PRODUCT]]
//       CHECK:     %[[IS:.+]] = arith.cmpf ogt, %[[ABS]], %[[HUGE]]
//       CHECK:     %[[FACTOR:.+]] = arith.select %[[IS]], %[[SAFE]], %[[C]]
//       CHECK:     %[[EXACT:.+]] = arith.mulf %[[NEG]], %[[SAFE]]
//       CHECK:     %[[ADDEND:.+]] = arith.select %[[IS]], %[[EXACT]], %[[PRODUCT]]
//       CHECK:     tile.yield %[[FACTOR]], %[[ADDEND]]
//       CHECK:   tile.map(%arg0, %[[ROW]]#0, %[[ROW]]#1) at[%arg2, %arg2]
//       CHECK:   ^bb0(%[[X:.+]]: f32, %[[F:.+]]: f32, %[[A:.+]]: f32,
//  CHECK-NEXT:     %[[FMA:.+]] = math.fma %[[X]], %[[F]], %[[A]]
//  CHECK-NEXT:     %[[E:.+]] = math.exp2 %[[FMA]]
//  CHECK-NEXT:     tile.yield %[[E]]
func.func @exp2(%s: !tile.tile<64x128xf32>, %m: !tile.tile<64xf32>, %i0: index) -> !tile.tile<64x128xf32> {
  %log2e = arith.constant 1.44269502 : f32
  %p = tile.map(%s, %m) at [%i0, %i0] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
  ^bb0(%x: f32, %max: f32, %i: index, %j: index):
    %d = arith.subf %x, %max : f32
    %d2 = arith.mulf %d, %log2e : f32
    %e = math.exp2 %d2 : f32
    tile.yield %e : f32
  }
  return %p : !tile.tile<64x128xf32>
}

// The form needs a positive factor (rule 15).
// CHECK-LABEL: func.func @negative
//   CHECK-NOT:   math.fma
//       CHECK:   return
func.func @negative(%s: !tile.tile<64x128xf32>, %m: !tile.tile<64xf32>, %i0: index) -> !tile.tile<64x128xf32> {
  %c = arith.constant -1.0 : f32
  %p = tile.map(%s, %m) at [%i0, %i0] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
  ^bb0(%x: f32, %max: f32, %i: index, %j: index):
    %d = arith.subf %x, %max : f32
    %d2 = arith.mulf %d, %c : f32
    %e = math.exp2 %d2 : f32
    tile.yield %e : f32
  }
  return %p : !tile.tile<64x128xf32>
}
