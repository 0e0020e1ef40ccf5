// tile-lazy-maxima: offsets move under a branch; after the loop they are the
// maxima, unless they are offsets and nothing else. A value that is carried from something else than 0 on
// would have to be multiplied even if no score was above -inf: the loop stays.
// RUN: attn-opt %s --tile-lazy-maxima | FileCheck %s
// RUN: attn-opt %s --tile-lazy-maxima=columns=4 | FileCheck %s --check-prefix=COLUMNS
// Sums are of rounded weights: of f16 where results have 32 bits, of bf16, which
// devices may truncate, always, with a second sum where a log is taken of the first.
// RUN: attn-opt %S/../Execution/Inputs/large-weight.mlir --attn-to-vulkan=chip=vulkan-matrix-bf16-map --mlir-disable-threading --mlir-print-ir-after=tile-lazy-maxima -o %t.lowered 2>%t.rounded
// RUN: FileCheck %s --check-prefix=ROUNDED --input-file=%t.rounded
// RUN: sed 's/xf32>/xf16>/g' %S/../Execution/Inputs/large-weight.mlir | sed '/@bfloats(/,$d' | attn-opt --attn-to-vulkan=chip=vulkan-matrix-map --mlir-disable-threading --mlir-print-ir-after=tile-lazy-maxima -o %t.lowered 2>&1 | FileCheck %s --check-prefix=NARROW
// The same of parts of results with 16 bits, which are stored with 32.
// RUN: sed 's/xf32>/xf16>/g; s/x64x64xf/x16x64xf/g; s/x512x/x8192x/g' %S/../Execution/Inputs/large-weight.mlir | sed '/@bfloats(/,$d' | attn-opt --attn-to-vulkan=chip=vulkan-matrix-map --mlir-disable-threading --mlir-print-ir-after=tile-lazy-maxima -o %t.lowered 2>&1 | FileCheck %s --check-prefix=NARROW
// Vectors have a second sum in the same place, by themselves; none without a log.
// RUN: attn-opt %S/../Execution/Inputs/large-weight.mlir --attn-to-cpu=chip=x86-64-v4-amx --mlir-disable-threading --mlir-print-ir-after=tile-lazy-maxima -o %t.lowered 2>&1 | FileCheck %s --check-prefix=VECTORS
// RUN: sed 's/64x64xf32>/64x64xbf16>/g' %S/../Execution/Inputs/large-weight.mlir | sed '1,/^}/d' | attn-opt --attn-to-cpu=chip=x86-64-v4-amx --mlir-disable-threading --mlir-print-ir-after=tile-lazy-maxima -o %t.lowered 2>&1 | FileCheck %s --check-prefix=ONE
// VECTORS-LABEL: func.func private @bfloats_kernel0
// VECTORS-NOT: tile.convert %{{.*}}bf16> -> <{{.*}}xf32>
// VECTORS-LABEL: func.func private @bfloats_lse_kernel0
// VECTORS: %[[EXACT:.*]] = tile.reduce sum %[[P:.*]], %{{.*}} -> <64x16xf32>
// VECTORS: %[[WEIGHTS:.*]] = tile.convert %[[P]] :
// VECTORS: %[[WIDE:.*]] = tile.convert %[[WEIGHTS]] : <64x64xbf16> -> <64x64xf32>
// VECTORS: tile.reduce sum %[[WIDE]], %{{.*}} -> <64x16xf32>
// VECTORS: tile.dot %[[WEIGHTS]], %
// VECTORS: %[[OF_LOG:.*]] = tile.reduce sum %{{.*}} : <64x16xf32> -> <64xf32>
// VECTORS: %[[OF_PRODUCT:.*]] = tile.reduce sum %{{.*}} : <64x16xf32> -> <64xf32>
// VECTORS: %[[QUOTIENT:.*]] = tile.map(%[[OF_LOG]], %[[OF_PRODUCT]])
// VECTORS: tile.map(%{{.*}}, %[[QUOTIENT]])
// VECTORS: math.log
// ONE-LABEL: func.func private @bfloats_lse_kernel0
// ONE-NOT: tile.convert %{{.*}}bf16> -> <{{.*}}xf32>
// ONE: math.log
// ROUNDED-LABEL: func.func private @halves
// ROUNDED: %[[ONES:.*]] = tile.splat %{{.*}} : f16 -> <[[KEYS:.*]]x16xf16>
// ROUNDED: scf.for
// ROUNDED-NOT: tile.reduce sum
// ROUNDED: %[[WEIGHTS:.*]] = tile.convert %{{.*}} {tile.any_rounding}
// ROUNDED: %[[SUM:.*]] = tile.dot %[[WEIGHTS]], %[[ONES]], %{{.*}} -> <64x16xf32>
// ROUNDED: tile.dot %[[WEIGHTS]], %
// ROUNDED: tile.reduce max %{{.*}} : <64x16xf32> -> <64xf32>
// ROUNDED-LABEL: func.func private @bfloats
// ROUNDED: %[[ONES:.*]] = tile.splat %{{.*}} : bf16 -> <[[KEYS:.*]]x16xbf16>
// ROUNDED-NOT: tile.reduce sum
// ROUNDED: %[[WEIGHTS:.*]] = tile.convert %{{.*}} {tile.any_rounding}
// ROUNDED: tile.dot %[[WEIGHTS]], %[[ONES]], %
// ROUNDED-LABEL: func.func private @bfloats_lse
// ROUNDED: tile.reduce sum %{{.*}} -> <64x16xf32>
// ROUNDED: %[[WEIGHTS:.*]] = tile.convert %{{.*}} {tile.any_rounding}
// ROUNDED: tile.dot %[[WEIGHTS]], %{{.*}} -> <64x16xf32>
// ROUNDED: %[[EXACT:.*]] = tile.reduce sum %{{.*}} : <64x16xf32> -> <64xf32>
// ROUNDED: %[[ROUNDED:.*]] = tile.reduce max %{{.*}} : <64x16xf32> -> <64xf32>
// ROUNDED: %[[QUOTIENT:.*]] = tile.map(%[[EXACT]], %[[ROUNDED]])
// ROUNDED: tile.map(%{{.*}}, %[[QUOTIENT]])
// ROUNDED: math.log
// NARROW-LABEL: func.func private @halves
// NARROW-NOT: tile.any_rounding
// NARROW: tile.unordered

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: func private @softmax
  // COLUMNS-LABEL: func private @softmax
  // COLUMNS: %{{.*}} = tile.reduce max %{{.*}}, %{{.*}} : <16x16xf32> -> <16x4xf32>
  // CHECK: %[[NONE:.*]] = tile.splat %cst{{.*}} : f32 -> <16xf32>
  // CHECK: %[[LOOP:.*]]:3 = scf.for {{.*}} iter_args(%[[M:.*]] = %[[NONE]], %[[L:.*]] = %{{.*}}, %[[SOFAR:.*]] = %{{.*}})
  // CHECK: %[[S:.*]] = tile.dot
  // CHECK: %[[TOP:.*]] = tile.reduce max %[[S]], %[[SOFAR]] : <16x16xf32> -> <16x16xf32>
  // 8 by 0.5.
  // CHECK: %[[LIMIT:.*]] = tile.map(%[[M]])
  // CHECK: arith.constant 1.600000e+01 : f32
  // CHECK: %[[OUTGROWN:.*]] = tile.any_above %[[S]], %[[LIMIT]] : <16x16xf32>, <16xf32>
  // CHECK: %[[MOVED:.*]]:2 = scf.if %[[OUTGROWN]]
  // CHECK: %[[NEW:.*]] = tile.reduce max %[[S]], %[[M]] : <16x16xf32> -> <16xf32>
  // CHECK: %[[NEWSAFE:.*]] = tile.map(%[[NEW]])
  // CHECK: %[[ALPHA:.*]] = tile.map(%[[M]], %[[NEWSAFE]])
  // CHECK: %[[SCALED:.*]] = tile.map(%[[L]], %[[ALPHA]])
  // CHECK: scf.yield %[[NEW]], %[[SCALED]]
  // CHECK: } else {
  // CHECK-NEXT: scf.yield %[[M]], %[[L]]
  // CHECK: %[[SAFE:.*]] = tile.map(%[[MOVED]]#0)
  // CHECK: tile.map(%[[S]], %[[SAFE]])
  // CHECK: tile.reduce sum %{{.*}}, %[[MOVED]]#1
  // CHECK: scf.yield %[[MOVED]]#0, %{{.*}}, %[[TOP]]
  // CHECK: %[[MAX:.*]] = tile.reduce max %[[LOOP]]#2, %[[LOOP]]#0 : <16x16xf32> -> <16xf32>
  // CHECK: %[[FINAL:.*]] = tile.map(%[[MAX]])
  // CHECK: %[[LAST:.*]] = tile.map(%[[LOOP]]#0, %[[FINAL]])
  // CHECK: tile.map(%[[LOOP]]#1, %[[LAST]])
  // CHECK: tile.store %[[MAX]]
  func.func private @softmax(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %half = arith.constant 0.5 : f32
    %ninf = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %m0 = tile.splat %ninf : f32 -> !tile.tile<16xf32>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0, %li = %s0) -> (!tile.tile<16xf32>, !tile.tile<16x16xf32>) {
      %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
      %m1 = tile.reduce max %s, %mi : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
      %safe = tile.map (%m1) at [%c0] : (!tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %row: index):
        %e = arith.cmpf oeq, %u, %ninf : f32
        %f = arith.select %e, %zero, %u : f32
        tile.yield %f : f32
      }
      %alpha = tile.map (%mi, %safe) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %d = arith.subf %u, %v : f32
        %d2 = arith.mulf %d, %half : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      %p = tile.map (%s, %safe) at [%c0, %c0] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index, %col: index):
        %d = arith.subf %u, %v : f32
        %d2 = arith.mulf %d, %half : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      %l1 = tile.map (%li, %alpha) at [%c0, %c0] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index, %col: index):
        %e = arith.mulf %u, %v : f32
        tile.yield %e : f32
      }
      %l2 = tile.reduce sum %p, %l1 : !tile.tile<16x16xf32> -> !tile.tile<16x16xf32>
      scf.yield %m1, %l2 : !tile.tile<16xf32>, !tile.tile<16x16xf32>
    }
    tile.store %r#0, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
    return
  }

  // CHECK-NOT: tile.unordered
  // An offset and sums relative to it: iterations may come in any order.
  // CHECK-LABEL: func private @offset
  // CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[L:.*]] = %{{.*}})
  // CHECK: tile.any_above
  // CHECK-NOT: tile.reduce max
  // CHECK: scf.if
  // CHECK: tile.reduce max
  // CHECK-NOT: tile.reduce max
  // CHECK: } {tile.unordered}
  // CHECK: tile.store %[[LOOP]]#0
  func.func private @offset(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %half = arith.constant 0.5 : f32
    %ninf = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %m0 = tile.splat %ninf : f32 -> !tile.tile<16xf32>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0, %li = %s0) -> (!tile.tile<16xf32>, !tile.tile<16x16xf32>) {
      %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
      %m1 = tile.reduce max %s, %mi {tile.offset} : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
      %safe = tile.map (%m1) at [%c0] : (!tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %row: index):
        %e = arith.cmpf oeq, %u, %ninf : f32
        %f = arith.select %e, %zero, %u : f32
        tile.yield %f : f32
      }
      %alpha = tile.map (%mi, %safe) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %d = arith.subf %u, %v : f32
        %d2 = arith.mulf %d, %half : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      %p = tile.map (%s, %safe) at [%c0, %c0] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index, %col: index):
        %d = arith.subf %u, %v : f32
        %d2 = arith.mulf %d, %half : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      %l1 = tile.map (%li, %alpha) at [%c0, %c0] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index, %col: index):
        %e = arith.mulf %u, %v : f32
        tile.yield %e : f32
      }
      %l2 = tile.reduce sum %p, %l1 : !tile.tile<16x16xf32> -> !tile.tile<16x16xf32>
      scf.yield %m1, %l2 : !tile.tile<16xf32>, !tile.tile<16x16xf32>
    }
    tile.store %r#0, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
    return
  }

  // CHECK-LABEL: func private @other_start
  // CHECK-NOT: tile.any_above
  func.func private @other_start(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %ninf = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %m0 = tile.splat %ninf : f32 -> !tile.tile<16xf32>
    %l0 = tile.splat %one : f32 -> !tile.tile<16xf32>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0, %li = %l0) -> (!tile.tile<16xf32>, !tile.tile<16xf32>) {
      %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
      %m1 = tile.reduce max %s, %mi : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
      %alpha = tile.map (%mi, %m1) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %d = arith.subf %u, %v : f32
        %d2 = arith.mulf %d, %one : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      %l1 = tile.map (%li, %alpha) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %e = arith.mulf %u, %v : f32
        tile.yield %e : f32
      }
      %l2 = tile.reduce sum %s, %l1 : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
      scf.yield %m1, %l2 : !tile.tile<16xf32>, !tile.tile<16xf32>
    }
    tile.store %r#1, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
    return
  }

  // What both branches of a choice reduce is reduced after it; the columns that
  // are asked for change nothing for an offset that nobody sees.
  // CHECK-LABEL: func private @choice
  // CHECK: scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[L:.*]] = %{{.*}}) ->
  // CHECK: %[[S:.*]] = scf.if %{{.*}} -> (!tile.tile<16x16xf32>) {
  // CHECK-NOT: tile.reduce
  // CHECK: tile.any_above %[[S]], %{{.*}} : <16x16xf32>, <16xf32>
  // CHECK-NEXT: scf.if
  // CHECK-NEXT: tile.reduce max %[[S]], %[[M]] :
  // COLUMNS-LABEL: func private @choice
  // COLUMNS: tile.any_above
  func.func private @choice(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %ninf = arith.constant 0xFF800000 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
    %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
    %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
    %m0 = tile.splat %ninf : f32 -> !tile.tile<16xf32>
    %l0 = tile.splat %zero : f32 -> !tile.tile<16xf32>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0, %li = %l0) -> (!tile.tile<16xf32>, !tile.tile<16xf32>) {
      %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
      %full = arith.cmpi slt, %i, %x : index
      %c:2 = scf.if %full -> (!tile.tile<16x16xf32>, !tile.tile<16xf32>) {
        %max = tile.reduce max %s, %mi {tile.offset} : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
        scf.yield %s, %max : !tile.tile<16x16xf32>, !tile.tile<16xf32>
      } else {
        %masked = tile.map (%s) at [%c0, %c0] : (!tile.tile<16x16xf32>) -> !tile.tile<16x16xf32> {
        ^bb0(%u: f32, %row: index, %col: index):
          %in = arith.cmpi slt, %col, %y : index
          %e = arith.select %in, %u, %ninf : f32
          tile.yield %e : f32
        }
        %max = tile.reduce max %masked, %mi {tile.offset} : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
        scf.yield %masked, %max : !tile.tile<16x16xf32>, !tile.tile<16xf32>
      }
      %alpha = tile.map (%mi, %c#1) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %d = arith.subf %u, %v : f32
        %d2 = arith.mulf %d, %one : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      %l1 = tile.map (%li, %alpha) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
      ^bb0(%u: f32, %v: f32, %row: index):
        %e = arith.mulf %u, %v : f32
        tile.yield %e : f32
      }
      %l2 = tile.reduce sum %c#0, %l1 : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
      scf.yield %c#1, %l2 : !tile.tile<16xf32>, !tile.tile<16xf32>
    }
    tile.store %r#1, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
    return
  }
}
