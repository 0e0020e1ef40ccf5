// RUN: attn-opt %s --tile-interleave-heads | FileCheck %s
// RUN: attn-opt %s --tile-interleave-heads=longest-first=false | FileCheck %s --check-prefix=OFF

gpu.module @kernels {
  // Under a causal mask long query tiles come first: heads become the fast
  // dimension of the launch, so that those of all heads do. What is known of an
  // id stays with it.
  // CHECK-LABEL: gpu.func @causal(
  // CHECK-SAME: tile.choices = ["the longest query tiles of all heads first (longest_first): the short ones fill the end"]
  // CHECK-SAME: grid = interleaved, threads = 32
  // CHECK: %[[TILE:.+]] = gpu.block_id y {tile.size = 9 : index}
  // CHECK: %[[HEAD:.+]] = gpu.block_id x{{$}}
  // CHECK: %[[BATCH:.+]] = gpu.block_id z
  // CHECK: %[[HEADS:.+]] = gpu.grid_dim x
  // CHECK: %[[LAST:.+]] = arith.subi %[[HEADS]], %[[HEAD]]
  // CHECK: scf.for %{{.+}} = %{{.+}} to %[[TILE]]
  // CHECK: memref.store %{{.+}}, %{{.+}}[%[[LAST]]]
  // OFF-LABEL: gpu.func @causal(
  // OFF-SAME: tile.choices = ["heads one after the other (longest_first): an option of the pass says so"]
  // OFF-SAME: grid = points, threads = 32
  // OFF: gpu.block_id x {tile.size = 9 : index}
  gpu.func @causal() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %tile = gpu.block_id x {tile.size = 9 : index}
    %head = gpu.block_id y
    %batch = gpu.block_id z
    %heads = gpu.grid_dim y
    %last = arith.subi %heads, %head : index
    scf.for %i = %c0 to %tile step %c1 {
      memref.store %zero, %w[%last] : memref<4xf32, #gpu.address_space<workgroup>>
      memref.store %zero, %w[%batch] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // A schedule says no, and that is the reason.
  // CHECK-LABEL: gpu.func @off(
  // CHECK-SAME: tile.choices = ["heads one after the other (longest_first): the schedule says so"]
  // CHECK-SAME: grid = points
  gpu.func @off() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, attn.schedule = #attn.schedule<longest_first = off>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %tile = gpu.block_id x
    scf.for %i = %c0 to %tile step %c1 {
      memref.store %zero, %w[%c1] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // Under a window loops begin elsewhere, too.
  // CHECK-LABEL: gpu.func @window(
  // CHECK-SAME: grid = interleaved
  // CHECK: gpu.block_id y
  gpu.func @window() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %tile = gpu.block_id x
    %end = arith.addi %tile, %c8 : index
    scf.for %i = %tile to %end step %c1 {
      memref.store %zero, %w[%c1] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // Groups that share the keys of a query tile are alike: x is divided to number
  // their parts.
  // CHECK-LABEL: gpu.func @parts(
  // CHECK-NOT: tile.choices
  // CHECK-SAME: grid = points
  // CHECK: gpu.block_id x
  gpu.func @parts(%n: index) workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points, threads = 32>} {
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %x = gpu.block_id x
    %part = arith.remui %x, %n : index
    %end = arith.addi %part, %c8 : index
    scf.for %i = %part to %end step %c1 {
      memref.store %zero, %w[%c1] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // Where all loops are alike, nobody waits for the long ones.
  // CHECK-LABEL: gpu.func @plain(
  // CHECK-NOT: tile.choices
  // CHECK-SAME: grid = points
  // CHECK: gpu.block_id x
  gpu.func @plain(%n: index) workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %tile = gpu.block_id x
    scf.for %i = %c0 to %n step %c1 {
      memref.store %zero, %w[%tile] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // Without a launch there is no grid to change.
  // CHECK-LABEL: gpu.func @unlaunched(
  // CHECK: gpu.block_id x
  gpu.func @unlaunched() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %tile = gpu.block_id x
    scf.for %i = %c0 to %tile step %c1 {
      memref.store %zero, %w[%c1] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }
}
