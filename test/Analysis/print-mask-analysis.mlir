// RUN: attn-opt %s --split-input-file --attn-print-mask-analysis -o /dev/null | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-print-mask-analysis="tile-m=16 tile-n=16" -o /dev/null | FileCheck %s --check-prefix=SMALL
// RUN: attn-opt %s --split-input-file --attn-print-mask-analysis="axis=queries" -o /dev/null | FileCheck %s --check-prefix=QUERIES

// Closed forms in t for causal masks: no predicate, and only tiles on the
// diagonal are not full.
// CHECK-LABEL: @causal: query tiles of 64, key tiles of 128
// CHECK-NEXT: tiles [0, min(kv_len ceildiv 128, (t floordiv 2) + 1)) full [0, {{.*}}(t floordiv 2)))
// CHECK-NEXT: exact
// SMALL-LABEL: @causal: query tiles of 16, key tiles of 16
// SMALL-NEXT: tiles [0, min(kv_len ceildiv 16, t + 1)) full [0, {{.*}}, t))
// SMALL-NEXT: exact
// A key tile is visited from its diagonal on; the one past kv_len is never full.
// QUERIES-LABEL: @causal: key tiles of 128, query tiles of 64
// QUERIES-NEXT: tiles [c*2, q_len ceildiv 64) full [{{.*}}c*2 + 2)), (c*128 + 128 <= kv_len ? q_len ceildiv 64 : c*2))
// QUERIES-NEXT: exact
func.func @causal(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      }
  return
}

// -----

// Without a mask all tiles below kv_len are full.
// CHECK-LABEL: @none
// CHECK-NEXT: tiles [0, kv_len ceildiv 128) full [0, min(kv_len ceildiv 128, kv_len floordiv 128))
// CHECK-NEXT: no mask but j < kv_len
// CHECK-NEXT: exact
// QUERIES-LABEL: @none
// QUERIES-NEXT: tiles [0, q_len ceildiv 64) full [0, (c*128 + 128 <= kv_len ? q_len ceildiv 64 : 0))
// QUERIES-NEXT: no mask but j < kv_len
// QUERIES-NEXT: exact
func.func @none(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
  return
}

// -----

// Two ranges that are apart, with bounds that fold.
// CHECK-LABEL: @weird
// CHECK-NEXT: tiles [0, 2) full [0, 2)
// CHECK-NEXT: tiles [16, 32) full [16, 32)
// CHECK-NEXT: exact
// Whether a key tile is visited does not depend on t, and no size is open.
// QUERIES-LABEL: @weird
// QUERIES-NEXT: tiles [0, max((c <= 1 ? 64 : 0), (16 <= c ? 64 : 0)))
// QUERIES-NEXT: exact
func.func @weird(%q: memref<1x2x4096x64xf32>, %k: memref<1x2x4096x64xf32>, %o: memref<1x2x4096x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x4096x64xf32>, memref<1x2x4096x64xf32>, memref<1x2x4096x64xf32>)
      outs(%o : memref<1x2x4096x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %lo = arith.constant 256 : index
        %hi = arith.constant 2048 : index
        %x = arith.cmpi slt, %j, %lo : index
        %y = arith.cmpi sge, %j, %hi : index
        %keep = arith.ori %x, %y : i1
        attn.yield %keep : i1
      }
  return
}

// -----

// Blocks of 128 need no predicate, and are all full in their key tile.
// CHECK-LABEL: @block_diagonal
// CHECK-NOT: where
// CHECK: exact
// SMALL-LABEL: @block_diagonal
// SMALL-NOT: where
// SMALL: exact
func.func @block_diagonal(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %n = arith.constant 128 : index
        %x = arith.divsi %i, %n : index
        %y = arith.divsi %j, %n : index
        %keep = arith.cmpi eq, %x, %y : index
        attn.yield %keep : i1
      }
  return
}

// -----

// Periods longer than the tiles leave gaps: a predicate, still exact.
// SMALL-LABEL: @mini_causal
// SMALL: where visit
// SMALL: where full
// SMALL: exact: the key tiles of a query tile have gaps
func.func @mini_causal(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %n = arith.constant 128 : index
        %x = arith.remsi %i, %n : index
        %y = arith.remsi %j, %n : index
        %keep = arith.cmpi sge, %x, %y : index
        attn.yield %keep : i1
      }
  return
}

// -----

// A captured table is summarised over rows and over keys; the causal part still
// ends the range.
// CHECK-LABEL: @documents
// CHECK-NEXT: tiles [0, min(kv_len ceildiv 128, (t floordiv 2) + 1))
// CHECK-NEXT: where visit: min0[t] <= max1[c] and min1[c] <= max0[t]
// CHECK: summary 0: min and max over the rows of a tile
// CHECK-NEXT: summary 1: min and max over the keys of a tile
// CHECK-NEXT: bounds only: it reads captured tables
// QUERIES-LABEL: @documents
// QUERIES-NEXT: tiles [c*2, q_len ceildiv 64)
// QUERIES-NEXT: where visit: min0[t] <= max1[c] and min1[c] <= max0[t] and c*2 <= t
// QUERIES: bounds only: it reads captured tables
func.func @documents(%q: tensor<1x2x?x64xf32>, %k: tensor<1x2x?x64xf32>, %o: tensor<1x2x?x64xf32>, %ids: tensor<?xi32>) -> tensor<1x2x?x64xf32> {
  %r = attn.attention ins(%q, %k, %k : tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>)
      captures(%ids : tensor<?xi32>)
      outs(%o : tensor<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %doc: tensor<?xi32>) {
        %x = tensor.extract %doc[%i] : tensor<?xi32>
        %y = tensor.extract %doc[%j] : tensor<?xi32>
        %same = arith.cmpi eq, %x, %y : i32
        %causal = arith.cmpi sge, %i, %j : index
        %keep = arith.andi %same, %causal : i1
        attn.yield %keep : i1
      } -> tensor<1x2x?x64xf32>
  return %r : tensor<1x2x?x64xf32>
}

// -----

// A table of rows alone gives closed forms.
// CHECK-LABEL: @limit_per_row
// CHECK-NEXT: tiles [0, min(kv_len ceildiv 128, ((max0[t] + 127) floordiv 128)))
// CHECK-NOT: where
// Of a key tile they do not: each query tile has its own limit.
// QUERIES-LABEL: @limit_per_row
// QUERIES-NEXT: tiles [0, q_len ceildiv 64)
// QUERIES-NEXT: where visit: c*128 + 1 <= max0[t]
func.func @limit_per_row(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>, %t: memref<?xindex>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      captures(%t : memref<?xindex>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %limits: memref<?xindex>) {
        %l = memref.load %limits[%i] : memref<?xindex>
        %keep = arith.cmpi slt, %j, %l : index
        attn.yield %keep : i1
      }
  return
}

// -----

// Of a window for each row, its first key is summarised: one closed form.
// CHECK-LABEL: @window_per_row
// CHECK-NEXT: tiles [max(0, (min0[t] floordiv 128)), {{.*}} min(kv_len ceildiv 128, (t floordiv 2) + 1) : 0)) full
// CHECK-NOT: where
// CHECK: summary 0: min and max over the rows of a tile of i - %{{.*}} = memref.load
func.func @window_per_row(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>, %t: memref<?xi32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      captures(%t : memref<?xi32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %windows: memref<?xi32>) {
        %w = memref.load %windows[%i] : memref<?xi32>
        %width = arith.index_cast %w : i32 to index
        %distance = arith.subi %i, %j : index
        %near = arith.cmpi sle, %distance, %width : index
        %causal = arith.cmpi sle, %j, %i : index
        %keep = arith.andi %near, %causal : i1
        attn.yield %keep : i1
      }
  return
}

// -----

// A table of blocks of 64 x 64 is constant over tiles of 16 x 16, and over two
// parts of a tile of 64 x 128.
// CHECK-LABEL: @block_table
// CHECK-NEXT: tiles [0, kv_len ceildiv 128) full [0, 0)
// CHECK-NEXT: where visit: 1 <= max0[t, c]
// CHECK-NEXT: where full: below kv_len and not min0[t, c] <= 0
// CHECK-NEXT: summary 0: min and max over the blocks of 64 x 64 of a tile
// SMALL-LABEL: @block_table
// SMALL: summary 0: min and max over the blocks of 16 x 16 of a tile
func.func @block_table(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>, %t: memref<2x?x?xi8>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      captures(%t : memref<2x?x?xi8>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %blocks: memref<2x?x?xi8>) {
        %n = arith.constant 64 : index
        %zero = arith.constant 0 : i8
        %x = arith.divsi %i, %n : index
        %y = arith.divsi %j, %n : index
        %block = memref.load %blocks[%h, %x, %y] : memref<2x?x?xi8>
        %keep = arith.cmpi ne, %block, %zero : i8
        attn.yield %keep : i1
      }
  return
}

// -----

// Numbers of 8 and 16 bits wrap anywhere: nothing is known of their sums.
// CHECK-LABEL: @wraps
// CHECK-NEXT: tiles [0, kv_len ceildiv 128) full [0, 0)
// CHECK-NOT: exact
// CHECK: bounds only
func.func @wraps(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %x = arith.index_cast %i : index to i8
        %distance = arith.subi %i, %j : index
        %y = arith.index_cast %distance : index to i8
        %keep = arith.cmpi sle, %x, %y : i8
        attn.yield %keep : i1
      }
  return
}

// -----

// Nothing is known of a hole but what the function beside it says of a tile;
// what stands next to it still has a closed form.
// CHECK-LABEL: @hole
// CHECK-NEXT: tiles [0, min(kv_len ceildiv 128, (t floordiv 2) + 1)) full [0, 0)
// CHECK-NEXT: where visit: tile_hole
// CHECK-NEXT: bounds only
func.func @hole(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %i32 = arith.index_cast %i : index to i32
        %j32 = arith.index_cast %j : index to i32
        %causal = arith.cmpi sle, %j, %i : index
        %hole = attn.hole "mask_hole"(%i32, %j32) ["i", "j"] tile_test "tile_hole" : (i32, i32) -> i1
        %keep = arith.andi %causal, %hole : i1
        attn.yield %keep : i1
      }
  return
}

// -----

// A hole that is no factor says nothing of a tile by itself.
// CHECK-LABEL: @either
// CHECK-NOT: where visit
// CHECK: bounds only
func.func @either(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>)
      outs(%o : memref<1x2x?x64xf32>)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %i32 = arith.index_cast %i : index to i32
        %causal = arith.cmpi sle, %j, %i : index
        %hole = attn.hole "mask_hole"(%i32) ["i"] tile_test "tile_hole" : (i32) -> i1
        %keep = arith.ori %causal, %hole : i1
        attn.yield %keep : i1
      }
  return
}
