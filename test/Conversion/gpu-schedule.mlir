// gpu-schedule: one tile for all sizes, fewer rows where there are fewer, what
// was given otherwise. Keys are split where the target says for how many workers.
// RUN: attn-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(gpu-schedule))' | FileCheck %s
// RUN: attn-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(gpu-schedule{tile-n=16}))' | FileCheck %s --check-prefix=GIVEN

// CHECK-LABEL: func @dynamic
// CHECK: attn.schedule = #attn.schedule<tile_m = 32, tile_n = 32>, attn.schedule_reason = "a row a thread
// GIVEN-LABEL: func @dynamic
// GIVEN: attn.schedule = #attn.schedule<tile_m = 32, tile_n = 16>, attn.schedule_reason = "a tile was asked for"
func.func @dynamic(%t: memref<?x8x?x64xf32>, %o: memref<?x8x?x64xf32>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x64xf32>, memref<?x8x?x64xf32>, memref<?x8x?x64xf32>) outs(%o : memref<?x8x?x64xf32>)
  return
}

// CHECK-LABEL: func @few
// CHECK: #attn.schedule<tile_m = 5, tile_n = 32>
func.func @few(%q: memref<2x8x5x64xf32>, %k: memref<2x8x70x64xf32>, %o: memref<2x8x5x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<2x8x5x64xf32>, memref<2x8x70x64xf32>, memref<2x8x70x64xf32>) outs(%o : memref<2x8x5x64xf32>)
  return
}

// CHECK-LABEL: func @given
// CHECK: attn.schedule = #attn.schedule<tile_m = 64, tile_n = 8>, attn.schedule_reason = "a schedule was given"
// GIVEN-LABEL: func @given
// GIVEN: #attn.schedule<tile_m = 64, tile_n = 16>
func.func @given(%t: memref<2x8x70x64xf32>, %o: memref<2x8x70x64xf32>) {
  attn.attention ins(%t, %t, %t : memref<2x8x70x64xf32>, memref<2x8x70x64xf32>, memref<2x8x70x64xf32>) outs(%o : memref<2x8x70x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 8>}
  return
}

// -----

// A known number of rows that read a key head has a tile of its own; where only
// a launch knows, lanes share up to four or up to eight, or a tile holds up to 32.
// Few rows have fewer keys a tile.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "x", threads = 1024, subgroup = 32, workers = 512>} {
  // CHECK-LABEL: func @decode
  // CHECK: %[[KEYS:.+]] = memref.dim
  // CHECK: arith.cmpi sge, %[[KEYS]], %c1024
  // CHECK: scf.if %{{.+}} {
  // CHECK: #attn.schedule<tile_m = 4, tile_n = 8, workers = 64, threads = 512>
  // CHECK: } else {
  // CHECK: #attn.schedule<tile_m = 1, tile_n = 32>
  // GIVEN-LABEL: func @decode
  // GIVEN-NOT: scf.if
  func.func @decode(%q: memref<2x32x1x128xf16>, %k: memref<2x8x?x128xf16>, %o: memref<2x32x1x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<2x32x1x128xf16>, memref<2x8x?x128xf16>, memref<2x8x?x128xf16>) outs(%o : memref<2x32x1x128xf16>)
    return
  }

  // CHECK-LABEL: func @any
  // CHECK: scf.if
  // CHECK: #attn.schedule<tile_m = 4, tile_n = 8, workers = 64, threads = 512>
  // CHECK: scf.if
  // CHECK: #attn.schedule<tile_m = 8, tile_n = 8, workers = 64, threads = 512>
  // CHECK: scf.if
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 32, workers = 512>
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 32>
  func.func @any(%q: memref<?x?x?x128xf16>, %k: memref<?x?x?x128xf16>, %o: memref<?x?x?x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<?x?x?x128xf16>, memref<?x?x?x128xf16>, memref<?x?x?x128xf16>) outs(%o : memref<?x?x?x128xf16>)
    return
  }

  // Many rows are not few.
  // CHECK-LABEL: func @long
  // CHECK-NOT: workers
  // CHECK: return
  func.func @long(%q: memref<2x32x64x128xf16>, %k: memref<2x8x?x128xf16>, %o: memref<2x32x64x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<2x32x64x128xf16>, memref<2x8x?x128xf16>, memref<2x8x?x128xf16>) outs(%o : memref<2x32x64x128xf16>)
    return
  }

  // Packed sequences of a few queries each.
  // CHECK-LABEL: func @ragged
  // CHECK: scf.if
  // CHECK: #attn.schedule<tile_m = 8, tile_n = 32>
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 32>
  func.func @ragged(%q: memref<8x?x64xf16>, %k: memref<8x?x64xf16>, %o: memref<8x?x64xf16>, %c: memref<?xi32>) {
    attn.attention ins(%q, %k, %k : memref<8x?x64xf16>, memref<8x?x64xf16>, memref<8x?x64xf16>) cu_seqlens(%c, %c : memref<?xi32>, memref<?xi32>) outs(%o : memref<8x?x64xf16>)
    return
  }
}

// -----

// Without shuffles between enough lanes, tiles hold the rows.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "x", threads = 1024, subgroup = 4, workers = 512>} {
  // CHECK-LABEL: func @quads
  // CHECK-NOT: tile_m = 8
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 32, workers = 512>
  func.func @quads(%q: memref<?x?x?x128xf16>, %k: memref<?x?x?x128xf16>, %o: memref<?x?x?x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<?x?x?x128xf16>, memref<?x?x?x128xf16>, memref<?x?x?x128xf16>) outs(%o : memref<?x?x?x128xf16>)
    return
  }
}

// -----

// Where f16 takes a word of workgroup memory, a large head leaves room for fewer
// keys, whether they are split or not; none is as large as tiles are elsewhere.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "x", threads = 1024, subgroup = 8, shared_bytes = 32768, static_shared_bytes = 32768, workers = 512, lacks = "small_int">} {
  // CHECK-LABEL: func @words
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 16, workers = 512>
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 16>, attn.schedule_reason = "lanes share rows
  func.func @words(%q: memref<?x?x?x128xf16>, %k: memref<?x?x?x128xf16>, %o: memref<?x?x?x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<?x?x?x128xf16>, memref<?x?x?x128xf16>, memref<?x?x?x128xf16>) outs(%o : memref<?x?x?x128xf16>)
    return
  }

  // CHECK-LABEL: func @small_head
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 32, workers = 512>
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 32>
  func.func @small_head(%q: memref<?x?x?x64xf16>, %k: memref<?x?x?x64xf16>, %o: memref<?x?x?x64xf16>) {
    attn.attention ins(%q, %k, %k : memref<?x?x?x64xf16>, memref<?x?x?x64xf16>, memref<?x?x?x64xf16>) outs(%o : memref<?x?x?x64xf16>)
    return
  }
}

// -----

// As many queries and keys as a workgroup's memory has room for, where threads
// exchange in it, too; a larger head leaves less.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "x", threads = 256, subgroup = 1, shared_bytes = 16384, static_shared_bytes = 16384>} {
  // CHECK-LABEL: func @small
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 16>, attn.schedule_reason = "lanes share rows
  func.func @small(%q: memref<1x8x64x64xf32>, %k: memref<1x8x?x64xf32>, %o: memref<1x8x64x64xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x8x64x64xf32>, memref<1x8x?x64xf32>, memref<1x8x?x64xf32>) outs(%o : memref<1x8x64x64xf32>)
    return
  }

  // CHECK-LABEL: func @large
  // CHECK: #attn.schedule<tile_m = 16, tile_n = 8>
  func.func @large(%q: memref<1x8x64x128xf32>, %k: memref<1x8x?x128xf32>, %o: memref<1x8x64x128xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x8x64x128xf32>, memref<1x8x?x128xf32>, memref<1x8x?x128xf32>) outs(%o : memref<1x8x64x128xf32>)
    return
  }
}

// -----

// Queries that stay in memory leave room for several workgroups side by side; a
// stride that is no multiple of a vector has them in workgroup memory. What is
// converted when it is read serves more rows of a thread. More than
// eight packed rows split their keys, too; of fewer, as many subgroups share the
// keys as a workgroup has threads for.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "x", threads = 512, subgroup = 32, shared_bytes = 32768, static_shared_bytes = 32768, workers = 1024, lacks = "small_storage">} {
  // CHECK-LABEL: func @narrow
  // CHECK: #attn.schedule<tile_m = 64, tile_n = 32>
  func.func @narrow(%q: memref<1x8x640x64xf32>, %k: memref<1x8x640x64xf32>, %o: memref<1x8x640x64xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x8x640x64xf32>, memref<1x8x640x64xf32>, memref<1x8x640x64xf32>) outs(%o : memref<1x8x640x64xf32>)
    return
  }

  // CHECK-LABEL: func @wide
  // CHECK: #attn.schedule<tile_m = 64, tile_n = 32>
  func.func @wide(%q: memref<1x8x640x128xf32>, %k: memref<1x8x640x128xf32>, %o: memref<1x8x640x128xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x8x640x128xf32>, memref<1x8x640x128xf32>, memref<1x8x640x128xf32>) outs(%o : memref<1x8x640x128xf32>)
    return
  }

  // CHECK-LABEL: func @halves
  // CHECK: attn.schedule = #attn.schedule<tile_m = 128, tile_n = 32, threads = 128>, attn.schedule_reason = "lanes share rows; queries, keys and values of this many take 17664 bytes
  func.func @halves(%q: memref<1x8x?x128xf16>, %k: memref<1x8x?x128xf16>, %o: memref<1x8x?x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<1x8x?x128xf16>, memref<1x8x?x128xf16>, memref<1x8x?x128xf16>) outs(%o : memref<1x8x?x128xf16>)
    return
  }

  // Masks that end rows leave long runs of keys; others leave more out where tiles
  // have fewer rows.
  // CHECK-LABEL: func @causal_halves
  // CHECK: #attn.schedule<tile_m = 128, tile_n = 32, threads = 128>
  func.func @causal_halves(%q: memref<1x8x640x64xf16>, %k: memref<1x8x640x64xf16>, %o: memref<1x8x640x64xf16>) {
    attn.attention ins(%q, %k, %k : memref<1x8x640x64xf16>, memref<1x8x640x64xf16>, memref<1x8x640x64xf16>) outs(%o : memref<1x8x640x64xf16>)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %attends = arith.cmpi sle, %j, %i : index
      attn.yield %attends : i1
    }
    return
  }

  // CHECK-LABEL: func @window_halves
  // CHECK: #attn.schedule<tile_m = 64, tile_n = 32>
  func.func @window_halves(%q: memref<1x8x640x64xf16>, %k: memref<1x8x640x64xf16>, %o: memref<1x8x640x64xf16>) {
    attn.attention ins(%q, %k, %k : memref<1x8x640x64xf16>, memref<1x8x640x64xf16>, memref<1x8x640x64xf16>) outs(%o : memref<1x8x640x64xf16>)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %c99 = arith.constant 99 : index
      %distance = arith.subi %i, %j : index
      %before = arith.cmpi sle, %j, %i : index
      %near = arith.cmpi sle, %distance, %c99 : index
      %attends = arith.andi %before, %near : i1
      attn.yield %attends : i1
    }
    return
  }

  // Fewer rows, and outputs that registers do not hold.
  // CHECK-LABEL: func @short
  // CHECK: #attn.schedule<tile_m = 64, tile_n = 32>
  func.func @short(%q: memref<1x8x127x64xf16>, %k: memref<1x8x640x64xf16>, %o: memref<1x8x127x64xf16>) {
    attn.attention ins(%q, %k, %k : memref<1x8x127x64xf16>, memref<1x8x640x64xf16>, memref<1x8x640x64xf16>) outs(%o : memref<1x8x127x64xf16>)
    return
  }

  // CHECK-LABEL: func @broad
  // CHECK: #attn.schedule<tile_m = 64, tile_n = 32>
  func.func @broad(%q: memref<1x8x640x160xf16>, %k: memref<1x8x640x160xf16>, %o: memref<1x8x640x160xf16>) {
    attn.attention ins(%q, %k, %k : memref<1x8x640x160xf16>, memref<1x8x640x160xf16>, memref<1x8x640x160xf16>) outs(%o : memref<1x8x640x160xf16>)
    return
  }

  // CHECK-LABEL: func @odd
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 16>
  func.func @odd(%q: memref<1x8x640x128xf32, strided<[?, ?, 129, 1]>>, %k: memref<1x8x640x128xf32>, %o: memref<1x8x640x128xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x8x640x128xf32, strided<[?, ?, 129, 1]>>, memref<1x8x640x128xf32>, memref<1x8x640x128xf32>) outs(%o : memref<1x8x640x128xf32>)
    return
  }

  // CHECK-LABEL: func @decode_f16
  // CHECK: #attn.schedule<tile_m = 4, tile_n = 8, workers = 128, threads = 512>
  func.func @decode_f16(%q: memref<1x32x1x128xf16>, %k: memref<1x8x8192x128xf16>, %o: memref<1x32x1x128xf16>) {
    attn.attention ins(%q, %k, %k : memref<1x32x1x128xf16>, memref<1x8x8192x128xf16>, memref<1x8x8192x128xf16>) outs(%o : memref<1x32x1x128xf16>)
    return
  }

  // CHECK-LABEL: func @decode_f32
  // CHECK: #attn.schedule<tile_m = 4, tile_n = 8, workers = 256, threads = 256>
  func.func @decode_f32(%q: memref<1x32x1x128xf32>, %k: memref<1x8x8192x128xf32>, %o: memref<1x32x1x128xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x32x1x128xf32>, memref<1x8x8192x128xf32>, memref<1x8x8192x128xf32>) outs(%o : memref<1x32x1x128xf32>)
    return
  }

  // CHECK-LABEL: func @verify
  // CHECK: #attn.schedule<tile_m = 32, tile_n = 16, workers = 256>
  func.func @verify(%q: memref<1x32x8x128xf32>, %k: memref<1x8x8192x128xf32>, %o: memref<1x32x8x128xf32>) {
    attn.attention ins(%q, %k, %k : memref<1x32x8x128xf32>, memref<1x8x8192x128xf32>, memref<1x8x8192x128xf32>) outs(%o : memref<1x32x8x128xf32>)
    return
  }
}
