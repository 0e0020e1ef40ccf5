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

module attributes {tile.target = #tile.target<name = "metal", chip = "metal3.1", threads = 1024, subgroup = 32>} {
  gpu.module @kernels {
    // Parts of the number of a thread are those that it was made of.
    // CHECK-LABEL: gpu.func @parts
    // CHECK-DAG: %[[SUBGROUP:.*]] = gpu.subgroup_id
    // CHECK-DAG: %[[LANE:.*]] = gpu.lane_id
    // CHECK: %[[OTHER:.*]] = arith.remui %{{.*}}, %c16
    // CHECK: memref.store %{{.*}}, %{{.*}}[%[[LANE]]]
    // CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[SUBGROUP]]]
    // CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[OTHER]]]
    gpu.func @parts(%o: memref<f32>, %x: f32) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
      %lane = gpu.lane_id
      %subgroup = gpu.subgroup_id : index
      %lanes = gpu.subgroup_size : index
      %first = arith.muli %subgroup, %lanes : index
      %thread = arith.addi %first, %lane : index
      %c32 = arith.constant 32 : index
      %c16 = arith.constant 16 : index
      %rest = arith.remui %thread, %c32 : index
      %quotient = arith.divui %thread, %c32 : index
      %other = arith.remui %thread, %c16 : index
      %m = memref.reinterpret_cast %o to offset: [0], sizes: [128], strides: [1] : memref<f32> to memref<128xf32>
      memref.store %x, %m[%rest] : memref<128xf32>
      memref.store %x, %m[%quotient] : memref<128xf32>
      memref.store %x, %m[%other] : memref<128xf32>
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
