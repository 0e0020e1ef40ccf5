// RUN: attn-translate --kernels-to-wgsl %s | FileCheck %s

// Lanes are counted by what the machine says; exchanges have statements of their
// own, and what they need is enabled. The language's analysis does not know that
// lanes of a subgroup take the same way.
// CHECK: enable subgroups;
// CHECK-NEXT: diagnostic(off, subgroup_uniformity);
gpu.module @kernels {
  // CHECK-LABEL: fn shuffle(
  // CHECK: @builtin(subgroup_size) subgroup_size: u32,
  // CHECK: @builtin(subgroup_invocation_id) subgroup_lane: u32,
  // CHECK: i32(local.x / subgroup_size)
  // CHECK: i32(subgroup_lane)
  // CHECK: let [[X:.+]] = subgroupShuffleXor({{.+}}, 4u);
  // CHECK: let [[Y:.+]] = subgroupShuffle([[X]], u32({{.+}}));
  gpu.func @shuffle(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c4 = arith.constant 4 : i32
    %c8 = arith.constant 8 : i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %subgroup = gpu.subgroup_id : index
    %size = gpu.subgroup_size : index
    %lane = gpu.lane_id
    %first = arith.muli %subgroup, %size : index
    %t = arith.addi %first, %lane : index
    %x = memref.load %m[%t] : memref<32xf32>
    %y, %valid = gpu.shuffle xor %x, %c4, %c8 : f32
    %from = arith.index_cast %t : index to i32
    %z, %valid2 = gpu.shuffle idx %y, %from, %c8 : f32
    memref.store %z, %m[%t] : memref<32xf32>
    gpu.return
  }
}
