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
}
