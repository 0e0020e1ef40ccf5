// The last workgroup goes on from what the others made: barriers hand that to
// the thread that counts, and an atomic addition to the other workgroups.
// RUN: attn-opt %s '--tile-attach-target=target=vulkan chip=vulkan-matrix' --kernels-to-spirv -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir --check-prefix=VULKAN
// RUN: attn-translate --kernels-to-spirv %t.mlir -o %t.spv
// RUN: %if spirv-val %{ %spirv_val --target-env vulkan1.3 %t.spv %}
// RUN: attn-opt %s --kernels-to-spirv -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir --check-prefix=GLSL
// RUN: attn-translate --kernels-to-spirv %t.mlir -o %t.spv
// RUN: %if spirv-val %{ %spirv_val %t.spv %}

// One memory by two bindings.
// VULKAN-LABEL: spirv.module @__spv__kernels Logical Vulkan
// VULKAN-DAG: spirv.GlobalVariable @add_0 bind(0, 0) {aliased}
// VULKAN-DAG: spirv.GlobalVariable @add_1 bind(0, 1) {aliased}
// VULKAN-DAG: spirv.GlobalVariable @add_2 bind(0, 2) :
// VULKAN: spirv.Store "StorageBuffer" %{{.+}} ["NonPrivatePointer"] : f32
// VULKAN: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|UniformMemory|WorkgroupMemory|MakeAvailable|MakeVisible>
// VULKAN: %[[THREAD:.+]] = spirv.CompositeExtract %{{.+}}[0 : i32] : vector<3xi32>
// VULKAN: %[[FIRST:.+]] = spirv.IEqual %[[THREAD]], %cst0_i32{{.*}} : i32
// VULKAN: spirv.mlir.selection
// VULKAN: spirv.BranchConditional %[[FIRST]]
// VULKAN: %[[BEFORE:.+]] = spirv.AtomicIAdd <QueueFamily> <AcquireRelease|UniformMemory|WorkgroupMemory|MakeAvailable|MakeVisible> %[[COUNTER:.+]], %cst1_i32{{.*}} :
// VULKAN: %[[NOW:.+]] = spirv.IAdd %[[BEFORE]], %cst1_i32{{.*}} : i32
// VULKAN: %[[LAST:.+]] = spirv.IEqual %[[NOW]], %{{.+}} : i32
// VULKAN: spirv.Store "Workgroup" %[[TOLD:.+]], %{{.+}} ["NonPrivatePointer"] : f32
// VULKAN: spirv.BranchConditional %[[LAST]]
// VULKAN: spirv.Store "StorageBuffer" %[[COUNTER]], %cst0_i32{{.*}} ["NonPrivatePointer"] : i32
// VULKAN: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|UniformMemory|WorkgroupMemory|MakeAvailable|MakeVisible>
// VULKAN: %[[ANSWER:.+]] = spirv.Load "Workgroup" %[[TOLD]] ["NonPrivatePointer"] : f32
// VULKAN: %[[YES:.+]] = spirv.FOrdNotEqual %[[ANSWER]], %{{.+}} : f32
// VULKAN: spirv.BranchConditional %[[YES]]
// VULKAN: spirv.Load "StorageBuffer" %{{.+}} ["NonPrivatePointer"] : f32

// Of the older memory model, which has the scope of a device.
// GLSL-LABEL: spirv.module @__spv__kernels Logical GLSL450
// GLSL: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|UniformMemory|WorkgroupMemory>
// GLSL: spirv.AtomicIAdd <Device> <AcquireRelease|UniformMemory|WorkgroupMemory>
gpu.module @kernels {
  gpu.func @add(%parts: memref<f32> {tile.exchanged}, %same: memref<f32> {tile.exchanged}, %out: memref<f32>, %counters: memref<i32> {tile.exchanged}, %n: index)
      workgroup(%told: memref<1xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c3 = arith.constant 3 : index
    %from = memref.reinterpret_cast %same to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %part = memref.reinterpret_cast %parts to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %to = memref.reinterpret_cast %out to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %counts = memref.reinterpret_cast %counters to offset: [0], sizes: [8], strides: [1] : memref<i32> to memref<8xi32>
    %block = gpu.block_id x
    %one = arith.constant 1.0 : f32
    memref.store %one, %part[%block] : memref<32xf32>
    %last = kernel.arrive %counts[%c3] of %n, %told : memref<8xi32>, memref<1xf32, #gpu.address_space<workgroup>>
    scf.if %last {
      %x = memref.load %from[%c3] : memref<32xf32>
      memref.store %x, %to[%c3] : memref<32xf32>
    }
    gpu.return
  }
}
