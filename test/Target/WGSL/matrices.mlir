// RUN: attn-translate --kernels-to-wgsl %s | FileCheck %s
// RUN: %if tint %{ attn-translate --kernels-to-wgsl %s -o %t.wgsl && tint --format wgsl -o %t.out %t.wgsl %}

// Chromium's matrices of subgroups. Columns are named before rows; addresses and
// strides count what memory is made of, be it vectors.
// CHECK: enable f16;
// CHECK: enable chromium_experimental_subgroup_matrix;
// CHECK: diagnostic(off, chromium.subgroup_matrix_uniformity);
// CHECK: diagnostic(off, subgroup_uniformity);
gpu.module @kernels {
  // CHECK-LABEL: fn product(
  // CHECK: let [[A:.+]] = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 16>, row_major>(&[[TILE:.+]], u32(4), 8u);
  // CHECK: let [[B:.+]] = subgroupMatrixLoad<subgroup_matrix_right<f16, 32, 8>, col_major>(&[[TILE]], u32([[AT:.+]]), 2u);
  // A matrix that a loop carries is a variable; in a loop it is not zero again.
  // CHECK: var [[SUM:.+]]: subgroup_matrix_result<f32, 32, 16> = subgroup_matrix_result<f32, 32, 16>();
  // CHECK: let [[NEXT:.+]] = subgroupMatrixMultiplyAccumulate([[A]], [[B]], [[SUM]]);
  // CHECK: [[SUM]] = [[NEXT]];
  // CHECK: subgroupMatrixStore<row_major>(&[[SUMS:.+]], u32(0), [[SUM]], 32u);
  // CHECK: subgroupMatrixStore<row_major>(&[[SUMS]], u32(0), subgroup_matrix_result<f32, 32, 16>(2.0f), 32u);
  gpu.func @product() workgroup(%tile: memref<128xvector<4xf16>, #gpu.address_space<workgroup>>, %sums: memref<512xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c32 = arith.constant 32 : index
    %zero = arith.constant 0.0 : f32
    %two = arith.constant 2.0 : f32
    %t = gpu.thread_id x
    %at = arith.divui %t, %c32 : index
    %a = kernel.load_matrix %tile[%c4] stride 8 : memref<128xvector<4xf16>, #gpu.address_space<workgroup>> -> !kernel.matrix<16x8xf16, a>
    %b = kernel.load_matrix %tile[%at] stride 2 transposed : memref<128xvector<4xf16>, #gpu.address_space<workgroup>> -> !kernel.matrix<8x32xf16, b>
    %none = kernel.fill_matrix %zero : !kernel.matrix<16x32xf32, accumulator>
    %sum = scf.for %k = %c0 to %c4 step %c1 iter_args(%s = %none) -> (!kernel.matrix<16x32xf32, accumulator>) {
      %next = kernel.multiply_matrices %a, %b, %s : !kernel.matrix<16x8xf16, a>, !kernel.matrix<8x32xf16, b> -> !kernel.matrix<16x32xf32, accumulator>
      scf.yield %next : !kernel.matrix<16x32xf32, accumulator>
    }
    kernel.store_matrix %sum, %sums[%c0] stride 32 : !kernel.matrix<16x32xf32, accumulator>, memref<512xf32, #gpu.address_space<workgroup>>
    %twos = kernel.fill_matrix %two : !kernel.matrix<16x32xf32, accumulator>
    gpu.barrier
    kernel.store_matrix %twos, %sums[%c0] stride 32 : !kernel.matrix<16x32xf32, accumulator>, memref<512xf32, #gpu.address_space<workgroup>>
    gpu.return
  }

  // What threads read together decides who waits.
  // CHECK-LABEL: fn together(
  // CHECK: let [[VOTE:.+]] = workgroupUniformLoad(&[[VOTES:.+]][0]);
  // CHECK-NEXT: if ([[VOTE]] != 0) {
  // CHECK: workgroupBarrier();
  gpu.func @together() workgroup(%votes: memref<4xi32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %none = arith.constant 0 : i32
    %any = kernel.uniform_load %votes[%c0] : memref<4xi32, #gpu.address_space<workgroup>>
    %is = arith.cmpi ne, %any, %none : i32
    scf.if %is {
      memref.store %none, %votes[%c0] : memref<4xi32, #gpu.address_space<workgroup>>
      gpu.barrier
      memref.store %any, %votes[%c0] : memref<4xi32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }
}
