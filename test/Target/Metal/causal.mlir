// RUN: attn-opt %src_root/examples/causal.mlir --attn-to-metal="launches tile-m=32 tile-n=32" --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s

// CHECK: #include <metal_stdlib>
// CHECK-NEXT: using namespace metal;
// The header says what the kernel computes and with which tiles.
// CHECK: // [[KERNEL:causal[a-z0-9_]*]]: a workgroup of 32 threads
// CHECK: // Tiles: scores[32x32] += q[32x64] k[32x64]^T;
// Scalars are fields of one struct.
// CHECK: struct Causal{{.*}}_params {
// CHECK: int q_stride0;
// CHECK: };
// CHECK: {{\[\[}}max_total_threads_per_threadgroup(32)]]
// CHECK-NEXT: kernel void [[KERNEL]](
// Every pointer says in which memory it points.
// CHECK-NEXT: device const float *q {{\[\[}}buffer(0)]],
// CHECK: device float *o {{\[\[}}buffer(3)]],
// CHECK: constant Causal{{.*}}_params &[[PARAMS:[a-z0-9_]+]] {{\[\[}}buffer({{[0-9]}})]],
// CHECK: uint3 group {{\[\[}}threadgroup_position_in_grid]],
// CHECK: threadgroup float shared_tile[2048];
// CHECK: float scores[32];
// CHECK: const int batch = int(group.z);
// Where elements lie is computed as it is written: it cannot overflow.
// CHECK: = q[batch *
// CHECK: threadgroup_barrier(mem_flags::mem_threadgroup);
// CHECK-NOT: inf
// CHECK: scores1[c] = j < [[PARAMS]].{{.*}} && j <= {{.*}} ? scores1[c] : -1.27605888e+38f;
// -infinity leaves the kernel as a word (rule 16).
// CHECK: lse[{{.*}}] = [[LSE:[a-z0-9]+]] <= -1.27605888e+38f ? -8388608 : as_type<int>([[LSE]]);
