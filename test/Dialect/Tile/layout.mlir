// Layouts of tiles, there and back.
// RUN: attn-opt %s --verify-roundtrip
// RUN: attn-opt %s --canonicalize | FileCheck %s

#rows = #tile.layout<lane = [[0, 1], [0, 2], [1, 0]], subgroup = [[2, 0]]>
#row_statistics = #tile.layout<lane = [[0, 0], [0, 0], [1, 0]], subgroup = [[2, 0]]>
#fragment = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [8, 1]>

// CHECK-LABEL: func @registers
// CHECK-SAME: !tile.tile<6x10xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2], [1, 0]], subgroup = {{\[\[}}2, 0]]>>
// CHECK: tile.relayout {{.*}} -> <6x10xf32, #tile.shared<column_major = true, padding = 8>>
func.func @registers(%x: !tile.tile<6x10xf32, #rows>, %m: !tile.tile<6xf32, #row_statistics>, %i: index)
    -> (!tile.tile<6xf32, #row_statistics>, !tile.tile<6x10xf32, #tile.shared<column_major = true, padding = 8>>) {
  %y = tile.map (%x, %m) at [%i, %i] : (!tile.tile<6x10xf32, #rows>, !tile.tile<6xf32, #row_statistics>) -> !tile.tile<6x10xf32, #rows> {
  ^bb0(%a: f32, %b: f32, %row: index, %col: index):
    %d = arith.subf %a, %b : f32
    tile.yield %d : f32
  }
  %s = tile.reduce sum %y, %m : !tile.tile<6x10xf32, #rows> -> !tile.tile<6xf32, #row_statistics>
  %z = tile.relayout %y : <6x10xf32, #rows> -> <6x10xf32, #tile.shared<column_major = true, padding = 8>>
  return %s, %z : !tile.tile<6xf32, #row_statistics>, !tile.tile<6x10xf32, #tile.shared<column_major = true, padding = 8>>
}

// CHECK-LABEL: func @fragments
// CHECK: tile.convert {{.*}} -> <128x64xf16, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [8, 1]>>
func.func @fragments(%x: !tile.tile<128x64xf32, #fragment>, %m: !tile.tile<128xf32, #fragment>)
    -> (!tile.tile<128x64xf16, #fragment>, !tile.tile<128xf32, #fragment>) {
  %h = tile.convert %x : !tile.tile<128x64xf32, #fragment> -> !tile.tile<128x64xf16, #fragment>
  %r = tile.reduce max %x, %m : !tile.tile<128x64xf32, #fragment> -> !tile.tile<128xf32, #fragment>
  return %h, %r : !tile.tile<128x64xf16, #fragment>, !tile.tile<128xf32, #fragment>
}

// What stays where it is, is not moved.
// CHECK-LABEL: func @nowhere
// CHECK-NEXT: return
func.func @nowhere(%x: !tile.tile<6x10xf32, #rows>) -> !tile.tile<6x10xf32, #rows> {
  %y = tile.relayout %x : <6x10xf32, #rows> -> <6x10xf32, #rows>
  return %y : !tile.tile<6x10xf32, #rows>
}
