// tile-unswitch-masks: full key tiles run without a compare.
// RUN: attn-opt %s -pass-pipeline='builtin.module(func.func(attn-tile{tile-m=32 tile-n=48},canonicalize,cse,attn-fuse-online-softmax,tile-expand-ranges,tile-unswitch-masks,canonicalize))' | FileCheck %s

// CHECK-LABEL: func @causal
func.func @causal(%q: memref<1x1x?x16xf32>, %k: memref<1x1x?x16xf32>, %v: memref<1x1x?x16xf32>, %o: memref<1x1x?x16xf32>) {
  // CHECK: scf.for
  // CHECK:   scf.if
  // CHECK-NOT: arith.cmpi
  // CHECK:     tile.dot {{.*}} {transpose_b}
  // CHECK-NOT: arith.cmpi
  // CHECK:     tile.reduce max
  // CHECK-NOT: arith.cmpi
  // CHECK:     tile.dot
  // CHECK:     scf.yield
  // CHECK:   } else {
  // CHECK:     tile.dot {{.*}} {transpose_b}
  // CHECK:     arith.cmpi sle
  // CHECK:     tile.reduce max
  // CHECK:     tile.dot
  // CHECK:     scf.yield
  attn.attention ins(%q, %k, %v : memref<1x1x?x16xf32>, memref<1x1x?x16xf32>, memref<1x1x?x16xf32>) outs(%o : memref<1x1x?x16xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sle, %j, %i : index
    attn.yield %keep : i1
  }
  return
}
