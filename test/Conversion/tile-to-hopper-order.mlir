// How blocks come by query tiles: dealt out in turn where all visit as many
// key tiles, else fetched from a counter, long ones first.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16 row-multiple=1},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" --split-input-file | FileCheck %s
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16 row-multiple=1},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper{deal-equal=false})" --split-input-file | FileCheck %s --check-prefix=FETCH

!t = memref<2x8x?x128xbf16>

// CHECK-LABEL: llvm.func @equal_kernel0(
//   CHECK-NOT:   #tile.counter
//  CHECK-SAME:   grid = persistent
//       CHECK:   nvvm.prefetch tensormap
//   CHECK-NOT:   llvm.atomicrmw
// FETCH-LABEL: llvm.func @equal_kernel0(
//  FETCH-SAME:   #tile.counter
func.func @equal(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

!t = memref<2x8x?x128xbf16>

// The lengths of the batch entries differ.
// CHECK-LABEL: llvm.func @lengths_kernel0(
//  CHECK-SAME:   #tile.counter
//       CHECK:   llvm.atomicrmw add
func.func @lengths(%q: !t, %k: !t, %v: !t, %o: !t, %n: memref<2xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) kv_len(%n : memref<2xi32>) outs(%o : !t)
  return
}

// -----

!t = memref<2x8x?x128xbf16>

// Query tiles of a causal mask differ.
// CHECK-LABEL: llvm.func @causal_kernel0(
//  CHECK-SAME:   #tile.counter
func.func @causal(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sle, %j, %i : index
    attn.yield %keep : i1
  }
  return
}

// -----

!q = memref<2x8x4x128xbf16>
!k = memref<2x2x?x128xbf16>

// Parts of the keys are as long as each other, and read by one block only.
// CHECK-LABEL: llvm.func @parts_kernel0(
//   CHECK-NOT:   #tile.counter
//  CHECK-SAME:   grid = persistent
//   CHECK-NOT:   arith.constant 1508102{{.*}} : i64
func.func @parts(%q: !q, %k: !k, %v: !k, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !k, !k) outs(%o : !q) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 128, workers = 132>}
  return
}
