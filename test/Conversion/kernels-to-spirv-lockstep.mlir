// Where the lanes of a subgroup run in lockstep none waits for another: its
// barriers order memory.
// RUN: attn-opt %s --kernels-to-spirv | FileCheck %s
module attributes {tile.target = #tile.target<name = "vulkan", chip = "c", threads = 256, subgroup = 8, shared_bytes = 32768, static_shared_bytes = 32768, features = ["subgroup:lockstep"]>} {
gpu.module @kernels {
  // CHECK-NOT: spirv.ControlBarrier <Subgroup>
  // CHECK: spirv.MemoryBarrier <Subgroup>, <AcquireRelease|WorkgroupMemory>
  // CHECK: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|WorkgroupMemory>
  gpu.func @f(%a: memref<f32>)
      workgroup(%s: memref<8xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 8, 1, 1>} {
    tile.subgroup_barrier
    gpu.barrier
    gpu.return
  }
}
}
