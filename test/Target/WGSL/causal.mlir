// RUN: attn-opt %src_root/test/Conversion/Inputs/causal_f32.mlir --attn-to-wgsl --mlir-print-debuginfo | attn-translate --kernels-to-wgsl | FileCheck %s

// The header says what the kernel computes and with which tiles.
// CHECK: // causal: a workgroup of 32 threads
// CHECK: // Tiles: scores[32x32] += q[32x32] k[32x32]^T;
// Inputs are read-only, so that loop bounds stay uniform.
// CHECK: @group(0) @binding(0) var<storage, read> q: array<f32>;
// CHECK: @group(0) @binding(3) var<storage, read_write> o: array<f32>;
// lse receives infinities as bits (rule 16).
// CHECK: @group(0) @binding(4) var<storage, read_write> lse: array<i32>; // f32, by its bits
// The dispatch comes first, and behind a buffer its base.
// CHECK: struct Causal_params {
// CHECK-NEXT: first_x: i32,
// CHECK-NEXT: first_y: i32,
// CHECK-NEXT: first_z: i32,
// CHECK-NEXT: grid_x: i32,
// CHECK-NEXT: grid_y: i32,
// CHECK-NEXT: grid_z: i32,
// CHECK-NEXT: q_base: i32,
// CHECK-NEXT: k_base: i32,
// CHECK-NEXT: v_base: i32,
// CHECK-NEXT: o_base: i32,
// CHECK-NEXT: lse_base: i32,
// CHECK-NEXT: batches: i32,
// CHECK-NEXT: queries: i32,
// CHECK-NEXT: keys: i32,
// CHECK-NEXT: scale: f32,
// CHECK: var<workgroup> shared_tile: array<f32, 1024>;
// CHECK: @compute @workgroup_size(32)
// CHECK: fn causal(
// Groups are those of the whole grid.
// CHECK: let batch = i32(group.z) + params.first_z;
// Single uses are written inline,
// CHECK: [[X:[a-z0-9_]+]] = q[batch *
// masked scores are a finite sentinel, others are clamped above it (rule 15),
// CHECK-NOT: inf
// CHECK: scores[c] = min(max(scores[c] * params.scale, -0x1p126), 0x1p126);
// CHECK: scores[c] = select(-0x1.8p126, scores[c], (j <= i) & (j < params.keys));
// What is written once is no variable.
// CHECK: let rescale = exp2(
// and the sentinel is stored as the bits of -infinity.
// CHECK: lse[{{.*}}] = select(bitcast<i32>([[LSE:[a-z0-9_]+]]), -8388608, [[LSE]] <= -0x1.8p126);
