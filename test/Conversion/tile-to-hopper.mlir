// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" --split-input-file | FileCheck %s
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper{one-behind=false persistent=false tma-store=false})" --split-input-file | FileCheck %s --check-prefix=PLAIN

!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>

// The kernel takes the launch's operands, the extents of the grid, a tensor map
// for q, k, v and o, and the counter of the persistent grid.
// CHECK-LABEL: gpu.module @f_kernel0
//       CHECK: llvm.func @f_kernel0(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 384>
//  CHECK-SAME:   tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>
//  CHECK-SAME:   #tile.tensor_map<operand = {{[0-9]+}}, element = bf16, sizes = ()[{{[^]]+}}] -> (128, s{{[0-9]+}}, s{{[0-9]+}}, s{{[0-9]+}}), strides = ()[{{[^]]+}}] -> (s{{[0-9]+}} * 2, s{{[0-9]+}} * 2, s{{[0-9]+}} * 2), box = [64, 128, 1, 1], swizzle = 128>
//  CHECK-SAME:   #tile.counter], grid = persistent, threads = 384
//  CHECK-SAME:   tile.scheduled

// The producer gives registers up and loads the two halves of 128 columns.
//       CHECK:   nvvm.setmaxregister decrease 24
//       CHECK:   nvvm.cp.async.bulk.tensor.shared.cluster.global
//       CHECK:   nvvm.cp.async.bulk.tensor.shared.cluster.global
//       CHECK:   llvm.atomicrmw add

// The first key tile has no product of probabilities and values yet.
//       CHECK:   nvvm.setmaxregister increase 240
//       CHECK:   nvvm.wgmma.fence.aligned
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
//       CHECK:   wgmma.wait_group.sync.aligned 0

// Each version of the loop body issues both products, then waits for the
// scores alone: the maps run under the second product. The buffer of the keys
// is free when some exponentials are known, which holds the second wait.
//       CHECK:   wgmma.mma_async
//       CHECK:   wgmma.wait_group.sync.aligned 1
//   CHECK-NOT:   cvt.rn.bf16x2.f32
//       CHECK:   ex2.approx.ftz.f32
//       CHECK:   setp.geu.and.f32 p, $2, 0fFF800000, p; @p mbarrier.arrive
//       CHECK:   wgmma.wait_group.sync.aligned 0
// What scales the accumulators stands between the exponentials.
//   CHECK-NOT:   ex2.approx.ftz.f32
// CHECK-COUNT-64: arith.mulf
//   CHECK-NOT:   cvt.rn.bf16x2.f32
//       CHECK:   ex2.approx.ftz.f32
//       CHECK:   cvt.rn.bf16x2.f32
//       CHECK:   wgmma.wait_group.sync.aligned 1
//       CHECK:   wgmma.wait_group.sync.aligned 0
//       CHECK:   stmatrix.sync.aligned
//       CHECK:   cp.async.bulk.tensor.4d.global.shared::cta

// Every choice can be switched off.
// PLAIN-LABEL: llvm.func @f_kernel0(
//   PLAIN-NOT:   {kind = "counter"}
//   PLAIN-NOT:   llvm.atomicrmw
//   PLAIN-NOT:   wgmma.wait_group.sync.aligned 1
//   PLAIN-NOT:   stmatrix
//       PLAIN:   st.global.b32
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}
