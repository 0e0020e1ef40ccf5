// RUN: attn-opt %s -split-input-file --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper{persistent=false})" | FileCheck %s
// RUN: attn-opt %s -split-input-file --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices)" | FileCheck %s --check-prefix=NARROW
// RUN: attn-opt %s -split-input-file --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_86},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=64 tile-n=64},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-mma)" | FileCheck %s --check-prefix=MMA

// Indices are narrowed to 32 bits only where that is proved (rule 21).

// Strides are multiplied in 64 bits: batches may be further apart than 2^31
// elements.
!t = memref<2x1x1000x64xbf16, strided<[?, 64000, 64, 1]>>
// CHECK-LABEL: llvm.func @strides_kernel0(
//   CHECK-NOT:   arith.trunci %arg{{[1357]}} :
//       CHECK:   arith.muli %{{.+}}, %arg7 : i64
//   CHECK-NOT:   arith.trunci %arg{{[1357]}} :
//   MMA-LABEL: llvm.func @strides_kernel0(
//     MMA-NOT:   arith.trunci %arg{{[1357]}} :
//         MMA:   arith.muli %{{.+}}, %arg1 : i64
//     MMA-NOT:   arith.trunci %arg{{[1357]}} :
//         MMA:   arith.muli %{{.+}}, %arg7 : i64
//   MMA-LABEL: llvm.func @window_kernel0(
func.func @strides(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

// The low bits of 2^31 are those of -2^31, and enough for a difference that
// fits. The bound of a row is far below all columns, and is moved to where the
// first column can be subtracted from it.
!t = memref<1x1x?x64xbf16>
// NARROW-LABEL: func.func private @window_kernel0(
//       NARROW:   scf.if
//       NARROW:   ^bb0(%{{.+}}: f32, %[[I:.+]]: index, %{{.+}}: index):
//       NARROW:   %[[I32:.+]] = arith.index_cast %[[I]] : index to i32
//  NARROW-NEXT:   %[[BOUND:.+]] = arith.subi %[[I32]], %c-2147483648_i32 : i32
//  NARROW-NEXT:   %[[BELOW:.+]] = arith.minsi %[[BOUND]], %c1073741824_i32 : i32
//  NARROW-NEXT:   %[[MOVED:.+]] = arith.maxsi %[[BELOW]], %c-1073741824_i32 : i32
//       NARROW:   arith.cmpi sge, %{{.+}}, %[[MOVED]] : i32
//  CHECK-LABEL: llvm.func @window_kernel0(
//        CHECK:   nvvm.setmaxregister increase
//        CHECK:   %[[BOUND:.+]] = arith.subi %{{.+}}, %c-2147483648_i32{{.*}} : i32
//   CHECK-NEXT:   %[[BELOW:.+]] = arith.minsi %[[BOUND]], %c1073741824_i32{{.*}} : i32
//   CHECK-NEXT:   %[[MOVED:.+]] = arith.maxsi %[[BELOW]], %c-1073741824_i32{{.*}} : i32
//   CHECK-NEXT:   %[[LOCAL:.+]] = arith.subi %[[MOVED]], %{{.+}} : i32
//   CHECK-NEXT:   arith.cmpi sle, %[[LOCAL]], %c0_i32 : i32
func.func @window(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>, window = #attn.window<left = 2147483648>}
  return
}

// -----

// A captured number can be anything. It is moved into 32 bits, where all that
// it is compared with has the same relation to it. The ranges of key tiles ask
// first whether it is too large for mask analysis.
!t = memref<1x1x?x64xbf16>
// CHECK-LABEL: llvm.func @captured_kernel0(
//   CHECK-NOT:   arith.trunci %arg3 :
//       CHECK:   nvvm.setmaxregister increase
//       CHECK:   arith.maxsi %{{.+}}, %c-536870912_i64{{.*}} : i64
//       CHECK:   arith.maxsi %{{.+}}, %c-2147483648_i64{{.*}} : i64
//       CHECK:   arith.cmpi ne
//       CHECK:   %[[MOVED:.+]] = arith.maxsi %{{.+}}, %c-2147483648_i64{{.*}} : i64
//  CHECK-NEXT:   %[[WIDTH:.+]] = arith.trunci %[[MOVED]] : i64 to i32
//       CHECK:   arith.cmpi slt, %{{.+}}, %[[WIDTH]] : i32
// NARROW-LABEL: func.func private @captured_kernel0(
//       NARROW:   scf.if
//       NARROW:   arith.minsi %arg3, %c2147483647 : index
//  NARROW-NEXT:   %[[MOVED:.+]] = arith.maxsi %{{.+}}, %c-2147483648 : index
//  NARROW-NEXT:   %[[WIDTH:.+]] = arith.index_cast %[[MOVED]] : index to i32
//  NARROW-NEXT:   arith.cmpi slt, %{{.+}}, %[[WIDTH]] : i32
func.func @captured(%q: !t, %k: !t, %v: !t, %o: !t, %w: index) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%w : index) outs(%o : !t)
  mask(%b: index, %h: index, %i: index, %j: index, %width: index) {
    %d = arith.subi %i, %j : index
    %near = arith.cmpi slt, %d, %width : index
    attn.yield %near : i1
  }
  return
}

// -----

// INT_MIN is a bound, too: the first column is not subtracted from it.
!t = memref<1x1x?x64xbf16>
// NARROW-LABEL: func.func private @table_kernel1(
//       NARROW:   scf.if
//       NARROW:   %[[READ:.+]] = memref.load %{{.+}} : memref<?xi32
//       NARROW:   %[[ALL:.+]] = arith.minsi %{{.+}}, %[[READ]] : i32
//  NARROW-NEXT:   %[[BELOW:.+]] = arith.minsi %[[ALL]], %c1073741824_i32 : i32
//  NARROW-NEXT:   %[[MOVED:.+]] = arith.maxsi %[[BELOW]], %c-1073741824_i32 : i32
//       NARROW:   arith.cmpi sle, %{{.+}}, %[[MOVED]] : i32
func.func @table(%q: !t, %k: !t, %v: !t, %o: !t, %t: memref<?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%t : memref<?xi32>) outs(%o : !t)
  mask(%b: index, %h: index, %i: index, %j: index, %table: memref<?xi32>) {
    %e = memref.load %table[%i] : memref<?xi32>
    %last = arith.index_cast %e : i32 to index
    %keep = arith.cmpi sle, %j, %last : index
    attn.yield %keep : i1
  }
  return
}

// -----

// A window's difference of row and column is a bound of the column.
!t = memref<1x1x?x64xbf16>
// CHECK-LABEL: llvm.func @isolated_kernel0(
//       CHECK:   %[[FIRST:.+]] = arith.subi %{{.+}}, %c255_i32{{.*}} : i32
//       CHECK:   %[[LOCAL:.+]] = arith.subi %[[FIRST]], %{{.+}} : i32
//       CHECK:   arith.cmpi sle, %[[LOCAL]], %c0_i32 : i32
func.func @isolated(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  mask(%b: index, %h: index, %i: index, %j: index) {
    %c255 = arith.constant 255 : index
    %d = arith.subi %i, %j : index
    %near = arith.cmpi sle, %d, %c255 : index
    attn.yield %near : i1
  }
  return
}
