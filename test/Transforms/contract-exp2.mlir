// RUN: attn-opt %s --tile-contract-exp2 --canonicalize | FileCheck %s

// One multiply-add an element. Once a row the addend and the ways out: where the
// product of statistic and factor is beyond 2^28, a power of two is the factor,
// beyond 2^126 one below 1, so that nothing is rounded or overflows.
// CHECK-LABEL: func.func @exp2
//   CHECK-DAG:   %[[LARGE:.+]] = arith.constant 0x4D800000 : f32
//   CHECK-DAG:   %[[POWER:.+]] = arith.constant 2.000000e+00 : f32
//   CHECK-DAG:   %[[HUGE:.+]] = arith.constant 8.50705917E+37 : f32
//   CHECK-DAG:   %[[SAFE:.+]] = arith.constant 6.250000e-02 : f32
//   CHECK-DAG:   %[[C:.+]] = arith.constant 1.44269502 : f32
//       CHECK:   %[[ROW:.+]]:2 = tile.map(%arg1) at[%arg2]
//       CHECK:   ^bb0(%[[M:.+]]: f32,
//       CHECK:     %[[NEG:.+]] = arith.negf %[[M]]
//       CHECK:     %[[PRODUCT:.+]] = arith.mulf %[[NEG]], %[[C]]
//       CHECK:     %[[ABS:.+]] = math.absf %[[PRODUCT]]
//       CHECK:     %[[ISLARGE:.+]] = arith.cmpf ogt, %[[ABS]], %[[LARGE]]
//       CHECK:     %[[MOST:.+]] = arith.select %[[ISLARGE]], %[[POWER]], %[[C]]
//       CHECK:     %[[ISHUGE:.+]] = arith.cmpf ogt, %[[ABS]], %[[HUGE]]
//       CHECK:     %[[FACTOR:.+]] = arith.select %[[ISHUGE]], %[[SAFE]], %[[MOST]]
//       CHECK:     %[[ADDEND:.+]] = arith.mulf %[[NEG]], %[[FACTOR]]
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

// With a factor of at most 1 no product overflows: one way out is enough.
// CHECK-LABEL: func.func @scaled
//   CHECK-DAG:   %[[POWER:.+]] = arith.constant 2.500000e-01 : f32
//   CHECK-DAG:   %[[C:.+]] = arith.constant 1.800000e-01 : f32
//       CHECK:     arith.select %{{.+}}, %[[POWER]], %[[C]]
//   CHECK-NOT:     arith.select
//       CHECK:     tile.yield
func.func @scaled(%s: !tile.tile<64x128xf32>, %m: !tile.tile<64xf32>, %i0: index) -> !tile.tile<64x128xf32> {
  %c = arith.constant 0.18 : f32
  %p = tile.map(%s, %m) at [%i0, %i0] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
  ^bb0(%x: f32, %max: f32, %i: index, %j: index):
    %d = arith.subf %x, %max : f32
    %d2 = arith.mulf %d, %c : f32
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
