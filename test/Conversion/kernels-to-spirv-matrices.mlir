// Kernels of a machine with matrix units: SPIR-V 1.6 with Vulkan's own memory
// model, f16 as it is.
// RUN: attn-opt %s --kernels-to-spirv -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: attn-translate --kernels-to-spirv %t.mlir -o %t.spv
// RUN: %if spirv-val %{ %spirv_val --target-env vulkan1.3 %t.spv %}

module attributes {tile.target = #tile.target<name = "vulkan", chip = "c", threads = 256, subgroup = 32, shared_bytes = 32768, static_shared_bytes = 32768, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
gpu.module @kernels {
  // CHECK-LABEL: spirv.module @__spv__kernels Logical Vulkan requires #spirv.vce<v1.6, [Shader, Float16, StorageBuffer16BitAccess, RoundingModeRTE, VulkanMemoryModel, CooperativeMatrixKHR, GroupNonUniform, GroupNonUniformShuffle], [SPV_KHR_cooperative_matrix]>
  // Two bytes an f16, in buffers and in workgroup memory.
  // CHECK-DAG: spirv.GlobalVariable @product_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f16, stride=2> [0])>, StorageBuffer>
  // CHECK-DAG: spirv.GlobalVariable @product_3 : !spirv.ptr<!spirv.array<512 x f16>, Workgroup>
  // A parameter has 32 bits.
  // CHECK-DAG: spirv.GlobalVariable @product_dispatch : {{.*}}, i32 [24], i32 [28], f32 [32]
  // CHECK: spirv.func @product() "None"
  // CHECK: %[[FACTOR:.+]] = spirv.FConvert %{{.+}} : f32 to f16
  // CHECK: %[[X:.+]] = spirv.Load "StorageBuffer" %{{.+}} : f16
  // CHECK: spirv.Store "Workgroup" %{{.+}}, %[[X]] ["NonPrivatePointer"] : f16
  // CHECK: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|WorkgroupMemory|MakeAvailable|MakeVisible>
  // CHECK: %[[ROW:.+]] = spirv.KHR.CooperativeMatrixLoad %{{.+}}, %cst24_i32{{.*}}, <RowMajor>, <NonPrivatePointer> : !spirv.ptr<f16, Workgroup>, i32 -> !spirv.coopmatrix<16x16xf16, Subgroup, MatrixA>
  // CHECK: %[[COLUMN:.+]] = spirv.KHR.CooperativeMatrixLoad %{{.+}}, %cst24_i32{{.*}}, <ColumnMajor>, <NonPrivatePointer> : {{.*}} -> !spirv.coopmatrix<16x16xf16, Subgroup, MatrixB>
  // CHECK: %[[ZERO:.+]] = spirv.CompositeConstruct %{{.+}} : (f32) -> !spirv.coopmatrix<16x16xf32, Subgroup, MatrixAcc>
  // Matrices are carried by loops.
  // CHECK: spirv.mlir.loop control(DontUnroll)
  // CHECK: spirv.KHR.CooperativeMatrixMulAdd %[[ROW]], %[[COLUMN]], %{{.+}} :
  // Every column is the same numbers.
  // CHECK: %[[ALIKE:.+]] = spirv.KHR.CooperativeMatrixLoad %{{.+}}, %cst0_i32{{.*}}, <ColumnMajor>, <NonPrivatePointer> : !spirv.ptr<f32, Workgroup>
  // Elements of this lane.
  // CHECK: %[[ELEMENT:.+]] = spirv.CompositeExtract %[[PRODUCT:.+]][7 : i32]
  // CHECK: %[[SAME:.+]] = spirv.CompositeExtract %[[ALIKE]][7 : i32]
  // CHECK: %[[DIFFERENCE:.+]] = spirv.FSub %[[ELEMENT]], %[[SAME]] : f32
  // CHECK: %[[POWER:.+]] = spirv.GL.Exp2 %[[DIFFERENCE]] : f32
  // CHECK: %[[CHANGED:.+]] = spirv.CompositeInsert %[[POWER]], %[[PRODUCT]][7 : i32]
  // CHECK: spirv.KHR.CooperativeMatrixStore %{{.+}}, %[[CHANGED]], %cst16_i32{{.*}}, <RowMajor>, <NonPrivatePointer>
  // All that is used, and how f16 is rounded.
  // CHECK: spirv.EntryPoint "GLCompute" @product, @product_0, @product_1, @product_dispatch, @product_3, @product_4,
  // CHECK: spirv.ExecutionMode @product "LocalSize", 32, 1, 1
  // CHECK: spirv.ExecutionMode @product "RoundingModeRTE", 16
  gpu.func @product(%a: memref<f16>, %o: memref<f32>, %factor: f16)
      workgroup(%s: memref<512xf16, #gpu.address_space<workgroup>>, %w: memref<256xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c7 = arith.constant 7 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %subgroup = gpu.subgroup_id : index
    %lane = gpu.lane_id
    %other = arith.addi %subgroup, %lane : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [512], strides: [1] : memref<f16> to memref<512xf16>
    %to = memref.reinterpret_cast %o to offset: [0], sizes: [512], strides: [1] : memref<f32> to memref<512xf32>
    %x = memref.load %from[%other] : memref<512xf16>
    memref.store %x, %s[%other] : memref<512xf16, #gpu.address_space<workgroup>>
    memref.store %factor, %s[%c7] : memref<512xf16, #gpu.address_space<workgroup>>
    gpu.barrier
    %l = kernel.load_matrix %s[%c0] stride 24 : memref<512xf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xf16, a>
    %r = kernel.load_matrix %s[%c0] stride 24 transposed : memref<512xf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xf16, b>
    %z = kernel.fill_matrix %zero : !kernel.matrix<16x16xf32, accumulator>
    %p = scf.for %k = %c0 to %c4 step %c1 iter_args(%sum = %z) -> (!kernel.matrix<16x16xf32, accumulator>) {
      %next = kernel.multiply_matrices %l, %r, %sum : !kernel.matrix<16x16xf16, a>, !kernel.matrix<16x16xf16, b> -> !kernel.matrix<16x16xf32, accumulator>
      scf.yield %next : !kernel.matrix<16x16xf32, accumulator>
    }
    %m = kernel.load_matrix %w[%c0] stride 0 transposed : memref<256xf32, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xf32, accumulator>
    %e = kernel.extract_element %p[7] : !kernel.matrix<16x16xf32, accumulator>
    %same = kernel.extract_element %m[7] : !kernel.matrix<16x16xf32, accumulator>
    %d = arith.subf %e, %same : f32
    %f = math.exp2 %d : f32
    %i = kernel.insert_element %f, %p[7] : !kernel.matrix<16x16xf32, accumulator>
    kernel.store_matrix %i, %w[%c0] stride 16 : !kernel.matrix<16x16xf32, accumulator>, memref<256xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %y = memref.load %w[%other] : memref<256xf32, #gpu.address_space<workgroup>>
    memref.store %y, %to[%other] : memref<512xf32>
    gpu.return
  }

  // f16 is shuffled as f32, what is smaller than a word stored atomically in
  // the only scope of the memory model that needs no feature.
  // CHECK: spirv.func @small() "None"
  // CHECK: %[[HALF:.+]] = spirv.Load "StorageBuffer" %{{.+}} : f16
  // CHECK: %[[WIDE:.+]] = spirv.FConvert %[[HALF]] : f16 to f32
  // CHECK: spirv.GroupNonUniformShuffleXor <Subgroup> %[[WIDE]], %{{.+}} : f32
  // CHECK: spirv.AtomicAnd <QueueFamily> <None>
  // CHECK: spirv.AtomicOr <QueueFamily> <None>
  gpu.func @small(%a: memref<f16>, %o: memref<bf16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %i1 = arith.constant 1 : i32
    %i32 = arith.constant 32 : i32
    %t = gpu.thread_id x
    %s = gpu.subgroup_id : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f16> to memref<32xf16>
    %to = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<bf16> to memref<32xbf16>
    %x = memref.load %from[%t] : memref<32xf16>
    %y, %valid = gpu.shuffle xor %x, %i1, %i32 : f16
    %w = arith.extf %y : f16 to f32
    %z = arith.truncf %w : f32 to bf16
    memref.store %z, %to[%t] : memref<32xbf16>
    gpu.return
  }
}
}
