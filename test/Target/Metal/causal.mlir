// RUN: attn-opt %src_root/examples/causal.mlir --attn-to-metal="launches tile-m=32 tile-n=32" --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s

// CHECK: #include <metal_stdlib>
// CHECK-NEXT: #include <metal_simdgroup_matrix>
// CHECK-NEXT: using namespace metal;
// The head of a kernel says what it computes, reads and takes.
// CHECK: // [[KERNEL:causal_kernel[0-9]+]]: a workgroup of 128 threads
// CHECK-NEXT: // Tiles: scores[32x32] += q[32x64] k[32x64]^T; sum[32x64] += weights[32x32] v[32x64]
// CHECK-NEXT: // Loads: q 8192 bytes once, k 8192 bytes a step, v 8192 bytes a step
// CHECK-NEXT: // Exchange of weights: from fragments to fragments: nothing, elements stay with their lanes
// CHECK-NEXT: // Exchange of sum: from fragments to workgroup memory: 8704 bytes of workgroup memory
// CHECK: // Workgroup: 128 threads in 4 subgroups; 9888 bytes of memory: tiles 8704, strips 1152, numbers 32
// CHECK-NEXT: // Registers: {{[0-9]+}} of a thread hold matrices at most
// CHECK-NEXT: // Grid: x = ceil(query.size(2) / 32), y = 8, z = query.size(0) workgroups
// Scalars are fields of one struct.
// CHECK: struct Causal_kernel{{.*}}_params {
// CHECK-NEXT: int query_size2_tiles;
// CHECK: };
// CHECK: // {{.*}}: f32, by its bits
// CHECK-NEXT: {{\[\[}}max_total_threads_per_threadgroup({{[0-9]+}})]]
// CHECK-NEXT: kernel void [[KERNEL]](
// Every pointer says in which memory it points.
// CHECK-NEXT: device const float *q {{\[\[}}buffer(0)]],
// CHECK: device float *o {{\[\[}}buffer(3)]],
// CHECK: constant Causal_kernel{{.*}}_params &params {{\[\[}}buffer(5)]],
// CHECK: uint3 group {{\[\[}}threadgroup_position_in_grid]],
// CHECK: threadgroup float [[TILE:[a-z0-9]+]][
// CHECK: threadgroup_barrier(mem_flags::mem_threadgroup);
// Factors are loaded as matrices of float, those of keys transposed.
// CHECK: simdgroup_float8x8 q_0_0;
// CHECK-NEXT: simdgroup_load(q_0_0, [[TILE]] + {{.*}});
// CHECK: simdgroup_load({{.*}}, ulong2(0), true);
// CHECK: simdgroup_multiply_accumulate(
// CHECK: .thread_elements()[0] = exp2(
// CHECK-NOT: inf
// -infinity leaves the kernel as a word (rule 16).
// CHECK: = [[LSE:[a-z0-9]+]] <= -1.27605888e+38f ? -8388608 : as_type<int>([[LSE]]);
