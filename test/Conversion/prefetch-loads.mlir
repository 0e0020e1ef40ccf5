// tile-prefetch-loads: the next tile is asked for at the beginning of an
// iteration and waits in registers; not past the last iteration. The load that
// stages it comes first. A load whose place is carried, whose rows are not made
// of 16 bytes, or whose memory the kernel writes, stays alone.
// RUN: attn-opt %s --allow-unregistered-dialect --split-input-file --tile-prefetch-loads | FileCheck %s

#acc = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [1, 1]>
#staged = #tile.shared<padding = 8>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: func private @loop
  // CHECK: %[[FIRST:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}] valid[%{{.*}}, %c16{{.*}}] : {{.*}} -> <16x16xf16, #tile.pieces<elements = 8, threads = 32>>
  // CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[N:.*]] step %[[STEP:.*]] iter_args(%{{.*}} = %{{.*}}, %[[WAITS:.*]] = %[[FIRST]])
  // CHECK-NEXT: %[[AT:.*]] = arith.muli %[[I]], %c16
  // CHECK-NEXT: %[[K:.*]] = tile.load %[[M:.*]][%[[AT]], %{{.*}}] valid[%{{.*}}, %c16{{.*}}] prefetched(%[[WAITS]] : !tile.tile<16x16xf16, #tile.pieces<elements = 8, threads = 32>>) : {{.*}} -> <16x16xf16, #tile.shared<padding = 8>>
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %[[STEP]]
  // CHECK: %[[ROW:.*]] = arith.muli %[[NEXT]], %c16
  // CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %[[NEXT]], %[[N]]
  // CHECK: %[[ROWS:.*]] = arith.select %[[INSIDE]], %{{.*}}, %{{.*}} : index
  // CHECK: %[[LOADED:.*]] = tile.load %[[M]][%[[ROW]], %{{.*}}] valid[%[[ROWS]], %c16{{.*}}] : {{.*}} -> <16x16xf16, #tile.pieces
  // CHECK: "test.computes"
  // CHECK: %[[SUM:.*]] = tile.dot %[[K]], %[[K]]
  // CHECK: scf.yield %[[SUM]], %[[LOADED]]
  func.func private @loop(%a: memref<f16>, %n: index, %length: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%length, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32, #acc>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0) -> (!tile.tile<16x16xf32, #acc>) {
      "test.computes"() : () -> ()
      %row = arith.muli %i, %c16 : index
      %k = tile.load %m[%row, %c0] valid [%length, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
      %s1 = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
      scf.yield %s1 : !tile.tile<16x16xf32, #acc>
    }
    return
  }

  // CHECK-LABEL: func private @stays
  // CHECK-NOT: #tile.pieces
  func.func private @stays(%a: memref<f16>, %n: index, %length: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c12 = arith.constant 12 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%length, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32, #acc>
    %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0, %row = %c0) -> (!tile.tile<16x16xf32, #acc>, index) {
      %j = tile.load %m[%row, %c0] valid [%length, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
      %k = tile.load %m[%i, %c0] valid [%length, %c12] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
      %s1 = tile.dot %j, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
      %next = arith.addi %row, %c16 : index
      scf.yield %s1, %next : !tile.tile<16x16xf32, #acc>, index
    }
    return
  }

  // CHECK-LABEL: func private @writes
  // CHECK-NOT: #tile.pieces
  func.func private @writes(%a: memref<f16>, %n: index, %length: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%length, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
    %other = memref.reinterpret_cast %a to offset: [0], sizes: [%length, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
    %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32, #acc>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0) -> (!tile.tile<16x16xf32, #acc>) {
      %k = tile.load %m[%i, %c0] valid [%length, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
      %s1 = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
      tile.store %k, %other[%i, %c0] valid [%length, %c16] : !tile.tile<16x16xf16, #staged>, memref<?x16xf16, strided<[16, 1]>>
      scf.yield %s1 : !tile.tile<16x16xf32, #acc>
    }
    return
  }
}

// -----

// Workgroup memory has room for one of two tiles: what there is no room for in
// front is staged where it is multiplied, and asked for from there on.
#acc = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [2, 1]>
#staged = #tile.shared<padding = 8>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 10240, static_shared_bytes = 10240, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
  // CHECK-LABEL: func private @apart
  // CHECK: scf.for
  // CHECK: %[[J:.*]] = tile.load {{.*}} prefetched({{.*}} -> <16x128xf16, #tile.shared<padding = 8>>
  // CHECK: tile.load {{.*}} -> <16x128xf16, #tile.pieces
  // CHECK: %[[SUM:.*]] = tile.dot %[[J]], %[[J]]
  // CHECK: %[[K:.*]] = tile.load {{.*}} prefetched({{.*}} -> <16x128xf16, #tile.shared<padding = 8>>
  // CHECK: tile.load {{.*}} -> <16x128xf16, #tile.pieces
  // CHECK: tile.dot %[[K]], %[[K]], %[[SUM]]
  func.func private @apart(%a: memref<f16>, %n: index, %length: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%length, 128], strides: [128, 1] : memref<f16> to memref<?x128xf16, strided<[128, 1]>>
    %s0 = tile.splat %zero : f32 -> !tile.tile<128x128xf32, #acc>
    %s = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0) -> (!tile.tile<128x128xf32, #acc>) {
      %j = tile.load %m[%i, %c0] valid [%length, %c128] : memref<?x128xf16, strided<[128, 1]>> -> !tile.tile<16x128xf16, #staged>
      %k = tile.load %m[%i, %c0] valid [%length, %c128] : memref<?x128xf16, strided<[128, 1]>> -> !tile.tile<16x128xf16, #staged>
      %s1 = tile.dot %j, %j, %si {transpose_a} : !tile.tile<16x128xf16, #staged>, !tile.tile<16x128xf16, #staged> -> !tile.tile<128x128xf32, #acc>
      %s2 = tile.dot %k, %k, %s1 {transpose_a} : !tile.tile<16x128xf16, #staged>, !tile.tile<16x128xf16, #staged> -> !tile.tile<128x128xf32, #acc>
      scf.yield %s2 : !tile.tile<128x128xf32, #acc>
    }
    return
  }

  // The one that waits does not stand beside one that does not, either.
  // CHECK-LABEL: func private @behind
  // CHECK: scf.for
  // CHECK-NOT: prefetched
  // CHECK: %[[J:.*]] = tile.load {{.*}} -> <16x128xf16, #tile.shared<padding = 8>>
  // CHECK-NOT: prefetched
  // CHECK: %[[SUM:.*]] = tile.dot %[[J]], %[[J]]
  // CHECK: %[[K:.*]] = tile.load {{.*}} prefetched({{.*}} -> <16x128xf16, #tile.shared<padding = 8>>
  // CHECK: tile.load {{.*}} -> <16x128xf16, #tile.pieces
  // CHECK: tile.dot %[[K]], %[[K]], %[[SUM]]
  func.func private @behind(%a: memref<f16>, %n: index, %length: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [%length, 128], strides: [128, 1] : memref<f16> to memref<?x128xf16, strided<[128, 1]>>
    %s0 = tile.splat %zero : f32 -> !tile.tile<128x128xf32, #acc>
    %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0, %row = %c0) -> (!tile.tile<128x128xf32, #acc>, index) {
      %j = tile.load %m[%row, %c0] valid [%length, %c128] : memref<?x128xf16, strided<[128, 1]>> -> !tile.tile<16x128xf16, #staged>
      %s1 = tile.dot %j, %j, %si {transpose_a} : !tile.tile<16x128xf16, #staged>, !tile.tile<16x128xf16, #staged> -> !tile.tile<128x128xf32, #acc>
      %k = tile.load %m[%i, %c0] valid [%length, %c128] : memref<?x128xf16, strided<[128, 1]>> -> !tile.tile<16x128xf16, #staged>
      %s2 = tile.dot %k, %k, %s1 {transpose_a} : !tile.tile<16x128xf16, #staged>, !tile.tile<16x128xf16, #staged> -> !tile.tile<128x128xf32, #acc>
      %next = arith.addi %row, %c1 : index
      scf.yield %s2, %next : !tile.tile<128x128xf32, #acc>, index
    }
    return
  }
}
