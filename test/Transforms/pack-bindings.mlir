// tile-pack-bindings: grids use no more buffers than the target binds. Tables
// that grids compute move to one buffer of words, others are copied there, the
// smallest first; tiles stay where they are.
// RUN: attn-opt %s --split-input-file --tile-pack-bindings --cse --verify-diagnostics | FileCheck %s

// What grids compute is written to the words, and nothing is copied.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "c", storage_buffers = 3>} {
  // CHECK-LABEL: func @computed
  // CHECK-SAME: %[[A:.*]]: memref<4xf32>, %[[O:.*]]: memref<4xf32>, %[[N:.*]]: index)
  // CHECK: %[[EXTENT:.*]] = arith.maxsi %[[N]], %c1 {tile.size = 2147483647 : index} : index
  // CHECK: %[[COUNT:.*]] = arith.muli %[[EXTENT]], %c2 {tile.size = 2147483647 : index} : index
  // CHECK: %[[ALL:.*]] = arith.addi %[[COUNT]], %c4 {tile.size = 2147483647 : index} : index
  // CHECK: %[[WORDS:.*]] = memref.alloc(%[[ALL]]) : memref<?xi32>
  // CHECK: scf.forall (%[[X:.*]], %{{.*}}, %{{.*}}) in (%[[N]], 1, 1)
  // CHECK:   %[[ROW:.*]] = arith.muli %[[X]], %c2
  // CHECK:   %[[FIRST:.*]] = arith.addi %[[ROW]], %c4
  // CHECK:   %[[AT:.*]] = arith.addi %[[FIRST]], %c1
  // CHECK:   memref.store %c7_i32, %[[WORDS]][%[[AT]]]
  // CHECK: scf.forall (%[[Y:.*]], %{{.*}}, %{{.*}}) in (4, 1, 1)
  // CHECK:   memref.store %c8_i32, %[[WORDS]][%[[Y]]]
  // CHECK: scf.forall (%[[X:.*]], %{{.*}}, %{{.*}}) in (4, 1, 1)
  // CHECK:   memref.load %[[A]][%[[X]]]
  // CHECK:   memref.load %[[WORDS]][%[[X]]]
  // CHECK:   memref.load %[[WORDS]][%c5]
  // CHECK-NOT: memref.alloc
  // CHECK: memref.dealloc %[[WORDS]]
  // CHECK-NOT: memref.dealloc
  func.func @computed(%a: memref<4xf32>, %o: memref<4xf32>, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c7 = arith.constant 7 : i32
    %c8 = arith.constant 8 : i32
    %s = memref.alloc(%n) : memref<?x2xi32>
    scf.forall (%x, %y, %z) in (%n, 1, 1) {
      memref.store %c7, %s[%x, %c1] : memref<?x2xi32>
    }
    %t = memref.alloc() : memref<4xi32>
    scf.forall (%x, %y, %z) in (4, 1, 1) {
      memref.store %c8, %t[%x] : memref<4xi32>
    }
    scf.forall (%x, %y, %z) in (4, 1, 1) {
      %e = memref.load %a[%x] : memref<4xf32>
      %f = memref.load %t[%x] : memref<4xi32>
      %g = memref.load %s[%c0, %c1] : memref<?x2xi32>
      %h = arith.addi %f, %g : i32
      %i = arith.sitofp %h : i32 to f32
      %j = arith.addf %e, %i : f32
      memref.store %j, %o[%x] : memref<4xf32>
    }
    memref.dealloc %s : memref<?x2xi32>
    memref.dealloc %t : memref<4xi32>
    return
  }
}

// -----

// The smallest tables are copied, whole rows of 256; elements of empty tables
// are words, too. The bias stays, and so does what is a tile or written.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "c", storage_buffers = 4>} {
  // CHECK-LABEL: func @copied
  // CHECK-SAME: %[[T:.*]]: memref<8x8xf32>, %[[BIAS:.*]]: memref<?x?xf32> {{{.*}}}, %[[HALF:.*]]: memref<6xf16> {{{.*}}}, %[[IDS:.*]]: memref<?xi64, {{.*}}}, %[[MASK:.*]]: memref<3x?xi1> {{{.*}}}, %[[O:.*]]: memref<8xf32>)
  // CHECK: %[[N:.*]] = memref.dim %[[IDS]], %c0
  // CHECK: %[[COUNT:.*]] = arith.maxsi %[[N]], %c1
  // CHECK: %[[BEGIN:.*]] = arith.addi %[[COUNT]], %c6
  // CHECK: %[[M:.*]] = memref.dim %[[MASK]], %c1
  // CHECK: %[[COLS:.*]] = arith.maxsi %[[M]], %c1
  // CHECK: %[[WORDS:.*]] = memref.alloc(%{{.*}}) : memref<?xi32>
  // CHECK: scf.forall ({{.*}}) in (1, 1, 1)
  // CHECK:   %[[E:.*]] = memref.load %[[HALF]]
  // CHECK:   %[[WIDE:.*]] = arith.extf %[[E]] : f16 to f32
  // CHECK:   %[[BITS:.*]] = arith.bitcast %[[WIDE]] : f32 to i32
  // CHECK:   tile.yield %[[BITS]]
  // CHECK:   tile.store %{{.*}}, %[[WORDS]][%{{.*}}] valid[%{{.*}}] : <256xi32>
  // CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[BLOCK:.*]]) in (1, 1, %{{.*}})
  // CHECK:   %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c256
  // CHECK:   %[[LAST:.*]] = arith.subi %[[COUNT]], %c1 : index
  // CHECK:   %[[IN:.*]] = arith.minsi %{{.*}}, %[[LAST]]
  // CHECK:   %[[E:.*]] = memref.load %[[IDS]][%[[IN]]]
  // CHECK:   %[[BITS:.*]] = arith.trunci %[[E]] : i64 to i32
  // CHECK:   tile.yield %[[BITS]]
  // CHECK:   %[[LEFT:.*]] = arith.subi %[[COUNT]], %[[FIRST]]
  // CHECK:   %[[AT:.*]] = arith.addi %[[FIRST]], %c6
  // CHECK:   tile.store %{{.*}}, %[[WORDS]][%[[AT]]] valid[%[[LEFT]]]
  // CHECK: scf.forall (%{{.*}}, %[[POINT:.*]], %{{.*}}) in (1, 3, %{{.*}})
  // CHECK:   %[[ROW:.*]] = arith.remui %[[POINT]], %c3
  // CHECK:   %[[E:.*]] = memref.load %[[MASK]][%[[ROW]], %{{.*}}]
  // CHECK:   %[[BITS:.*]] = arith.extui %[[E]] : i1 to i32
  // CHECK:   tile.yield %[[BITS]]
  // CHECK:   %[[BEFORE:.*]] = arith.muli %[[ROW]], %[[COLS]]
  // CHECK:   arith.addi %[[BEGIN]], %[[BEFORE]]
  // CHECK: scf.forall (%[[X:.*]], %{{.*}}, %{{.*}}) in (8, 1, 1)
  // CHECK:   tile.load %[[T]]
  // CHECK:   memref.load %[[BIAS]][%c1, %c1]
  // CHECK:   %[[W:.*]] = memref.load %[[WORDS]][%c2]
  // CHECK:   %[[F:.*]] = arith.bitcast %[[W]] : i32 to f32
  // CHECK:   arith.truncf %[[F]] : f32 to f16
  // CHECK:   %[[LAST:.*]] = arith.subi %[[N]], %c1 : index
  // CHECK:   %[[AT:.*]] = arith.addi %[[LAST]], %c6
  // CHECK:   %[[W:.*]] = memref.load %[[WORDS]][%[[AT]]]
  // CHECK:   arith.extsi %[[W]] : i32 to i64
  // CHECK:   %[[BEFORE:.*]] = arith.muli %[[COLS]], %c2
  // CHECK:   %[[AT:.*]] = arith.addi %[[BEGIN]], %[[BEFORE]]
  // CHECK:   %[[W:.*]] = memref.load %[[WORDS]][%[[AT]]]
  // CHECK:   arith.trunci %[[W]] : i32 to i1
  // CHECK:   tile.store %{{.*}}, %[[O]]
  func.func @copied(%t: memref<8x8xf32>, %bias: memref<?x?xf32> {attn.name = "bias"}, %half: memref<6xf16> {attn.name = "half"}, %ids: memref<?xi64, strided<[?], offset: ?>> {attn.name = "ids"}, %mask: memref<3x?xi1> {attn.name = "mask"}, %o: memref<8xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c8 = arith.constant 8 : index
    // expected-remark @+1 {{copies 'half', 'ids', 'mask' into one buffer, which is slower: it uses 6 buffers, the device binds 4}}
    scf.forall (%x, %y, %z) in (8, 1, 1) {
      %q = tile.load %t[%x, %c0] valid[%c8] : memref<8x8xf32> -> <8xf32>
      %r = tile.map(%q) at[%c0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
      ^bb0(%s: f32, %j: index):
        %b = memref.load %bias[%c1, %c1] : memref<?x?xf32>
        %h = memref.load %half[%c2] : memref<6xf16>
        %n = memref.dim %ids, %c0 : memref<?xi64, strided<[?], offset: ?>>
        %last = arith.subi %n, %c1 : index
        %i = memref.load %ids[%last] : memref<?xi64, strided<[?], offset: ?>>
        %m = memref.load %mask[%c2, %c0] : memref<3x?xi1>
        %g = arith.extf %h : f16 to f32
        %f = arith.sitofp %i : i64 to f32
        %u = arith.addf %b, %g : f32
        %v = arith.addf %u, %f : f32
        %w = arith.select %m, %v, %s : f32
        tile.yield %w : f32
      }
      tile.store %r, %o[%c0] valid[%c8] : <8xf32>, memref<8xf32>
    }
    return
  }
}

// -----

// Where tiles alone are too many, nothing changes; nor where there is room, or
// nobody knows how much.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "c", storage_buffers = 2>} {
  // CHECK-LABEL: func @tiles
  // CHECK-NOT: memref.alloc
  // CHECK: memref.load %{{.*}} : memref<8xi32>
  // CHECK-NOT: memref.alloc
  func.func @tiles(%t: memref<8xf32>, %u: memref<8xf32>, %s: memref<8xi32>, %o: memref<8xf32>) {
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    scf.forall (%x, %y, %z) in (8, 1, 1) {
      %a = tile.load %t[%c0] valid[%c8] : memref<8xf32> -> <8xf32>
      %b = tile.load %u[%c0] valid[%c8] : memref<8xf32> -> <8xf32>
      %r = tile.map(%a, %b) at[%c0] : (!tile.tile<8xf32>, !tile.tile<8xf32>) -> !tile.tile<8xf32> {
      ^bb0(%e: f32, %f: f32, %j: index):
        %i = memref.load %s[%c0] : memref<8xi32>
        %g = arith.sitofp %i : i32 to f32
        %h = arith.addf %e, %g : f32
        %k = arith.addf %h, %f : f32
        tile.yield %k : f32
      }
      tile.store %r, %o[%c0] valid[%c8] : <8xf32>, memref<8xf32>
    }
    return
  }

  // CHECK-LABEL: func @fits
  // CHECK-NOT: memref.alloc
  // CHECK: memref.load %{{.*}} : memref<8xi32>
  func.func @fits(%s: memref<8xi32>, %o: memref<8xi32>) {
    scf.forall (%x, %y, %z) in (8, 1, 1) {
      %i = memref.load %s[%x] : memref<8xi32>
      memref.store %i, %o[%x] : memref<8xi32>
    }
    return
  }
}

// -----

// CHECK-LABEL: func @anywhere
// CHECK-NOT: memref.alloc
func.func @anywhere(%s: memref<8xi32>, %t: memref<8xi32>, %o: memref<8xi32>) {
  scf.forall (%x, %y, %z) in (8, 1, 1) {
    %i = memref.load %s[%x] : memref<8xi32>
    %j = memref.load %t[%x] : memref<8xi32>
    %k = arith.addi %i, %j : i32
    memref.store %k, %o[%x] : memref<8xi32>
  }
  return
}
