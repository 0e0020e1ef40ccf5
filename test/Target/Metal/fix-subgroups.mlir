// RUN: attn-opt %s --tile-fix-subgroups --split-input-file | FileCheck %s

module attributes {tile.target = #tile.target<name = "metal", chip = "metal3.1", threads = 1024, subgroup = 32>} {
  gpu.module @kernels {
    // CHECK-LABEL: gpu.func @fixed
    // CHECK: gpu.lane_id {tile.size = 31 : index}
    // CHECK: gpu.subgroup_id {tile.size = 3 : index}
    // CHECK-NOT: gpu.subgroup_size
    // CHECK: arith.muli {{.*}}, %c32
    gpu.func @fixed(%o: memref<f32>, %x: f32) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
      %lane = gpu.lane_id
      %subgroup = gpu.subgroup_id : index
      %lanes = gpu.subgroup_size : index
      %first = arith.muli %subgroup, %lanes : index
      %at = arith.addi %first, %lane : index
      %m = memref.reinterpret_cast %o to offset: [0], sizes: [128], strides: [1] : memref<f32> to memref<128xf32>
      memref.store %x, %m[%at] : memref<128xf32>
      gpu.return
    }
  }
}

// -----

module attributes {tile.target = #tile.target<name = "vulkan", chip = "vulkan1.1", threads = 128>} {
  gpu.module @kernels {
    // CHECK-LABEL: gpu.func @any
    // CHECK: gpu.subgroup_size
    gpu.func @any(%o: memref<f32>, %x: f32) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
      %lanes = gpu.subgroup_size : index
      %m = memref.reinterpret_cast %o to offset: [0], sizes: [128], strides: [1] : memref<f32> to memref<128xf32>
      memref.store %x, %m[%lanes] : memref<128xf32>
      gpu.return
    }
  }
}
