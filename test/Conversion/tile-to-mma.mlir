// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_86},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=64 tile-n=32 head-multiple=16 row-multiple=1},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-mma{stages=2})" --split-input-file | FileCheck %s
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_86},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=64 tile-n=32 head-multiple=16 row-multiple=1},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-mma{stages=1 query-in-registers=false blocks=2})" --split-input-file | FileCheck %s --check-prefix=ONE

!t = memref<?x?x?x64xbf16, strided<[?, ?, ?, 1]>>

// Four warps of 16 rows; q and two buffers of k and v in shared memory.
// CHECK-LABEL: gpu.module @f_kernel0
//       CHECK: llvm.func @f_kernel0(
//  CHECK-SAME:   nvvm.minctasm = 1
//  CHECK-SAME:   nvvm.reqntid = array<i32: 128>
//  CHECK-SAME:   tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>
//  CHECK-SAME:   #tile.extent<2 : i32>], grid = flat, threads = 128, shared = 24576>
//  CHECK-SAME:   tile.scheduled

// q, then the first tiles of k and v; q goes to registers while they come. Rows
// of a thread are a step apart, which is added.
//         CHECK: nvvm.cp.async.shared.global {{.+}}, 16, cache = cg
//     CHECK-NOT: arith.muli {{.+}} : i64
//         CHECK: arith.addi {{.+}} : i64
// CHECK-COUNT-3: nvvm.cp.async.shared.global {{.+}}, 16, cache = cg
//     CHECK-NOT: nvvm.cp.async.shared.global
//         CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-4: nvvm.cp.async.shared.global {{.+}}, 16, cache = cg
//     CHECK-NOT: nvvm.cp.async.shared.global
//         CHECK: nvvm.cp.async.commit.group
//         CHECK: nvvm.cp.async.wait.group 1
//         CHECK: nvvm.barrier
// CHECK-COUNT-4: nvvm.ldmatrix {{.+}} layout = #nvvm.mma_layout<row>
//     CHECK-NOT: nvvm.ldmatrix

// In the loop the next tiles are on their way before this one is multiplied;
// one barrier a key tile.
//         CHECK: ^bb[[HEAD:[0-9]+]]({{.+}}): // {{[0-9]}} preds
//         CHECK: nvvm.cp.async.wait.group 0
//         CHECK: nvvm.barrier
// CHECK-COUNT-4: nvvm.cp.async.shared.global
//         CHECK: nvvm.cp.async.commit.group
// Each version of the body: 8 reads of k and 16 products, maps, 8 reads of v
// transposed and 16 products.
//     CHECK-NOT: nvvm.barrier
// CHECK-COUNT-16: nvvm.mma.sync {{.+}} multiplicandAPtxType = #nvvm.mma_type<bf16>
//     CHECK-NOT: nvvm.mma.sync
//         CHECK: ex2.approx.ftz.f32
// Sums of rows wait until the second product is on its way.
//     CHECK-NOT: arith.addf
//         CHECK: cvt.rn.bf16x2.f32
//     CHECK-NOT: arith.addf
//         CHECK: nvvm.ldmatrix {{.+}} layout = #nvvm.mma_layout<col>
// CHECK-COUNT-16: nvvm.mma.sync
//     CHECK-NOT: nvvm.barrier
//         CHECK: arith.addf
//         CHECK: llvm.cond_br {{.+}} ^bb[[HEAD]](
// CHECK-COUNT-32: nvvm.mma.sync
//         CHECK: llvm.cond_br {{.+}} ^bb[[HEAD]](
//     CHECK-NOT: nvvm.mma.sync
//         CHECK: st.global.b32

// With one buffer, v comes under the first product and k under the rest.
//     ONE-LABEL: llvm.func @f_kernel0(
//      ONE-SAME:   nvvm.minctasm = 2
//      ONE-SAME:   shared = 16384
//         ONE: nvvm.cp.async.commit.group
// ONE-COUNT-2: nvvm.cp.async.shared.global
//     ONE-NOT: nvvm.cp.async.shared.global
//         ONE: nvvm.cp.async.commit.group
//     ONE-NOT: nvvm.ldmatrix
//         ONE: nvvm.cp.async.wait.group 0
//         ONE: nvvm.barrier
// ONE-COUNT-2: nvvm.cp.async.shared.global
//     ONE-NOT: nvvm.cp.async.shared.global
//         ONE: nvvm.cp.async.commit.group
//         ONE: nvvm.mma.sync
//         ONE: nvvm.cp.async.wait.group 0
//         ONE: nvvm.barrier
// ONE-COUNT-2: nvvm.cp.async.shared.global
//         ONE: nvvm.cp.async.commit.group
//         ONE: ex2.approx.ftz.f32
//         ONE: nvvm.mma.sync
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

// -----

// f16 operands are vectors. Few rows, few warps: one here.
!t = memref<1x1x16x32xf16>
// CHECK-LABEL: llvm.func @half_kernel0(
//  CHECK-SAME:   threads = 32
//       CHECK:   nvvm.mma.sync {{.+}} : (vector<2xf16>, vector<2xf16>, f32)
//       CHECK:   cvt.rn.f16x2.f32
func.func @half(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

// Rows of 72 bytes are copied by 8 bytes; what is past column 36 is zero.
!t = memref<1x1x?x36xbf16>
// CHECK-LABEL: llvm.func @narrow_kernel0(
//   CHECK-NOT:   nvvm.cp.async.shared.global {{.+}}, 16, cache
//       CHECK:   nvvm.cp.async.shared.global {{.+}}, 8, cache = ca
//   CHECK-NOT:   nvvm.cp.async.shared.global {{.+}}, 16, cache
func.func @narrow(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

// Rows of 66 bytes, and columns that are far from each other, are read element
// by element.
!q = memref<1x1x?x33xbf16>
!k = memref<1x1x?x33xbf16, strided<[?, ?, ?, 77]>>
// CHECK-LABEL: llvm.func @elements_kernel0(
//   CHECK-NOT:   nvvm.cp.async.shared.global
//       CHECK:   ld.global.nc.b16
//       CHECK:   st.shared.v4.u32
func.func @elements(%q: !q, %k: !k, %v: !k, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !k, !k) outs(%o : !q)
  return
}

// -----

// A page is looked up for each row, by one lane for those that copy it.
!q = memref<2x4x?x64xbf16>
!k = memref<?x2x16x64xbf16>
// CHECK-LABEL: llvm.func @paged_kernel0(
//       CHECK:   ld.global.nc.b32
//       CHECK:   nvvm.shfl.sync idx
//       CHECK:   nvvm.cp.async.shared.global {{.+}}, 16, cache = cg
func.func @paged(%q: !q, %k: !k, %v: !k, %o: !q, %table: memref<2x?xi32>, %n: memref<2xi32>) {
  attn.attention ins(%q, %k, %v : !q, !k, !k) kv_len(%n : memref<2xi32>)
      page_table(%table : memref<2x?xi32>) outs(%o : !q)
  return
}

// -----

// Heads packed into one tile, for split keys: rows are found like those of
// pages. What combines the parts is left to the general lowering.
!q = memref<1x8x1x64xbf16>
!k = memref<1x2x8192x64xbf16>
//       CHECK: func.func private @split_kernel1({{.+}}attributes {tile.kernel}
// CHECK-LABEL: gpu.module @split_kernel0
//       CHECK:   nvvm.shfl.sync idx
//       CHECK:   nvvm.cp.async.shared.global {{.+}}, 16, cache = cg
//       CHECK:   nvvm.mma.sync
func.func @split(%q: !q, %k: !k, %v: !k, %o: !q) {
  attn.attention ins(%q, %k, %v : !q, !k, !k) outs(%o : !q)
      {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 64, workers = 108>}
  return
}

// -----

// Tall tiles give a warp 32 rows: two operands of q and one of 16 keys make four
// products.
!t = memref<1x1x?x64xbf16>
// CHECK-LABEL: llvm.func @tall_kernel0(
//  CHECK-SAME:   threads = 128
//   CHECK-NOT:   nvvm.ldmatrix
//       CHECK:   nvvm.cp.async.wait.group 0
// CHECK-COUNT-3: nvvm.ldmatrix
//   CHECK-NOT:   nvvm.ldmatrix
// CHECK-COUNT-4: nvvm.mma.sync
//   CHECK-NOT:   nvvm.mma.sync
//       CHECK:   nvvm.ldmatrix
func.func @tall(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      {attn.schedule = #attn.schedule<tile_m = 128, tile_n = 32>}
  return
}

// -----

// A scale in f64 is rounded in the kernel.
!t = memref<?x?x?x64xbf16, strided<[?, ?, ?, 1]>>
// CHECK-LABEL: llvm.func @wide_scale_kernel0(
// CHECK: arith.truncf %{{.+}} : f64 to f32
// CHECK: nvvm.mma.sync
func.func @wide_scale(%q: !t, %k: !t, %v: !t, %o: !t, %scale: f64) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) scale(%scale : f64) outs(%o : !t)
  return
}

// -----

// Values before the first window are not read (rule 7): the tile in which it
// begins has copies of its own, with a condition a row.
!t = memref<?x?x?x64xbf16, strided<[?, ?, ?, 1]>>
// CHECK-LABEL: llvm.func @window_kernel0(
//       CHECK:   nvvm.cp.async.commit.group
//       CHECK:   llvm.cond_br %{{[0-9]+}}, ^[[SOME:bb[0-9]+]], ^[[ALL:bb[0-9]+]]
//  CHECK-NEXT: ^[[SOME]]:
//       CHECK:   arith.cmpi sge, %{{[0-9]+}}, %c0_i{{.+}}
//       CHECK:   nvvm.cp.async.shared.global
//       CHECK: ^[[ALL]]:
//   CHECK-NOT:   arith.cmpi sge
//       CHECK:   nvvm.cp.async.shared.global
//       CHECK:   nvvm.cp.async.commit.group
func.func @window(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      {causal = #attn.causal<bottom_right>, window = #attn.window<left = 99>}
  return
}
