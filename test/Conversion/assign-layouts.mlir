// Layouts follow from shapes, the lanes of a subgroup and the threads; factors of
// products go to workgroup memory.
// RUN: attn-opt %s --tile-assign-layouts --split-input-file | FileCheck %s

// Quads share a row; four of them have four rows, of which 16 are four blocks.
// CHECK-LABEL: func private @quads
// CHECK: %[[Q:.*]] = tile.load %{{.*}} -> <16x8xf32, #tile.shared<padding = 1>>
// CHECK: %[[K:.*]] = tile.load %{{.*}} -> <24x8xf32, #tile.shared<padding = 1>>
// CHECK: %[[M:.*]] = tile.load %{{.*}} -> <16xf32, #tile.layout<lane = {{\[\[}}0, 0], [0, 0]], subgroup = {{\[\[}}1, 0], [2, 0]]>>
// CHECK: %[[S:.*]] = tile.dot %[[Q]], %[[K]], %{{.*}} {transpose_b} : {{.*}} -> <16x24xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2]], subgroup = {{\[\[}}1, 0], [2, 0]]>>
// CHECK: tile.reduce max %[[S]], %[[M]] : <16x24xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2]], subgroup = {{\[\[}}1, 0], [2, 0]]>> -> <16xf32, #tile.layout<lane = {{\[\[}}0, 0], [0, 0]], subgroup = {{\[\[}}1, 0], [2, 0]]>>
// CHECK: %[[P:.*]] = tile.relayout %{{.*}} : <16x24xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2]], subgroup = {{\[\[}}1, 0], [2, 0]]>> -> <16x24xf32, #tile.shared<padding = 1>>
// CHECK: tile.dot %[[P]], %[[K]]
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @quads(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %c24 = arith.constant 24 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [24, 8], strides: [8, 1] : memref<f32> to memref<24x8xf32>
    %r = memref.reinterpret_cast %a to offset: [0], sizes: [24], strides: [1] : memref<f32> to memref<24xf32>
    %q = tile.load %m[%c0, %c0] valid [%c24, %c8] : memref<24x8xf32> -> !tile.tile<16x8xf32>
    %k = tile.load %m[%c0, %c0] valid [%c24, %c8] : memref<24x8xf32> -> !tile.tile<24x8xf32>
    %old = tile.load %r[%c0] valid [%c24] : memref<24xf32> -> !tile.tile<16xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<16x24xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<16x8xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<16x8xf32>, !tile.tile<24x8xf32> -> !tile.tile<16x24xf32>
    %new = tile.reduce max %s, %old : !tile.tile<16x24xf32> -> !tile.tile<16xf32>
    %p = tile.map (%s, %new) at [%c0, %c0] : (!tile.tile<16x24xf32>, !tile.tile<16xf32>) -> !tile.tile<16x24xf32> {
    ^bb0(%e: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %e, %max : f32
      tile.yield %d : f32
    }
    %o = tile.dot %p, %k, %acc : !tile.tile<16x24xf32>, !tile.tile<24x8xf32> -> !tile.tile<16x8xf32>
    tile.store %o, %m[%c0, %c0] valid [%c24, %c8] : !tile.tile<16x8xf32>, memref<24x8xf32>
    return
  }
}

// -----

// More lanes than a thread has rows for: all of a subgroup share the only row.
// CHECK-LABEL: func private @one_row
// CHECK: tile.load %{{.*}} -> <1x24xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2], [0, 4], [0, 8], [0, 16]]>>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32>} {
  func.func private @one_row(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c24 = arith.constant 24 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [1, 24], strides: [24, 1] : memref<f32> to memref<1x24xf32>
    %q = tile.load %m[%c0, %c0] valid [%c24, %c24] : memref<1x24xf32> -> !tile.tile<1x24xf32>
    tile.store %q, %m[%c0, %c0] valid [%c24, %c24] : !tile.tile<1x24xf32>, memref<1x24xf32>
    return
  }
}

// -----

// Matrix units: two subgroups have 16 rows each. The left factor goes on to
// fragments of its own; what is computed, or loaded, is converted in fragments.
// CHECK-LABEL: func private @matrices
// CHECK: %[[LOADED:.*]] = tile.load %{{.*}} -> <32x16xf16, #tile.shared<padding = 8>>
// CHECK: %[[Q:.*]] = tile.relayout %[[LOADED]] : <32x16xf16, #tile.shared<padding = 8>> -> <32x16xf16, #tile.fragment<use = a, shape = [16, 16], subgroups = [2, 1]>>
// CHECK: %[[L:.*]] = tile.relayout %[[LOADED]] : <32x16xf16, #tile.shared<padding = 8>> -> <32x16xf16, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>>
// CHECK: %[[S:.*]] = tile.dot %[[Q]], %[[LOADED]], %{{.*}} {transpose_b} : <32x16xf16, #tile.fragment<use = a, shape = [16, 16], subgroups = [2, 1]>>, <32x16xf16, #tile.shared<padding = 8>> -> <32x32xf32, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>>
// CHECK: %[[H:.*]] = tile.convert %[[S]] : <32x32xf32, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>> -> <32x32xf16, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>>
// CHECK: %[[P:.*]] = tile.relayout %[[H]] : <32x32xf16, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>> -> <32x32xf16, #tile.fragment<use = a, shape = [16, 16], subgroups = [2, 1]>>
// CHECK: %[[O:.*]] = tile.dot %[[P]], %[[LOADED]]
// CHECK: %[[STAGED:.*]] = tile.relayout %[[O]] : <32x16xf32, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>> -> <32x16xf32, #tile.shared<padding = 4>>
// CHECK: tile.store %[[STAGED]]
// CHECK: tile.convert %[[L]] : <32x16xf16, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>> -> <32x16xf32, #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 256, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  func.func private @matrices(%a: memref<f16>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32, 16], strides: [16, 1] : memref<f16> to memref<32x16xf16>
    %out = memref.reinterpret_cast %b to offset: [0], sizes: [32, 16], strides: [16, 1] : memref<f32> to memref<32x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c32, %c16] : memref<32x16xf16> -> !tile.tile<32x16xf16>
    %init = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<32x16xf32>
    %s = tile.dot %q, %q, %init {transpose_b} : !tile.tile<32x16xf16>, !tile.tile<32x16xf16> -> !tile.tile<32x32xf32>
    %h = tile.convert %s : !tile.tile<32x32xf32> -> !tile.tile<32x32xf16>
    %o = tile.dot %h, %q, %acc : !tile.tile<32x32xf16>, !tile.tile<32x16xf16> -> !tile.tile<32x16xf32>
    tile.store %o, %out[%c0, %c0] valid [%c32, %c16] : !tile.tile<32x16xf32>, memref<32x16xf32>
    %wide = tile.convert %q : !tile.tile<32x16xf16> -> !tile.tile<32x16xf32>
    tile.store %wide, %out[%c0, %c0] valid [%c32, %c16] : !tile.tile<32x16xf32>, memref<32x16xf32>
    return
  }
}

// -----

// A left factor that a loop reads has no registers beside the sums: it stays in
// workgroup memory, from where each iteration reads it.
// CHECK-LABEL: func private @stays
// CHECK: %[[Q:.*]] = tile.load %{{.*}} -> <16x256xf16, #tile.shared<padding = 8>>
// CHECK: scf.for
// CHECK: tile.relayout %[[Q]] : <16x256xf16, #tile.shared<padding = 8>> -> <16x256xf16, #tile.fragment<use = a, shape = [16, 16], subgroups = [1, 1]>>
// CHECK-NEXT: tile.dot
// With fewer columns it goes to registers before the loop.
// CHECK-LABEL: func private @goes
// CHECK: %[[Q:.*]] = tile.load %{{.*}} -> <16x128xf16, #tile.shared<padding = 8>>
// CHECK: tile.relayout %[[Q]]
// CHECK: scf.for
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 32, subgroup = 32, shared_bytes = 49152, static_shared_bytes = 49152, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  func.func private @stays(%a: memref<f16>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c256 = arith.constant 256 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 256], strides: [256, 1] : memref<f16> to memref<16x256xf16>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c256] : memref<16x256xf16> -> !tile.tile<16x256xf16>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<16x256xf32>
    %sum = scf.for %i = %c0 to %n step %c1 iter_args(%last = %acc) -> (!tile.tile<16x256xf32>) {
      %k = tile.load %m[%c0, %c0] valid [%c16, %c256] : memref<16x256xf16> -> !tile.tile<16x256xf16>
      %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<16x256xf16>, !tile.tile<16x256xf16> -> !tile.tile<16x16xf32>
      %h = tile.convert %s : !tile.tile<16x16xf32> -> !tile.tile<16x16xf16>
      %o = tile.dot %h, %k, %last : !tile.tile<16x16xf16>, !tile.tile<16x256xf16> -> !tile.tile<16x256xf32>
      scf.yield %o : !tile.tile<16x256xf32>
    }
    return
  }
  func.func private @goes(%a: memref<f16>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c128 = arith.constant 128 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 128], strides: [128, 1] : memref<f16> to memref<16x128xf16>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c128] : memref<16x128xf16> -> !tile.tile<16x128xf16>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<16x128xf32>
    %sum = scf.for %i = %c0 to %n step %c1 iter_args(%last = %acc) -> (!tile.tile<16x128xf32>) {
      %k = tile.load %m[%c0, %c0] valid [%c16, %c128] : memref<16x128xf16> -> !tile.tile<16x128xf16>
      %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<16x128xf16>, !tile.tile<16x128xf16> -> !tile.tile<16x16xf32>
      %h = tile.convert %s : !tile.tile<16x16xf32> -> !tile.tile<16x16xf16>
      %o = tile.dot %h, %k, %last : !tile.tile<16x16xf16>, !tile.tile<16x128xf16> -> !tile.tile<16x128xf32>
      scf.yield %o : !tile.tile<16x128xf32>
    }
    return
  }
}

// -----

// A few rows: lanes share the columns of the factors, 16 bytes each; two lanes
// that are left have other rows. Of what is computed, each lane has a column of
// its own; what multiplies rows goes to the lanes that have them, and of the sums
// these halve the columns.
// CHECK-LABEL: func private @few
// CHECK: %[[Q:.*]] = tile.load %{{.*}} -> <3x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2]], lane = {{\[\[}}0, 4], [0, 8], [0, 0]]>>
// CHECK: %[[K:.*]] = tile.load %{{.*}} -> <16x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2], [1, 0], [2, 0]], lane = {{\[\[}}0, 4], [0, 8], [4, 0]]>>
// CHECK: %[[V:.*]] = tile.load %{{.*}} -> <16x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2], [1, 0], [2, 0]], lane = {{\[\[}}0, 4], [0, 8], [4, 0]]>>
// CHECK: %[[M:.*]] = tile.load %{{.*}} -> <3xf32, #tile.layout<lane = {{\[\[}}0, 0], [0, 0], [0, 0]]>>
// CHECK: %[[S:.*]] = tile.dot %[[Q]], %[[K]], %{{.*}} {transpose_b} : {{.*}} -> <3x16xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2], [0, 4]]>>
// CHECK: tile.reduce max %[[S]], %[[M]]
// CHECK: %[[P:.*]] = tile.relayout %{{.*}} -> <3x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2]], lane = {{\[\[}}0, 0], [0, 0], [0, 4]]>>
// CHECK: tile.dot %[[P]], %[[V]], %{{.*}} -> <3x16xf32, #tile.layout<register = {{\[\[}}0, 1]], lane = {{\[\[}}0, 4], [0, 8], [0, 2]]>>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @few(%a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %out = memref.reinterpret_cast %b to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %r = memref.reinterpret_cast %a to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c3, %c16] : memref<16x16xf32> -> !tile.tile<3x16xf32>
    %k = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
    %v = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
    %old = tile.load %r[%c0] valid [%c3] : memref<16xf32> -> !tile.tile<3xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<3x16xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<3x16xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<3x16xf32>, !tile.tile<16x16xf32> -> !tile.tile<3x16xf32>
    %new = tile.reduce max %s, %old : !tile.tile<3x16xf32> -> !tile.tile<3xf32>
    %p = tile.map (%s, %new) at [%c0, %c0] : (!tile.tile<3x16xf32>, !tile.tile<3xf32>) -> !tile.tile<3x16xf32> {
    ^bb0(%e: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %e, %max : f32
      tile.yield %d : f32
    }
    %o = tile.dot %p, %v, %acc : !tile.tile<3x16xf32>, !tile.tile<16x16xf32> -> !tile.tile<3x16xf32>
    tile.store %o, %out[%c0, %c0] valid [%c3, %c16] : !tile.tile<3x16xf32>, memref<16x16xf32>
    return
  }
}

// -----

// Fewer keys than lanes: a lane has fewer rows of a factor, and lanes that divide
// only its columns have the same score.
// CHECK-LABEL: func private @few_keys
// CHECK: %[[Q:.*]] = tile.load %{{.*}} -> <3x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2]], lane = {{\[\[}}0, 4], [0, 8], [0, 0]]>>
// CHECK: %[[K:.*]] = tile.load %{{.*}} -> <4x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2], [1, 0]], lane = {{\[\[}}0, 4], [0, 8], [2, 0]]>>
// CHECK: %[[S:.*]] = tile.dot %[[Q]], %[[K]], %{{.*}} {transpose_b} : {{.*}} -> <3x4xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 0], [0, 2]]>>
// CHECK: %[[P:.*]] = tile.relayout %[[S]] : {{.*}} -> <3x4xf32, #tile.layout<register = {{\[\[}}0, 1]], lane = {{\[\[}}0, 0], [0, 0], [0, 2]]>>
// CHECK: tile.dot %[[P]], %[[K]], %{{.*}} -> <3x16xf32, #tile.layout<register = {{\[\[}}0, 1]], lane = {{\[\[}}0, 4], [0, 8], [0, 2]]>>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @few_keys(%a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %out = memref.reinterpret_cast %b to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c3, %c16] : memref<16x16xf32> -> !tile.tile<3x16xf32>
    %k = tile.load %m[%c0, %c0] valid [%c4, %c16] : memref<16x16xf32> -> !tile.tile<4x16xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<3x4xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<3x16xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<3x16xf32>, !tile.tile<4x16xf32> -> !tile.tile<3x4xf32>
    %o = tile.dot %s, %k, %acc : !tile.tile<3x4xf32>, !tile.tile<4x16xf32> -> !tile.tile<3x16xf32>
    tile.store %o, %out[%c0, %c0] valid [%c3, %c16] : !tile.tile<3x16xf32>, memref<16x16xf32>
    return
  }
}

// -----

// Lanes that divide only the columns of a factor have other rows of the scores,
// where these are even: of a row's statistics and its weights, too. Sums, of which
// lanes have all rows, get them from there.
// CHECK-LABEL: func private @spread_rows
// CHECK: %[[M:.*]] = tile.load %{{.*}} -> <4xf32, #tile.layout<lane = {{\[\[}}0, 0], [1, 0], [0, 0]]>>
// CHECK: %[[S:.*]] = tile.dot {{.*}} {transpose_b} : {{.*}} -> <4x4xf32, #tile.layout<lane = {{\[\[}}0, 1], [1, 0], [0, 2]]>>
// CHECK: %[[NEW:.*]] = tile.reduce max %[[S]], %[[M]]
// CHECK: %[[P:.*]] = tile.map(%[[S]], %[[NEW]])
// CHECK: %[[W:.*]] = tile.relayout %[[P]] : {{.*}} -> <4x4xf32, #tile.layout<register = {{\[\[}}0, 1]], lane = {{\[\[}}0, 0], [0, 0], [0, 2]]>>
// CHECK: %[[O:.*]] = tile.dot %[[W]]
// CHECK: %[[ALL:.*]] = tile.relayout %[[NEW]] : {{.*}} -> <4xf32, #tile.layout<lane = {{\[\[}}0, 0], [0, 0], [0, 0]]>>
// CHECK: tile.map(%[[O]], %[[ALL]])
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @spread_rows(%a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %r = memref.reinterpret_cast %a to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %out = memref.reinterpret_cast %b to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c4, %c16] : memref<16x16xf32> -> !tile.tile<4x16xf32>
    %k = tile.load %m[%c0, %c0] valid [%c4, %c16] : memref<16x16xf32> -> !tile.tile<4x16xf32>
    %old = tile.load %r[%c0] valid [%c4] : memref<16xf32> -> !tile.tile<4xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<4x4xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<4x16xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<4x16xf32>, !tile.tile<4x16xf32> -> !tile.tile<4x4xf32>
    %new = tile.reduce max %s, %old : !tile.tile<4x4xf32> -> !tile.tile<4xf32>
    %p = tile.map (%s, %new) at [%c0, %c0] : (!tile.tile<4x4xf32>, !tile.tile<4xf32>) -> !tile.tile<4x4xf32> {
    ^bb0(%e: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %e, %max : f32
      tile.yield %d : f32
    }
    %o = tile.dot %p, %k, %acc : !tile.tile<4x4xf32>, !tile.tile<4x16xf32> -> !tile.tile<4x16xf32>
    %scaled = tile.map (%o, %new) at [%c0, %c0] : (!tile.tile<4x16xf32>, !tile.tile<4xf32>) -> !tile.tile<4x16xf32> {
    ^bb0(%e: f32, %max: f32, %i: index, %j: index):
      %d = arith.mulf %e, %max : f32
      tile.yield %d : f32
    }
    tile.store %scaled, %out[%c0, %c0] valid [%c4, %c16] : !tile.tile<4x16xf32>, memref<16x16xf32>
    return
  }
}

// -----

// A row more, and each subgroup has rows of its own.
// CHECK-LABEL: func private @more
// CHECK: tile.load %{{.*}} -> <16x16xf32, #tile.shared<padding = 1>>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @more(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c9 = arith.constant 9 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c9, %c16] : memref<16x16xf32> -> !tile.tile<9x16xf32>
    %k = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<9x16xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<9x16xf32>, !tile.tile<16x16xf32> -> !tile.tile<9x16xf32>
    tile.store %s, %m[%c0, %c0] valid [%c9, %c16] : !tile.tile<9x16xf32>, memref<16x16xf32>
    return
  }
}

// -----

// What a kernel wrote is read by the threads that wrote it, or behind barriers.
// CHECK-LABEL: func private @exchange
// CHECK: tile.load %{{.*}} -> <16x16xf32, #tile.shared<padding = 1>>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @exchange(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c3, %c16] : memref<16x16xf32> -> !tile.tile<3x16xf32>
    %k = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<3x16xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<3x16xf32>, !tile.tile<16x16xf32> -> !tile.tile<3x16xf32>
    tile.store %s, %m[%c0, %c0] valid [%c3, %c16] : !tile.tile<3x16xf32>, memref<16x16xf32>
    return
  }
}

// -----

// Where factors exceed the memory of a workgroup, tile-to-gpu places the tiles.
// CHECK-LABEL: func private @large
// CHECK-SAME: tile.without_layouts
// CHECK: tile.load %{{.*}} -> <64x64xf32>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 8, shared_bytes = 16384, static_shared_bytes = 16384>} {
  func.func private @large(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [64, 64], strides: [64, 1] : memref<f32> to memref<64x64xf32>
    %q = tile.load %m[%c0, %c0] valid [%c64, %c64] : memref<64x64xf32> -> !tile.tile<64x64xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<64x64xf32>
    %s = tile.dot %q, %q, %init {transpose_b} : !tile.tile<64x64xf32>, !tile.tile<64x64xf32> -> !tile.tile<64x64xf32>
    tile.store %s, %m[%c0, %c0] valid [%c64, %c64] : !tile.tile<64x64xf32>, memref<64x64xf32>
    return
  }
}

// -----

// Where workgroup memory has vectors of four and no small elements: rows of
// loaded factors begin at multiples of them, and threads have four neighbours of
// the columns that are rows of a factor. What is computed is read by elements, where
// threads have fewer than four columns of it.
// CHECK-LABEL: func private @vectors
// CHECK: %[[Q:.*]] = tile.load %{{.*}} -> <16x16xf32, #tile.shared<padding = 4>>
// CHECK: %[[K:.*]] = tile.load %{{.*}} -> <8x16xf32, #tile.shared<padding = 4>>
// CHECK: %[[V:.*]] = tile.load %{{.*}} -> <8x16xf32, #tile.shared<padding = 4>>
// CHECK: %[[S:.*]] = tile.dot %[[Q]], %[[K]], %{{.*}} {transpose_b} : {{.*}} -> <16x8xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2]]
// CHECK: %[[P:.*]] = tile.relayout %[[S]] : {{.*}} -> <16x8xf32, #tile.shared<padding = 1>>
// CHECK: tile.dot %[[P]], %[[V]], %{{.*}} : {{.*}} -> <16x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2]], lane = {{\[\[}}0, 4], [0, 8]]
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  func.func private @vectors(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
    %k = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<8x16xf32>
    %v = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf32> -> !tile.tile<8x16xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<16x8xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<16x16xf32>, !tile.tile<8x16xf32> -> !tile.tile<16x8xf32>
    %o = tile.dot %s, %v, %acc : !tile.tile<16x8xf32>, !tile.tile<8x16xf32> -> !tile.tile<16x16xf32>
    tile.store %o, %m[%c0, %c0] valid [%c16, %c16] : !tile.tile<16x16xf32>, memref<16x16xf32>
    return
  }
}

// -----

// What threads computed has vectors, too, of as many keys as each has.
// CHECK-LABEL: func private @folds
// CHECK: %[[P:.*]] = tile.relayout %{{.*}} : {{.*}} -> <16x16xf32, #tile.shared<padding = 4, folds = 4>>
// CHECK: tile.dot %[[P]],
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  func.func private @folds(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 32], strides: [32, 1] : memref<f32> to memref<16x32xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c32] : memref<16x32xf32> -> !tile.tile<16x32xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<16x32xf32>
    %s = tile.dot %q, %q, %init {transpose_b} : !tile.tile<16x32xf32>, !tile.tile<16x32xf32> -> !tile.tile<16x16xf32>
    %v = tile.load %m[%c0, %c0] valid [%c16, %c32] : memref<16x32xf32> -> !tile.tile<16x32xf32>
    %o = tile.dot %s, %v, %acc : !tile.tile<16x16xf32>, !tile.tile<16x32xf32> -> !tile.tile<16x32xf32>
    tile.store %o, %m[%c0, %c0] valid [%c16, %c32] : !tile.tile<16x32xf32>, memref<16x32xf32>
    return
  }
}

// -----

// A processor that imitates a device loads vectors by elements: four threads
// share a row, and weights are elements.
// CHECK-LABEL: func private @imitated
// CHECK: tile.dot {{.*}} {transpose_b} {{.*}} -> <16x16xf32, #tile.layout<lane = {{\[\[}}0, 1], [0, 2]], subgroup = {{\[\[}}1, 0], [2, 0]]>>
// CHECK: %[[P:.*]] = tile.relayout %{{.*}} : {{.*}} -> <16x16xf32, #tile.shared<padding = 1>>
// CHECK: tile.dot %[[P]],
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 16, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, features = ["software"], lacks = "small_storage">} {
  func.func private @imitated(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 32], strides: [32, 1] : memref<f32> to memref<16x32xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c32] : memref<16x32xf32> -> !tile.tile<16x32xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %acc = tile.splat %zero : f32 -> !tile.tile<16x32xf32>
    %s = tile.dot %q, %q, %init {transpose_b} : !tile.tile<16x32xf32>, !tile.tile<16x32xf32> -> !tile.tile<16x16xf32>
    %v = tile.load %m[%c0, %c0] valid [%c16, %c32] : memref<16x32xf32> -> !tile.tile<16x32xf32>
    %o = tile.dot %s, %v, %acc : !tile.tile<16x16xf32>, !tile.tile<16x32xf32> -> !tile.tile<16x32xf32>
    tile.store %o, %m[%c0, %c0] valid [%c16, %c32] : !tile.tile<16x32xf32>, memref<16x32xf32>
    return
  }
}

// -----

// A left factor from outside of the loop stays in memory where its rows begin at
// vectors, if given strides do; not where they begin elsewhere, nor where the
// kernel writes.
// CHECK-LABEL: func private @in_memory
// CHECK: tile.load {{.*}} {tile.in_memory} : {{.*}} -> <16x16xf32, #tile.shared<padding = 4>>
// CHECK: tile.load
// CHECK-NOT: in_memory
// CHECK: tile.load
// CHECK-NOT: in_memory
// CHECK: scf.for
// CHECK-NOT: in_memory
// CHECK: return
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  func.func private @in_memory(%a: memref<f32>, %o: memref<f32>, %n: index, %stride: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %given = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [%stride, 1] : memref<f32> to memref<16x16xf32, strided<[?, 1]>>
    %odd = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [17, 1] : memref<f32> to memref<16x16xf32, strided<[17, 1]>>
    %out = memref.reinterpret_cast %o to offset: [0], sizes: [16, 8], strides: [8, 1] : memref<f32> to memref<16x8xf32>
    %written = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
    %q = tile.load %given[%c0, %c0] valid [%n, %c16] : memref<16x16xf32, strided<[?, 1]>> -> !tile.tile<16x16xf32>
    %r = tile.load %odd[%c0, %c0] valid [%n, %c16] : memref<16x16xf32, strided<[17, 1]>> -> !tile.tile<16x16xf32>
    %w = tile.load %written[%c0, %c0] valid [%n, %c16] : memref<16x16xf32> -> !tile.tile<16x16xf32>
    %init = tile.splat %zero : f32 -> !tile.tile<16x8xf32>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %init) -> (!tile.tile<16x8xf32>) {
      %k = tile.load %given[%c0, %c0] valid [%n, %c16] : memref<16x16xf32, strided<[?, 1]>> -> !tile.tile<8x16xf32>
      %p = tile.dot %q, %k, %acc {transpose_b} : !tile.tile<16x16xf32>, !tile.tile<8x16xf32> -> !tile.tile<16x8xf32>
      %t = tile.dot %r, %k, %p {transpose_b} : !tile.tile<16x16xf32>, !tile.tile<8x16xf32> -> !tile.tile<16x8xf32>
      %u = tile.dot %w, %k, %t {transpose_b} : !tile.tile<16x16xf32>, !tile.tile<8x16xf32> -> !tile.tile<16x8xf32>
      scf.yield %u : !tile.tile<16x8xf32>
    }
    tile.store %s, %out[%c0, %c0] valid [%n, %c16] : !tile.tile<16x8xf32>, memref<16x8xf32>
    return
  }
}
