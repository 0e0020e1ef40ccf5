// RUN: attn-opt %s --tile-add-dispatch-parameters | FileCheck %s

gpu.module @kernels {
  // CHECK: gpu.func @copy(%[[FX:[a-z0-9]+]]: index {tile.dispatch, tile.size = 2147483647 : index}, %{{[a-z0-9]+}}: index {{[^}]*}}}, %[[FZ:[a-z0-9]+]]: index {tile.dispatch{{[^}]*}}}, %{{[a-z0-9]+}}: index {{[^}]*}}}, %[[GY:[a-z0-9]+]]: index {{[^}]*}}}, %{{[a-z0-9]+}}: index {{[^}]*}}},
  // CHECK-SAME: %{{[a-z0-9]+}}: memref<f32>, %[[A:[a-z0-9]+]]: index {tile.dispatch, tile.size = 2147483647 : index}, %[[N:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: memref<i8>, %[[B:[a-z0-9]+]]: index
  // CHECK-SAME: workgroup(%{{.+}} : memref<4xf32, #gpu.address_space<workgroup>>)
  gpu.func @copy(%a: memref<f32>, %n: index, %b: memref<i8>) workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>,
                         // What a launch lists is what it passes.
                         tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>, #tile.operand<1>, #tile.operand<2>], grid = points, threads = 32>} {
    // Groups are those of the whole grid.
    // CHECK: %[[ID:.+]] = gpu.block_id x
    // CHECK: %[[X:.+]] = arith.addi %[[ID]], %[[FX]] : index
    // CHECK: %[[ID_Z:.+]] = gpu.block_id z
    // CHECK: %[[Z:.+]] = arith.addi %[[ID_Z]], %[[FZ]] : index
    // CHECK-NOT: gpu.grid_dim
    // CHECK: %[[LAST:.+]] = arith.subi %[[GY]], %[[Z]] : index
    %x = gpu.block_id x
    %z = gpu.block_id z
    %y = gpu.grid_dim y
    %last = arith.subi %y, %z : index
    %ma = memref.reinterpret_cast %a to offset: [0], sizes: [%n], strides: [1] : memref<f32> to memref<?xf32>
    %mb = memref.reinterpret_cast %b to offset: [0], sizes: [%n], strides: [1] : memref<i8> to memref<?xi8>
    // Elements are counted from what is bound, those of the workgroup's own
    // memory are not.
    // CHECK: %[[AT:.+]] = arith.addi %[[X]], %[[A]] : index
    // CHECK: memref.load %{{.+}}[%[[AT]]] : memref<?xf32>
    %f = memref.load %ma[%x] : memref<?xf32>
    // CHECK: memref.store %{{.+}}, %{{.+}}[%[[X]]] : memref<4xf32
    memref.store %f, %w[%x] : memref<4xf32, #gpu.address_space<workgroup>>
    %i = arith.fptosi %f : f32 to i8
    // CHECK: %[[AT:.+]] = arith.addi %[[LAST]], %[[B]] : index
    // CHECK: memref.store %{{.+}}, %{{.+}}[%[[AT]]] : memref<?xi8>
    memref.store %i, %mb[%last] : memref<?xi8>
    // What begins elsewhere begins further on, once for all that is read of it.
    // CHECK: %[[ROW:.+]] = arith.muli %[[X]], %[[N]] : index
    // CHECK: %[[FROM:.+]] = arith.addi %[[ROW]], %[[A]] : index
    // CHECK: memref.reinterpret_cast %{{.+}} to offset: [%[[FROM]]], sizes: [8]
    // CHECK: memref.load %{{.+}}[%[[Z]]] : memref<8xf32
    %row = arith.muli %x, %n : index
    %mr = memref.reinterpret_cast %a to offset: [%row], sizes: [8], strides: [1] : memref<f32> to memref<8xf32, strided<[1], offset: ?>>
    %r = memref.load %mr[%z] : memref<8xf32, strided<[1], offset: ?>>
    memref.store %r, %w[%x] : memref<4xf32, #gpu.address_space<workgroup>>
    gpu.return
  }

  // Under a causal mask long query tiles come first: heads are the fast dimension
  // of the groups of a dispatch, so that those of all heads do.
  // CHECK: gpu.func @causal(%[[FX:[a-z0-9]+]]: index {{[^}]*}}}, %[[FY:[a-z0-9]+]]: index
  // CHECK-DAG: %[[IX:.+]] = gpu.block_id x
  // CHECK-DAG: %[[X:.+]] = arith.index_cast %[[IX]] : index to i32
  // CHECK-DAG: %[[IY:.+]] = gpu.block_id y
  // CHECK-DAG: %[[Y:.+]] = arith.index_cast %[[IY]] : index to i32
  // CHECK-DAG: %[[DX:.+]] = gpu.grid_dim x
  // CHECK-DAG: %[[TILES:.+]] = arith.index_cast %[[DX]] : index to i32
  // CHECK-DAG: %[[DY:.+]] = gpu.grid_dim y
  // CHECK-DAG: %[[HEADS:.+]] = arith.index_cast %[[DY]] : index to i32
  // CHECK: %[[ROWS:.+]] = arith.muli %[[Y]], %[[TILES]] : i32
  // CHECK: %[[N:.+]] = arith.addi %[[ROWS]], %[[X]] : i32
  // CHECK: %[[QUOTIENT:.+]] = arith.divui %[[N]], %[[HEADS]] : i32
  // CHECK: %[[TILE:.+]] = arith.index_cast %[[QUOTIENT]] : i32 to index
  // CHECK: %[[REMAINDER:.+]] = arith.remui %[[N]], %[[HEADS]] : i32
  // CHECK: %[[HEAD:.+]] = arith.index_cast %[[REMAINDER]] : i32 to index
  // CHECK: %[[LAST:.+]] = arith.addi %[[TILE]], %[[FX]] {tile.size = 9 : index} : index
  // CHECK: %[[FIRST:.+]] = arith.addi %[[HEAD]], %[[FY]] : index
  // CHECK: scf.for %{{.+}} = %{{.+}} to %[[LAST]]
  // CHECK: memref.store %{{.+}}, %{{.+}}[%[[FIRST]]]
  gpu.func @causal() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %x = gpu.block_id x {tile.size = 9 : index}
    %y = gpu.block_id y
    scf.for %i = %c0 to %x step %c1 {
      memref.store %zero, %w[%y] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // Under a window loops begin elsewhere, and are as long.
  // CHECK: gpu.func @window(
  // CHECK-NOT: arith.divui
  // CHECK: gpu.return
  gpu.func @window() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %x = gpu.block_id x
    %end = arith.addi %x, %c8 : index
    scf.for %i = %x to %end step %c1 {
      memref.store %zero, %w[%c1] : memref<4xf32, #gpu.address_space<workgroup>>
    }
    gpu.return
  }
}
