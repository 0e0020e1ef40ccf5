// RUN: attn-opt %src_root/examples/causal.mlir --attn-to-metal="launches tile-m=32 tile-n=32" --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s

// CHECK: #include <metal_stdlib>
// CHECK-NEXT: #include <metal_simdgroup_matrix>
// CHECK-NEXT: using namespace metal;
// CHECK: // [[KERNEL:causal_kernel[0-9]+]]: a workgroup of {{[0-9]+}} threads
// Scalars are fields of one struct.
// CHECK: struct Causal_kernel{{.*}}_params {
// CHECK-NEXT: int {{.*}};
// CHECK: };
// CHECK: // {{.*}}: f32, by its bits
// CHECK-NEXT: {{\[\[}}max_total_threads_per_threadgroup({{[0-9]+}})]]
// CHECK-NEXT: kernel void [[KERNEL]](
// Every pointer says in which memory it points.
// CHECK-NEXT: device const float *{{[a-z0-9_]+}} {{\[\[}}buffer(0)]],
// CHECK: device float *{{[a-z0-9_]+}} {{\[\[}}buffer(3)]],
// CHECK: constant Causal_kernel{{.*}}_params &params {{\[\[}}buffer(5)]],
// CHECK: uint3 group {{\[\[}}threadgroup_position_in_grid]],
// CHECK: threadgroup float [[TILE:[a-z0-9]+]][
// CHECK: threadgroup_barrier(mem_flags::mem_threadgroup);
// Factors are loaded as matrices of float, those of keys transposed.
// CHECK: simdgroup_float8x8 [[Q:m[0-9]*]];
// CHECK-NEXT: simdgroup_load([[Q]], [[TILE]] + {{.*}});
// CHECK: simdgroup_load({{.*}}, ulong2(0), true);
// CHECK: simdgroup_multiply_accumulate(
// CHECK: .thread_elements()[0] = exp2(
// CHECK-NOT: inf
// -infinity leaves the kernel as a word (rule 16).
// CHECK: = [[LSE:[a-z0-9]+]] <= -1.27605888e+38f ? -8388608 : as_type<int>([[LSE]]);
