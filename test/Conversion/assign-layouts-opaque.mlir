// Where lanes cannot look into matrices, these hold what products add up;
// everything else is in registers, or in workgroup memory for products.
// RUN: attn-opt %s --tile-assign-layouts | FileCheck %s
// RUN: attn-opt %s --tile-assign-layouts --tile-layout-to-gpu --canonicalize --cse | FileCheck %s --check-prefix=GPU

// Two lanes share a row, of which each has four neighbours. What the loop carries
// for the second product is in fragments, also on its way through the branch.
// CHECK-LABEL: func private @attention
// CHECK: %[[Q:.*]] = tile.load {{.*}} -> <32x16xf16, #tile.shared<padding = 8>>
// CHECK-NEXT: %[[LEFT:.*]] = tile.relayout %[[Q]] : {{.*}} -> <32x16xf16, #tile.fragment<use = a, shape = [16, 16], subgroups = [2, 1]>>
// CHECK: %[[NONE:.*]] = tile.splat {{.*}} -> <32x16xf32, #tile.fragment<use = accumulator
// CHECK: scf.for {{.*}} iter_args(%[[M:.*]] = %{{.*}}, %[[O:.*]] = %[[NONE]])
// CHECK: %[[S:.*]] = tile.dot %[[LEFT]], {{.*}} -> <32x16xf32, #tile.fragment<use = accumulator
// CHECK-NEXT: %[[SCORES:.*]] = tile.relayout %[[S]] : {{.*}} -> <32x16xf32, #tile.layout<register = {{\[\[}}0, 1], [0, 2]], lane = {{\[\[}}0, 4], [1, 0], [2, 0], [4, 0], [8, 0]], subgroup = {{\[\[}}16, 0]]>>
// CHECK: %[[MOVES:.*]] = tile.any_above %[[SCORES]]
// CHECK: %[[MOVED:.*]]:2 = scf.if %[[MOVES]] -> ({{.*}}, !tile.tile<32x16xf32, #tile.fragment<use = accumulator
// CHECK: %[[OLD:.*]] = tile.relayout %[[O]] : {{.*}} -> <32x16xf32, #tile.layout<
// CHECK: %[[SCALED:.*]] = tile.map(%[[OLD]]
// CHECK: %[[NEW:.*]] = tile.relayout %[[SCALED]] : {{.*}} -> <32x16xf32, #tile.fragment<use = accumulator
// CHECK: scf.yield %{{.*}}, %[[NEW]]
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[M]], %[[O]]
// CHECK: %[[WEIGHTS:.*]] = tile.relayout %{{.*}} : {{.*}} -> <32x16xf16, #tile.shared<padding = 8>>
// CHECK: %[[NEXT:.*]] = tile.dot %[[WEIGHTS]], %{{.*}}, %[[MOVED]]#1
// CHECK: scf.yield %[[MOVED]]#0, %[[NEXT]]
// CHECK: %[[RESULT:.*]] = tile.relayout %{{.*}} -> <32x16xf32, #tile.layout<
// CHECK: tile.store %[[RESULT]]

// All buffers are multiples of 16 bytes.
// GPU: gpu.func @attention({{.*}}) workgroup(%[[TILES:.*]] : memref<{{[0-9]+}}xvector<4xf16>, #gpu.address_space<workgroup>> {{.*}}, %[[STRIPS:.*]] : memref<192xvector<4xf32>, {{.*}}, %[[VOTES:.*]] : memref<4xi32, 
// GPU: kernel.load_matrix %[[TILES]][%{{.*}}] stride 6 : {{.*}} -> <16x16xf16, a>
// GPU: scf.for
// GPU: kernel.load_matrix %[[TILES]][%{{.*}}] stride 6 transposed : {{.*}} -> <16x16xf16, b>
// GPU: %[[SUM:.*]] = kernel.multiply_matrices
// GPU: gpu.barrier
// GPU-NEXT: kernel.store_matrix %[[SUM]], %[[STRIPS]][%{{.*}}] stride 6
// GPU-NEXT: gpu.barrier
// GPU: %[[X:.*]] = memref.load %[[STRIPS]]{{.*}} : memref<192xvector<4xf32>
// GPU: vector.extract %[[X]][0]
// The workgroup votes: what moves does so through its memory.
// GPU: memref.store %c0_i32, %[[VOTES]][%c0]
// GPU: gpu.barrier
// GPU: memref.store %c1_i32, %[[VOTES]][%c0]
// GPU: %[[VOTE:.*]] = kernel.uniform_load %[[VOTES]][%c0]
// GPU: %[[ANY:.*]] = arith.cmpi ne, %[[VOTE]], %c0_i32
// GPU: scf.if %[[ANY]]
// GPU: kernel.store_matrix %{{.*}}, %[[STRIPS]]
// GPU: memref.load %[[STRIPS]]
// GPU: memref.store %{{.*}}, %[[STRIPS]]
// GPU: kernel.load_matrix %[[STRIPS]]{{.*}} -> <16x16xf32, accumulator>
// GPU: } else {
// Weights are vectors, too.
// GPU: %[[P:.*]] = vector.from_elements {{.*}} : vector<4xf16>
// GPU: memref.store %[[P]], %[[TILES]]
// GPU: kernel.load_matrix %[[TILES]]{{.*}} -> <16x16xf16, a>
#target = #tile.target<name = "gpu", chip = "c", threads = 64, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, features = ["matrix-opaque"], matrix_shape = [16, 16, 16], lacks = "small_storage">
module attributes {tile.target = #target} {
  func.func private @attention(%a: memref<f16>, %out: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [64, 16], strides: [16, 1] : memref<f16> to memref<64x16xf16>
    %r = memref.reinterpret_cast %out to offset: [0], sizes: [64, 16], strides: [16, 1] : memref<f32> to memref<64x16xf32>
    %q = tile.load %m[%c0, %c0] valid [%n, %c16] : memref<64x16xf16> -> !tile.tile<32x16xf16>
    %none = tile.splat %zero : f32 -> !tile.tile<32x16xf32>
    %first = tile.splat %zero : f32 -> !tile.tile<32xf32>
    %max, %sum = scf.for %i = %c0 to %n step %c16 iter_args(%old = %first, %o = %none) -> (!tile.tile<32xf32>, !tile.tile<32x16xf32>) {
      %k = tile.load %m[%i, %c0] valid [%n, %c16] : memref<64x16xf16> -> !tile.tile<16x16xf16>
      %init = tile.splat %zero : f32 -> !tile.tile<32x16xf32>
      %s = tile.dot %q, %k, %init {transpose_b} : !tile.tile<32x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<32x16xf32>
      %moves = tile.any_above %s, %old : !tile.tile<32x16xf32>, !tile.tile<32xf32>
      %offset, %before = scf.if %moves -> (!tile.tile<32xf32>, !tile.tile<32x16xf32>) {
        %new = tile.reduce max %s, %old : !tile.tile<32x16xf32> -> !tile.tile<32xf32>
        %scaled = tile.map (%o, %new) at [%c0, %c0] : (!tile.tile<32x16xf32>, !tile.tile<32xf32>) -> !tile.tile<32x16xf32> {
        ^bb0(%e: f32, %by: f32, %row: index, %col: index):
          %p = arith.mulf %e, %by : f32
          tile.yield %p : f32
        }
        scf.yield %new, %scaled : !tile.tile<32xf32>, !tile.tile<32x16xf32>
      } else {
        scf.yield %old, %o : !tile.tile<32xf32>, !tile.tile<32x16xf32>
      }
      %w = tile.convert %s : !tile.tile<32x16xf32> -> !tile.tile<32x16xf16>
      %next = tile.dot %w, %k, %before : !tile.tile<32x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<32x16xf32>
      scf.yield %offset, %next : !tile.tile<32xf32>, !tile.tile<32x16xf32>
    }
    tile.store %sum, %r[%c0, %c0] valid [%n, %c16] : !tile.tile<32x16xf32>, memref<64x16xf32>
    return
  }
}
