// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" | FileCheck %s

// Which key tiles hold a segment of the query tile is asked by the producer, 32
// key tiles at a time: two reads of a summary for all of them.
!t = memref<1x1x?x64xbf16>
// CHECK-LABEL: llvm.func @f_kernel2(
//       CHECK:   nvvm.setmaxregister decrease 40
//       CHECK:   nvvm.vote.sync ballot
//       CHECK:   llvm.intr.cttz
// The first key tile goes with the query tile, each other one with the key tile
// before it: a word is stored before the barrier is.
//       CHECK:   st.shared.u32
//       CHECK:   nvvm.mbarrier.arrive.expect_tx
//       CHECK:   st.shared.u32
//       CHECK:   nvvm.mbarrier.arrive.expect_tx
// Consumers take it from there before they release the buffer.
//       CHECK:   nvvm.setmaxregister increase 232
//   CHECK-NOT:   nvvm.vote.sync
//       CHECK:   mbarrier.try_wait
//       CHECK:   ld.shared.u32
//       CHECK:   nvvm.shfl.sync idx
//       CHECK:   mbarrier.try_wait
//       CHECK:   wgmma.wait_group.sync.aligned 0
//       CHECK:   ld.shared.u32
//       CHECK:   mbarrier.arrive
//   CHECK-NOT:   nvvm.vote.sync
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t, %qs: memref<1x?xi32>, %ks: memref<1x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) segments(%qs, %ks : memref<1x?xi32>, memref<1x?xi32>) outs(%o : !t)
  return
}
