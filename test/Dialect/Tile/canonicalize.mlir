// What canonicalization makes of tiles whose elements are all the same.
// RUN: attn-opt %s -canonicalize | FileCheck %s

// A map that asks for no index is computed once; its results are uniform.
// CHECK-LABEL: func @map
// CHECK-SAME:  (%[[X:.*]]: f32, %[[Y:.*]]: f32,
// CHECK-DAG:   %[[SUM:.*]] = arith.addf %[[X]], %[[Y]] : f32
// CHECK-DAG:   %[[PRODUCT:.*]] = arith.mulf %[[X]], %[[Y]] : f32
// CHECK-DAG:   %[[A:.*]] = tile.splat %[[SUM]] : f32 -> <4x8xf32>
// CHECK-DAG:   %[[B:.*]] = tile.splat %[[PRODUCT]] : f32 -> <4x8xf32>
// CHECK:       return %[[A]], %[[B]]
func.func @map(%x: f32, %y: f32, %i0: index, %j0: index) -> (!tile.tile<4x8xf32>, !tile.tile<4x8xf32>) {
  %a = tile.splat %x : f32 -> !tile.tile<4x8xf32>
  %b = tile.splat %y : f32 -> !tile.tile<4xf32>
  %r:2 = tile.map (%a, %b) at [%i0, %j0] : (!tile.tile<4x8xf32>, !tile.tile<4xf32>) -> (!tile.tile<4x8xf32>, !tile.tile<4x8xf32>) {
  ^bb0(%s: f32, %t: f32, %i: index, %j: index):
    %sum = arith.addf %s, %t : f32
    %product = arith.mulf %s, %t : f32
    tile.yield %sum, %product : f32, f32
  }
  return %r#0, %r#1 : !tile.tile<4x8xf32>, !tile.tile<4x8xf32>
}

// One that asks for an index, or takes another tile, stays.
// CHECK-LABEL: func @stays
// CHECK:         tile.map
// CHECK:         tile.map
func.func @stays(%x: f32, %other: !tile.tile<4x8xf32>, %i0: index, %j0: index) -> (!tile.tile<4x8xf32>, !tile.tile<4x8xf32>) {
  %a = tile.splat %x : f32 -> !tile.tile<4x8xf32>
  %r = tile.map (%a) at [%i0, %j0] : (!tile.tile<4x8xf32>) -> !tile.tile<4x8xf32> {
  ^bb0(%s: f32, %i: index, %j: index):
    %n = arith.index_cast %j : index to i32
    %f = arith.sitofp %n : i32 to f32
    %sum = arith.addf %s, %f : f32
    tile.yield %sum : f32
  }
  %m = tile.map (%a, %other) at [%i0, %j0] : (!tile.tile<4x8xf32>, !tile.tile<4x8xf32>) -> !tile.tile<4x8xf32> {
  ^bb0(%s: f32, %t: f32, %i: index, %j: index):
    %sum = arith.addf %s, %t : f32
    tile.yield %sum : f32
  }
  return %r, %m : !tile.tile<4x8xf32>, !tile.tile<4x8xf32>
}

// Numbers are converted in place of tiles.
// CHECK-LABEL: func @convert
// CHECK-SAME:  (%[[X:.*]]: f32, %[[Y:.*]]: f16)
// CHECK-DAG:   %[[NARROW:.*]] = arith.truncf %[[X]] : f32 to bf16
// CHECK-DAG:   %[[WIDE:.*]] = arith.extf %[[Y]] : f16 to f32
// CHECK-DAG:   tile.splat %[[NARROW]] : bf16 -> <4x8xbf16>
// CHECK-DAG:   tile.splat %[[WIDE]] : f32 -> <4x8xf32>
// CHECK-NOT:   tile.convert
// Between types of one size it takes two steps, which only tiles have.
// CHECK:       tile.convert
// CHECK-NOT:   tile.convert
func.func @convert(%x: f32, %y: f16) -> (!tile.tile<4x8xbf16>, !tile.tile<4x8xf32>, !tile.tile<4x8xbf16>) {
  %a = tile.splat %x : f32 -> !tile.tile<4x8xf32>
  %b = tile.splat %y : f16 -> !tile.tile<4x8xf16>
  %narrow = tile.convert %a : !tile.tile<4x8xf32> -> !tile.tile<4x8xbf16>
  %wide = tile.convert %b : !tile.tile<4x8xf16> -> !tile.tile<4x8xf32>
  %other = tile.convert %b : !tile.tile<4x8xf16> -> !tile.tile<4x8xbf16>
  return %narrow, %wide, %other : !tile.tile<4x8xbf16>, !tile.tile<4x8xf32>, !tile.tile<4x8xbf16>
}
