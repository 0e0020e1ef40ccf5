// RUN: attn-opt %s --tile-attach-target="target=cuda chip=sm_80" --tile-narrow-indices --cse --split-input-file | FileCheck %s

// What tile-narrow-indices brings into one form ahead of tensor cores. A
// distance from the row is a bound of the column, and two bounds of one side
// are one.
// CHECK-LABEL: func.func private @bounds(
// CHECK-SAME: %[[LEFT:[^:]+]]: index {tile.size = 1000 : index}, %[[N:[^:]+]]: index {tile.size = 1000 : index}
// CHECK-DAG: %[[LEFT32:.+]] = arith.index_cast %[[LEFT]] : index to i32
// CHECK-DAG: %[[N32:.+]] = arith.index_cast %[[N]] : index to i32
// CHECK: ^bb0(%{{.+}}: f32, %[[I:.+]]: index, %[[J:.+]]: index):
// CHECK: %[[I32:.+]] = arith.index_cast %[[I]] : index to i32
// CHECK: %[[FIRST:.+]] = arith.subi %[[I32]], %[[LEFT32]] : i32
// CHECK: %[[BOUND:.+]] = arith.maxsi %[[FIRST]], %[[N32]] : i32
// CHECK: %[[J32:.+]] = arith.index_cast %[[J]] : index to i32
// CHECK-NEXT: %[[KEEP:.+]] = arith.cmpi sge, %[[J32]], %[[BOUND]] : i32
// CHECK-NEXT: arith.select %[[KEEP]]
func.func private @bounds(%left: index {tile.size = 1000 : index}, %n: index {tile.size = 1000 : index}, %o: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c16 = arith.constant 16 : index
  %out = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.0 : bf16
  %splat = tile.splat %zero : f32 -> <16x16xf32>
  %ab = tile.splat %half : bf16 -> <16x16xbf16>
  %s = tile.dot %ab, %ab, %splat : <16x16xbf16>, <16x16xbf16> -> <16x16xf32>
  %m = tile.map(%s) at[%c0, %c0] : (!tile.tile<16x16xf32>) -> !tile.tile<16x16xf32> {
  ^bb0(%e: f32, %i: index, %j: index):
    %d = arith.subi %i, %j : index
    %near = arith.cmpi sle, %d, %left : index
    %valid = arith.cmpi sge, %j, %n : index
    %both = arith.andi %near, %valid : i1
    %r = arith.select %both, %e, %zero : f32
    tile.yield %r : f32
  }
  tile.store %m, %out[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  return
}

// -----

// A difference that may wrap is no bound.
// CHECK-LABEL: func.func private @wraps(
// CHECK: %[[D:.+]] = arith.subi %{{.+}}, %{{.+}} : index
// CHECK: arith.cmpi sle, %[[D]], %{{.+}} : index
func.func private @wraps(%left: index, %n: index, %o: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c16 = arith.constant 16 : index
  %out = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.0 : bf16
  %splat = tile.splat %zero : f32 -> <16x16xf32>
  %ab = tile.splat %half : bf16 -> <16x16xbf16>
  %s = tile.dot %ab, %ab, %splat : <16x16xbf16>, <16x16xbf16> -> <16x16xf32>
  %m = tile.map(%s) at[%c0, %c0] : (!tile.tile<16x16xf32>) -> !tile.tile<16x16xf32> {
  ^bb0(%e: f32, %i: index, %j: index):
    %d = arith.subi %n, %j : index
    %near = arith.cmpi sle, %d, %left : index
    %r = arith.select %near, %e, %zero : f32
    tile.yield %r : f32
  }
  tile.store %m, %out[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  return
}

// -----

// Empty behind the end of a sequence: an empty loop. What is the same for all
// key tiles is computed ahead of them, also what only some of them need, for
// maps that read a table there.
// CHECK-LABEL: func.func private @loop(
// CHECK-SAME: %[[SOME:[^:]+]]: i1, %[[H:[^:]+]]: index {tile.size = 100 : index}, %[[N:[^:]+]]: index {tile.size = 1000 : index}
// CHECK-DAG: %[[H32:.+]] = arith.index_cast %[[H]] : index to i32
// CHECK-DAG: %[[N32:.+]] = arith.index_cast %[[N]] : index to i32
// CHECK-NOT: scf.if
// CHECK-DAG: %[[END32:.+]] = arith.select %[[SOME]], %[[N32]], %c0_i32 : i32
// CHECK-DAG: %[[END:.+]] = arith.index_cast %[[END32]] : i32 to index
// CHECK-DAG: %[[AT32:.+]] = arith.minsi %[[H32]], %c7_i32 : i32
// CHECK-DAG: %[[AT:.+]] = arith.index_cast %[[AT32]] : i32 to index
// CHECK-DAG: %[[SUM32:.+]] = arith.addi %[[AT32]], %c1_i32 : i32
// CHECK-DAG: %[[SUM:.+]] = arith.index_cast %[[SUM32]] : i32 to index
// CHECK: scf.for %{{.+}} = %c0 to %[[END]]
// CHECK: memref.load %{{.+}}[%[[AT]]]
// CHECK: scf.if
// CHECK-NOT: arith.addi
// CHECK: memref.load %{{.+}}[%[[SUM]]]
func.func private @loop(%some: i1, %h: index {tile.size = 100 : index}, %n: index {tile.size = 1000 : index}, %table: memref<f32>, %o: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %out = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %zero = arith.constant 0.0 : f32
  %t = memref.reinterpret_cast %table to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
  %half = arith.constant 0.0 : bf16
  %splat = tile.splat %zero : f32 -> <16x16xf32>
  %ab = tile.splat %half : bf16 -> <16x16xbf16>
  scf.if %some {
    %r = scf.for %k = %c0 to %n step %c1 iter_args(%sum = %splat) -> (!tile.tile<16x16xf32>) {
      %s = tile.dot %ab, %ab, %sum : <16x16xbf16>, <16x16xbf16> -> <16x16xf32>
      %at = arith.minsi %h, %c7 : index
      %m = tile.map(%s) at[%c0, %c0] : (!tile.tile<16x16xf32>) -> !tile.tile<16x16xf32> {
      ^bb0(%e: f32, %i: index, %j: index):
        %slope = memref.load %t[%at] : memref<8xf32>
        %scaled = arith.mulf %e, %slope : f32
        tile.yield %scaled : f32
      }
      %masked = scf.if %some -> (!tile.tile<16x16xf32>) {
        %next = arith.addi %at, %c1 : index
        %n2 = tile.map(%m) at[%c0, %c0] : (!tile.tile<16x16xf32>) -> !tile.tile<16x16xf32> {
        ^bb0(%e: f32, %i: index, %j: index):
          %slope = memref.load %t[%next] : memref<8xf32>
          %scaled = arith.mulf %e, %slope : f32
          tile.yield %scaled : f32
        }
        scf.yield %n2 : !tile.tile<16x16xf32>
      } else {
        scf.yield %m : !tile.tile<16x16xf32>
      }
      scf.yield %masked : !tile.tile<16x16xf32>
    }
    tile.store %r, %out[%c0, %c0] valid[%c7, %c7] : <16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  }
  return
}

// -----

// A quotient by a power of two, rounded down, is a shift. Key tiles that a
// predicate is asked for lie between the bounds, so their keys fit 32 bits.
// CHECK-LABEL: func.func private @key_tiles(
// CHECK-SAME: %[[N:[^:]+]]: index {tile.size = 100000 : index}
// CHECK: %[[N32:.+]] = arith.index_cast %[[N]] : index to i32
// CHECK-NOT: arith.divsi
// CHECK: arith.shrsi %[[N32]], %c7_i32 : i32
// CHECK: tile.ranges
// CHECK-NEXT: ^bb0(%[[TILE:.+]]: index):
// CHECK: %[[TILE32:.+]] = arith.index_cast %[[TILE]] : index to i32
// CHECK: %[[KEY:.+]] = arith.muli %[[TILE32]], %c128_i32 : i32
// CHECK: arith.cmpi sgt, %[[N32]], %[[KEY]] : i32
func.func private @key_tiles(%n: index {tile.size = 100000 : index}, %o: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %out = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c128 = arith.constant 128 : index
  %false = arith.constant false
  %half = arith.constant 0.0 : bf16
  %zero = arith.constant 0.0 : f32
  %splat = tile.splat %zero : f32 -> <16x16xf32>
  %ab = tile.splat %half : bf16 -> <16x16xbf16>
  %end = arith.floordivsi %n, %c128 : index
  %ranges = tile.ranges [%c0, %end, %c0, %c0] where {
  ^bb0(%tile: index):
    %key = arith.muli %tile, %c128 : index
    %left = arith.subi %n, %key : index
    %visit = arith.cmpi sgt, %left, %c0 : index
    tile.yield %visit, %false : i1, i1
  } : !tile.ranges
  %count = tile.range_count %ranges : index
  %r = scf.for %k = %c0 to %count step %c1 iter_args(%sum = %splat) -> (!tile.tile<16x16xf32>) {
    %s = tile.dot %ab, %ab, %sum : <16x16xbf16>, <16x16xbf16> -> <16x16xf32>
    scf.yield %s : !tile.tile<16x16xf32>
  }
  tile.store %r, %out[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  return
}
