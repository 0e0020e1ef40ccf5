// RUN: split-file %s %t
// RUN: attn-opt %t/paged.mlir --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" | FileCheck %s --check-prefix=PAGED
// RUN: attn-opt %t/odd.mlir --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" | FileCheck %s --check-prefix=ODD
// RUN: attn-opt %t/split.mlir --tile-attach-target="target=cuda chip=sm_90a" --tile-narrow-indices --tile-to-hopper | FileCheck %s --check-prefix=SPLIT

// Keys and values in pages: q alone has a tensor map. Copies of 16 bytes need
// pointers of multiples of 16 bytes, unknown strides of 8 elements.
// PAGED-LABEL: llvm.func @f_kernel0(
//  PAGED-SAME:   tile.launch_info = #tile.launch_info<parameters = [
//  PAGED-SAME:   #tile.operand<{{[0-9]+}}, multiple = 16>
//  PAGED-SAME:   #tile.operand<{{[0-9]+}}, multiple = 8>
//  PAGED-SAME:   #tile.tensor_map
//   PAGED-NOT:   #tile.tensor_map{{.+}}#tile.tensor_map{{.+}}#tile.tensor_map
//  PAGED-SAME:   threads = 384
// The whole warpgroup produces. Each lane looks up the page of a row that is
// valid, and the lanes that copy the row get its offset from there.
//       PAGED:   nvvm.setmaxregister decrease 56
//       PAGED:   nvvm.cp.async.bulk.tensor.shared.cluster.global
//       PAGED:   @p ld.global.nc.b32
//       PAGED:   nvvm.shfl.sync idx
//       PAGED:   nvvm.cp.async.shared.global %{{.+}}, %{{.+}}, 16, cache = cg, %{{.+}}
//       PAGED:   nvvm.cp.async.commit.group
// A key tile is announced when the copies of the value tile after it are on
// their way: wgmma may read what the writers have fenced.
//       PAGED:   nvvm.cp.async.commit.group
//       PAGED:   nvvm.cp.async.wait.group 1
//  PAGED-NEXT:   nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>
//  PAGED-NEXT:   nvvm.bar.warp.sync
//       PAGED:   mbarrier.arrive
//       PAGED:   nvvm.cp.async.wait.group 0
//       PAGED:   nvvm.setmaxregister increase 224

// Rows of 33 elements: elements are read one at a time and stored in units of
// 16 bytes; the halves of a pair of columns of o are stored by themselves.
//   ODD-LABEL: llvm.func @f_kernel0(
//     ODD-NOT:   #tile.tensor_map
//     ODD-NOT:   multiple =
//         ODD:   ld.global.nc.b16
//         ODD:   st.shared.v4.u32
//     ODD-NOT:   st.global.b32
//         ODD:   st.global.b16

// A part of the keys for the rows of several heads: one consumer, which leaves
// its registers as they are. q is gathered, k and v come by TMA from the first
// warp; partial results go out in f32.
// SPLIT-LABEL: llvm.func @split(
//  SPLIT-SAME:   threads = 256
//   SPLIT-NOT:   nvvm.setmaxregister
//       SPLIT:   arith.remui
//       SPLIT:   nvvm.cp.async.shared.global
//       SPLIT:   nvvm.cp.async.wait.group 0
//       SPLIT:   nvvm.cp.async.bulk.tensor.shared.cluster.global
//       SPLIT:   wgmma.mma_async.sync.aligned.m64n128k16
//       SPLIT:   st.global.f32

//--- paged.mlir
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
!p = memref<?x?x16x128xbf16, strided<[?, ?, ?, 1]>>
func.func @f(%q: !t, %k: !p, %v: !p, %o: !t, %n: memref<?xi32>, %table: memref<?x?xi32>) {
  attn.attention ins(%q, %k, %v : !t, !p, !p) kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>) outs(%o : !t)
  return
}

//--- odd.mlir
!t = memref<?x?x?x33xf16, strided<[?, ?, 33, 1]>>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}

//--- split.mlir
!q = memref<?x?x?x128xbf16, strided<[?, ?, 128, 1]>>
func.func private @split(%q: memref<bf16>, %qb: index, %qh: index, %nb: index, %nh: index, %sq: index,
    %k: memref<bf16>, %v: memref<bf16>, %hk: index, %kb: index, %kh: index, %skv: index,
    %o: memref<f32>, %m: memref<f32>, %l: memref<f32>, %g: index, %tiles: index,
    %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %scale = arith.constant 0.125 : f32
  %qv = memref.reinterpret_cast %q to offset: [0], sizes: [%nb, %nh, %sq, 128], strides: [%qb, %qh, 128, 1] : memref<bf16> to !q
  %kv = memref.reinterpret_cast %k to offset: [0], sizes: [%nb, %hk, %skv, 128], strides: [%kb, %kh, 128, 1] : memref<bf16> to !q
  %vv = memref.reinterpret_cast %v to offset: [0], sizes: [%nb, %hk, %skv, 128], strides: [%kb, %kh, 128, 1] : memref<bf16> to !q
  %ov = memref.reinterpret_cast %o to offset: [0], sizes: [%nx, %ny, %nz, 64, 128], strides: [1048576, 131072, 8192, 128, 1] : memref<f32> to memref<?x?x?x64x128xf32, strided<[1048576, 131072, 8192, 128, 1]>>
  %mv = memref.reinterpret_cast %m to offset: [0], sizes: [%nx, %ny, %nz, 64], strides: [8192, 1024, 64, 1] : memref<f32> to memref<?x?x?x64xf32, strided<[8192, 1024, 64, 1]>>
  %lv = memref.reinterpret_cast %l to offset: [0], sizes: [%nx, %ny, %nz, 64], strides: [8192, 1024, 64, 1] : memref<f32> to memref<?x?x?x64xf32, strided<[8192, 1024, 64, 1]>>
  %head = arith.muli %y, %g : index
  %rows = arith.muli %g, %sq : index
  %qt = tile.load %qv[%x, %head, %c0, %c0] valid [%rows, %c128] packed %g : !q -> <64x128xbf16>
  %all = arith.ceildivsi %skv, %c128 : index
  %from = arith.muli %z, %tiles : index
  %to0 = arith.addi %from, %tiles : index
  %to = arith.minsi %to0, %all : index
  %fullEnd = arith.floordivsi %skv, %c128 : index
  %ranges = tile.ranges [%c0, %all, %c0, %fullEnd] : !tile.ranges
  %m0 = tile.splat %low : f32 -> <64xf32>
  %l0 = tile.splat %zero : f32 -> <64xf32>
  %a0 = tile.splat %zero : f32 -> <64x128xf32>
  %r:3 = scf.for %n = %from to %to step %c1 iter_args(%mi = %m0, %li = %l0, %ai = %a0) -> (!tile.tile<64xf32>, !tile.tile<64xf32>, !tile.tile<64x128xf32>) {
    %tile, %full = tile.range_at %ranges[%n] : index, i1
    %j = arith.muli %tile, %c128 : index
    %keys = arith.subi %skv, %j : index
    %kt = tile.load %kv[%x, %y, %j, %c0] valid [%keys, %c128] : !q -> <128x128xbf16>
    %s0 = tile.splat %zero : f32 -> <64x128xf32>
    %s = tile.dot %qt, %kt, %s0 {transpose_b} : <64x128xbf16>, <128x128xbf16> -> <64x128xf32>
    %s1 = scf.if %full -> (!tile.tile<64x128xf32>) {
      scf.yield %s : !tile.tile<64x128xf32>
    } else {
      %masked = tile.map(%s) at [%c0, %j] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
      ^bb0(%e: f32, %row: index, %col: index):
        %in = arith.cmpi slt, %col, %skv : index
        %sel = arith.select %in, %e, %low : f32
        tile.yield %sel : f32
      }
      scf.yield %masked : !tile.tile<64x128xf32>
    }
    %m1 = tile.reduce max %s1, %mi : <64x128xf32> -> <64xf32>
    %alpha = tile.map(%mi, %m1) at [%c0] : (!tile.tile<64xf32>, !tile.tile<64xf32>) -> !tile.tile<64xf32> {
    ^bb0(%old: f32, %new: f32, %row: index):
      %d = arith.subf %old, %new : f32
      %d2 = arith.mulf %d, %scale : f32
      %e = math.exp2 %d2 : f32
      tile.yield %e : f32
    }
    %p = tile.map(%s1, %m1) at [%c0, %j] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%e: f32, %max: f32, %row: index, %col: index):
      %d = arith.subf %e, %max : f32
      %d2 = arith.mulf %d, %scale : f32
      %x2 = math.exp2 %d2 : f32
      tile.yield %x2 : f32
    }
    %la = tile.map(%li, %alpha) at [%c0] : (!tile.tile<64xf32>, !tile.tile<64xf32>) -> !tile.tile<64xf32> {
    ^bb0(%e: f32, %f: f32, %row: index):
      %y2 = arith.mulf %e, %f : f32
      tile.yield %y2 : f32
    }
    %l1 = tile.reduce sum %p, %la : <64x128xf32> -> <64xf32>
    %p16 = tile.convert %p : <64x128xf32> -> <64x128xbf16>
    %aa = tile.map(%ai, %alpha) at [%c0, %c0] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%e: f32, %f: f32, %row: index, %col: index):
      %y2 = arith.mulf %e, %f : f32
      tile.yield %y2 : f32
    }
    %vt = tile.load %vv[%x, %y, %j, %c0] valid [%keys, %c128] : !q -> <128x128xbf16>
    %a1 = tile.dot %p16, %vt, %aa : <64x128xbf16>, <128x128xbf16> -> <64x128xf32>
    scf.yield %m1, %l1, %a1 : !tile.tile<64xf32>, !tile.tile<64xf32>, !tile.tile<64x128xf32>
  }
  tile.store %r#2, %ov[%x, %y, %z, %c0, %c0] valid [%rows, %c128] : <64x128xf32>, memref<?x?x?x64x128xf32, strided<[1048576, 131072, 8192, 128, 1]>>
  tile.store %r#0, %mv[%x, %y, %z, %c0] valid [%rows] : <64xf32>, memref<?x?x?x64xf32, strided<[8192, 1024, 64, 1]>>
  tile.store %r#1, %lv[%x, %y, %z, %c0] valid [%rows] : <64xf32>, memref<?x?x?x64xf32, strided<[8192, 1024, 64, 1]>>
  return
}
