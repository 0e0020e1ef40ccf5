// Attention in f16 in matrices of 8 x 8 whose sums are float. Softmax works on
// the elements that a lane has, and what it leaves goes into the second product
// from register to register.
// RUN: attn-opt %s --attn-to-metal=launches --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s
// RUN: attn-opt %s "--attn-to-metal=launches chip=metal2.4" --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s
// Where the language has bfloat, so it is in bf16; before, it is computed in float.
// RUN: sed s/xf16/xbf16/g %s | attn-opt - --attn-to-metal=launches --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s --check-prefix=BFLOAT
// RUN: sed s/xf16/xbf16/g %s | attn-opt - "--attn-to-metal=launches chip=metal2.4" | attn-translate --kernels-to-msl | FileCheck %s --check-prefix=OLD
// BFLOAT: threadgroup bfloat [[TILE:[a-z0-9]+]][
// BFLOAT: *(device const uint4 *)({{.*}});
// BFLOAT: *(threadgroup uint4 *)([[TILE]] + {{.*}}) = {{.*}};
// BFLOAT: simdgroup_bfloat8x8 q_0_0;
// BFLOAT: simdgroup_multiply_accumulate(scores_0_0, q_0_0, {{k[0-9_]*}}, zeros);
// BFLOAT: simdgroup_bfloat8x8 [[P:weights[0-9_]*]];
// BFLOAT: [[P]].thread_elements()[0] = bfloat({{weights[0-9_]*}}.thread_elements()[0]);
// OLD-NOT: simdgroup_{{bfloat|multiply}}

// CHECK: kernel void f{{.*}}(
// CHECK: threadgroup half [[TILE:[a-z0-9]+]][
// 16 bytes move at once, and are read as matrices.
// CHECK: *(device const uint4 *)({{.*}});
// CHECK: *(threadgroup uint4 *)([[TILE]] + {{.*}}) = {{.*}};
// CHECK: simdgroup_half8x8 q_0_0;
// CHECK-NEXT: simdgroup_load(q_0_0, [[TILE]] + {{.*}});
// CHECK: simdgroup_load([[K:k[0-9_]*]], [[TILE]], 72, ulong2(0), true);
// CHECK-NEXT: simdgroup_float8x8 scores_0_0;
// CHECK-NEXT: simdgroup_multiply_accumulate(scores_0_0, q_0_0, [[K]], zeros);
// Sums of products are where they were before.
// CHECK: simdgroup_multiply_accumulate(scores_0_0, q_0_1, {{k[0-9_]*}}, scores_0_0);
// CHECK: simdgroup_barrier(mem_flags::mem_threadgroup);
// CHECK: .thread_elements()[0] = exp2(
// CHECK-NOT: simdgroup_store
// CHECK: simdgroup_half8x8 [[P:weights[0-9_]*]];
// CHECK: [[P]].thread_elements()[0] = half({{weights[0-9_]*}}.thread_elements()[0]);
// CHECK-NEXT: [[P]].thread_elements()[1] = half({{weights[0-9_]*}}.thread_elements()[1]);
// CHECK-NOT: simdgroup_store
// CHECK: simdgroup_multiply_accumulate([[SUM:sum[0-9_]*]], {{weights[0-9_]*}}, {{v[0-9_]*}}, [[SUM]]);
// The result leaves through workgroup memory.
// CHECK: simdgroup_store(
func.func @f(%q: memref<1x2x256x64xf16>, %k: memref<1x2x256x64xf16>, %v: memref<1x2x256x64xf16>, %o: memref<1x2x256x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x256x64xf16>, memref<1x2x256x64xf16>, memref<1x2x256x64xf16>) outs(%o : memref<1x2x256x64xf16>)
  return
}
