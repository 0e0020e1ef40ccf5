// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper{persistent=false tma-store=false})" | FileCheck %s

// j <= i and j < kv_len are one bound a row: an element of the masked loop
// body is compared once, the smaller bound is found once for each of a
// thread's two rows. It counts from the lane's first column, so that elements
// are compared with constants.
!t = memref<1x1x?x64xbf16>
// CHECK-LABEL: llvm.func @f_kernel0(
//       CHECK:   nvvm.setmaxregister increase
//       CHECK:   arith.cmpi sge, %[[BOUND:[0-9]+]], %c0_i32
//  CHECK-NEXT:   arith.select %{{.+}}, %{{.+}}, %{{.+}} : f32
//  CHECK-NEXT:   arith.cmpi sge, %[[BOUND]], %c1_i32
//  CHECK-NEXT:   arith.select %{{.+}}, %{{.+}}, %{{.+}} : f32
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

// Values before the first window are cleared in shared memory (rule 7) in the
// tile in which it begins, each row by the lane that finds it to be left out,
// before the consumers are told that the tile is there.
// CHECK-LABEL: llvm.func @window_kernel0(
//       CHECK:   nvvm.setmaxregister decrease
//       CHECK:   %[[COUNTS:[0-9]+]] = arith.cmpi sge, %{{[0-9]+}}, %c0_i{{.+}}
//  CHECK-NEXT:   %[[LEFT_OUT:[0-9]+]] = arith.xori %[[COUNTS]], %true
//  CHECK-NEXT:   llvm.cond_br %[[LEFT_OUT]]
// CHECK-COUNT-8: st.shared.v4.u32
//   CHECK-NOT:   st.shared
//       CHECK:   nvvm.fence.proxy
//       CHECK:   mbarrier.arrive.shared
//       CHECK:   nvvm.setmaxregister increase
func.func @window(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      {causal = #attn.causal<bottom_right>, window = #attn.window<left = 99>}
  return
}
