// tile-join-launches: the last workgroup of those with the same first indices of
// a grid does what the next launch would, a subgroup a point.
// RUN: attn-opt %s --split-input-file --tile-join-launches | FileCheck %s

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// The counters are zeros before and after. Numbers that both kernels take are
// passed once, memory of both twice.
// CHECK-LABEL: func @f(
// CHECK-SAME: %[[A:.*]]: memref<?x3x8x4xf32>, %[[B:.*]]: memref<?x3x8x4xf32>, %[[N:.*]]: index
// CHECK: %[[T:.*]] = memref.alloc(%[[N]])
// CHECK: %[[GROUPS:.*]] = arith.muli %[[N]], %[[C3:.*]] : index
// CHECK: %[[COUNTERS:.*]] = memref.alloc(%[[GROUPS]]) {tile.restored} : memref<?xi32>
// CHECK: tile.launch @make grid[%[[N]], %[[C3]], %{{.*}}] (%[[A]], %[[T]], %[[N]], %[[T]], %[[B]], %[[COUNTERS]], %[[C8:.*]]) writes [1, 4, 5]
// CHECK-NEXT: memref.dealloc %[[COUNTERS]]
// CHECK-NOT: tile.launch
// CHECK: func private @make(%{{.*}}: memref<f32>, %{{.*}}: memref<f32> {tile.exchanged}, %{{.*}}: index {tile.size = 100 : index}, %[[TAKEN:.*]]: memref<f32> {tile.exchanged}, %[[OUT:.*]]: memref<f32>, %[[PLACES:.*]]: memref<i32> {tile.exchanged}, %[[STEPS:.*]]: index {tile.size = 8 : index}, %[[X:.*]]: index, %[[Y:.*]]: index, %{{.*}}: index, %[[NX:.*]]: index, %[[NY:.*]]: index, %[[NZ:.*]]: index)
// CHECK: %[[FROM:.*]] = memref.reinterpret_cast %[[TAKEN]]
// CHECK: %[[ALL:.*]] = arith.muli %[[NX]], %[[NY]] : index
// CHECK: %[[COUNTS:.*]] = memref.reinterpret_cast %[[PLACES]] to offset: [0], sizes: [%[[ALL]]], strides: [1]
// CHECK: tile.store
// CHECK: %[[OF_X:.*]] = arith.muli %[[X]], %[[NY]] : index
// CHECK: %[[GROUP:.*]] = arith.addi %[[OF_X]], %[[Y]] : index
// CHECK: %[[LAST:.*]] = tile.arrive %[[COUNTS]][%[[GROUP]]] of %[[NZ]]
// CHECK: scf.if %[[LAST]] {
// CHECK: %[[NUMBER:.*]], %[[COUNT:.*]] = tile.subgroup
// CHECK: scf.for %[[Z:.*]] = %[[NUMBER]] to %[[STEPS]] step %[[COUNT]] {
// CHECK: tile.load %[[FROM]][%[[X]], %[[Y]], %[[Z]], %{{.*}}]
// CHECK: tile.store
// CHECK-NOT: func private @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// No memory model that orders what workgroups exchange.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = []>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// What other points of the first dimensions have made, too.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%y, %x, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// The first kernel may still read what the second one writes.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %a, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// Another grid.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%c8, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// Several subgroups have a point of the second kernel.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #x>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// Memory of the caller may be anything.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %t: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}

// -----

#x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
#y = #tile.layout<lane = [[0, 1], [0, 2]]>
// A kernel of two launches.
// CHECK-LABEL: func @f
// CHECK: tile.launch @make
// CHECK: tile.launch @take
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
  func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %t = memref.alloc(%n) : memref<?x3x8x4xf32>
    tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
    return
  }
  func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index {tile.size = 100 : index}, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %row = arith.muli %z, %c2 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
    tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
  func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index {tile.size = 8 : index}) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
    tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
    return
  }
}
