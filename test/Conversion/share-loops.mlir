// tile-share-loops: subgroups take turns at the iterations of a loop and combine
// what they carried; sums relative to a maximum become relative to that of all
// first. Loads come before what computes, and rows are divided in the end.
// RUN: attn-opt %s --split-input-file --allow-unregistered-dialect --tile-share-loops | FileCheck %s

#x = #tile.layout<lane = [[0, 1], [0, 2]]>
#r = #tile.layout<lane = [[0, 0], [0, 0]]>
// CHECK-LABEL: func private @softmax
// CHECK: %[[NUMBER:.*]], %[[COUNT:.*]] = tile.subgroup
// CHECK: %[[SKIPPED:.*]] = arith.muli %[[NUMBER]], %[[ONE:.*]] : index
// CHECK: %[[FIRST:.*]] = arith.addi %{{.*}}, %[[SKIPPED]] : index
// CHECK: %[[STEP:.*]] = arith.muli %[[ONE]], %[[COUNT]] : index
// CHECK: %[[LOOP:.*]]:2 = scf.for %[[I:.*]] = %[[FIRST]] to %{{.*}} step %[[STEP]] iter_args(%{{.*}} = %{{.*}}, %[[LI:.*]] = %{{.*}})
// CHECK-NEXT: %[[ROW:.*]] = arith.muli %[[I]]
// CHECK-NEXT: tile.load %{{.*}}[%[[ROW]]
// CHECK-NEXT: "test.computes"
// CHECK: scf.yield
// CHECK: %[[TOP:.*]] = tile.combine max %[[LOOP]]#0 : <2xf32, #[[ALIKE:.*]]> -> <2xf32, #[[ALIKE]]>
// CHECK: %[[MAX:.*]] = tile.combine max %[[LOOP]]#0 : <2xf32, #[[ALIKE]]> -> <2xf32, #[[ROWS:.*]]>
// CHECK: %[[FACTOR:.*]] = tile.map(%[[LOOP]]#0, %[[TOP]])
// CHECK: math.exp2
// CHECK: %[[OWN:.*]] = tile.map(%[[LOOP]]#1, %[[FACTOR]])
// CHECK: arith.mulf
// CHECK: %[[SUM:.*]] = tile.combine sum %[[OWN]] : <2xf32, #[[ALIKE]]> -> <2xf32, #[[ROWS]]>
// CHECK: tile.store %[[MAX]]
// CHECK: tile.store %[[SUM]]
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @softmax(%a: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel, attn.schedule = #attn.schedule<threads = 16>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %none = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 4], strides: [4, 1] : memref<f32> to memref<?x4xf32, strided<[4, 1]>>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [2], strides: [1] : memref<f32> to memref<2xf32>
    %m0 = tile.splat %none : f32 -> !tile.tile<2xf32, #r>
    %l0 = tile.splat %zero : f32 -> !tile.tile<2xf32, #r>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0, %li = %l0) -> (!tile.tile<2xf32, #r>, !tile.tile<2xf32, #r>) {
      "test.computes"() : () -> ()
      %row = arith.muli %i, %c2 : index
      %s = tile.load %m[%row, %c0] valid [%c2, %c4] : memref<?x4xf32, strided<[4, 1]>> -> !tile.tile<2x4xf32, #x>
      %m1 = tile.reduce max %s, %mi : !tile.tile<2x4xf32, #x> -> !tile.tile<2xf32, #r>
      %alpha = tile.map(%mi, %m1) at [%c0] : (!tile.tile<2xf32, #r>, !tile.tile<2xf32, #r>) -> !tile.tile<2xf32, #r> {
      ^bb0(%old: f32, %new: f32, %at: index):
        %d = arith.subf %old, %new : f32
        %e = math.exp2 %d : f32
        tile.yield %e : f32
      }
      %scaled = tile.map(%li, %alpha) at [%c0] : (!tile.tile<2xf32, #r>, !tile.tile<2xf32, #r>) -> !tile.tile<2xf32, #r> {
      ^bb0(%l: f32, %f: f32, %at: index):
        %p = arith.mulf %l, %f : f32
        tile.yield %p : f32
      }
      %l1 = tile.reduce sum %s, %scaled : !tile.tile<2x4xf32, #x> -> !tile.tile<2xf32, #r>
      scf.yield %m1, %l1 : !tile.tile<2xf32, #r>, !tile.tile<2xf32, #r>
    }
    tile.store %r#0, %o[%c0] valid [%c2] : !tile.tile<2xf32, #r>, memref<2xf32>
    tile.store %r#1, %o[%c0] valid [%c2] : !tile.tile<2xf32, #r>, memref<2xf32>
    return
  }
}

// -----

// A sum that does not begin with 0 would be added to as often as there are
// subgroups; and a schedule that asks for no more threads leaves a loop alone.
#x = #tile.layout<lane = [[0, 1], [0, 2]]>
#r = #tile.layout<lane = [[0, 0], [0, 0]]>
// CHECK-LABEL: func private @stays
// CHECK-NOT: tile.subgroup
// CHECK-LABEL: func private @unasked
// CHECK-NOT: tile.subgroup
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @stays(%a: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel, attn.schedule = #attn.schedule<threads = 16>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %one = arith.constant 1.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 4], strides: [4, 1] : memref<f32> to memref<?x4xf32, strided<[4, 1]>>
    %l0 = tile.splat %one : f32 -> !tile.tile<1xf32, #r>
    %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<1xf32, #r>) {
      %s = tile.load %m[%i, %c0] valid [%c1, %c4] : memref<?x4xf32, strided<[4, 1]>> -> !tile.tile<1x4xf32, #x>
      %l1 = tile.reduce sum %s, %li : !tile.tile<1x4xf32, #x> -> !tile.tile<1xf32, #r>
      scf.yield %l1 : !tile.tile<1xf32, #r>
    }
    return
  }

  func.func private @unasked(%a: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 4], strides: [4, 1] : memref<f32> to memref<?x4xf32, strided<[4, 1]>>
    %l0 = tile.splat %zero : f32 -> !tile.tile<1xf32, #r>
    %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<1xf32, #r>) {
      %s = tile.load %m[%i, %c0] valid [%c1, %c4] : memref<?x4xf32, strided<[4, 1]>> -> !tile.tile<1x4xf32, #x>
      %l1 = tile.reduce sum %s, %li : !tile.tile<1x4xf32, #x> -> !tile.tile<1xf32, #r>
      scf.yield %l1 : !tile.tile<1xf32, #r>
    }
    return
  }
}

// -----

// Branches may mask what the maximum is of; others than maxima of what is
// carried stay.
#x = #tile.layout<lane = [[0, 1], [0, 2]]>
#r = #tile.layout<lane = [[0, 0], [0, 0]]>
// CHECK-LABEL: func private @branches
// CHECK: tile.subgroup
// CHECK: tile.combine max
// CHECK-LABEL: func private @otherwise
// CHECK-NOT: tile.subgroup
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @branches(%a: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel, attn.schedule = #attn.schedule<threads = 16>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %none = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 4], strides: [4, 1] : memref<f32> to memref<?x4xf32, strided<[4, 1]>>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [1], strides: [1] : memref<f32> to memref<1xf32>
    %m0 = tile.splat %none : f32 -> !tile.tile<1xf32, #r>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<1xf32, #r>) {
      %s = tile.load %m[%i, %c0] valid [%c1, %c4] : memref<?x4xf32, strided<[4, 1]>> -> !tile.tile<1x4xf32, #x>
      %is = arith.cmpi slt, %i, %c4 : index
      %m1 = scf.if %is -> (!tile.tile<1xf32, #r>) {
        %whole = tile.reduce max %s, %mi : !tile.tile<1x4xf32, #x> -> !tile.tile<1xf32, #r>
        scf.yield %whole : !tile.tile<1xf32, #r>
      } else {
        %masked = tile.map(%s) at [%c0, %c0] : (!tile.tile<1x4xf32, #x>) -> !tile.tile<1x4xf32, #x> {
        ^bb0(%e: f32, %row: index, %col: index):
          %keep = arith.cmpi slt, %col, %n : index
          %kept = arith.select %keep, %e, %none : f32
          tile.yield %kept : f32
        }
        %part = tile.reduce max %masked, %mi : !tile.tile<1x4xf32, #x> -> !tile.tile<1xf32, #r>
        scf.yield %part : !tile.tile<1xf32, #r>
      }
      scf.yield %m1 : !tile.tile<1xf32, #r>
    }
    tile.store %r, %o[%c0] valid [%c1] : !tile.tile<1xf32, #r>, memref<1xf32>
    return
  }

  func.func private @otherwise(%a: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel, attn.schedule = #attn.schedule<threads = 16>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %none = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 4], strides: [4, 1] : memref<f32> to memref<?x4xf32, strided<[4, 1]>>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [1], strides: [1] : memref<f32> to memref<1xf32>
    %m0 = tile.splat %none : f32 -> !tile.tile<1xf32, #r>
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<1xf32, #r>) {
      %s = tile.load %m[%i, %c0] valid [%c1, %c4] : memref<?x4xf32, strided<[4, 1]>> -> !tile.tile<1x4xf32, #x>
      %is = arith.cmpi slt, %i, %c4 : index
      %m1 = scf.if %is -> (!tile.tile<1xf32, #r>) {
        %whole = tile.reduce max %s, %mi : !tile.tile<1x4xf32, #x> -> !tile.tile<1xf32, #r>
        scf.yield %whole : !tile.tile<1xf32, #r>
      } else {
        %anew = tile.reduce max %s, %m0 : !tile.tile<1x4xf32, #x> -> !tile.tile<1xf32, #r>
        scf.yield %anew : !tile.tile<1xf32, #r>
      }
      scf.yield %m1 : !tile.tile<1xf32, #r>
    }
    tile.store %r, %o[%c0] valid [%c1] : !tile.tile<1xf32, #r>, memref<1xf32>
    return
  }
}
