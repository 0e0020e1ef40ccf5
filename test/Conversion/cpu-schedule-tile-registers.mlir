// cpu-schedule with tile registers: query tiles that pay for packing, key tiles
// by what a strip of rows stores and reads for one.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4-amx},func.func(cpu-schedule))' | FileCheck %s
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(cpu-schedule))' | FileCheck %s --check-prefix=NONE --implicit-check-not='tile_m = 256'
// NONE: tile_m = 64

// CHECK-LABEL: func @d64
// CHECK:       #attn.schedule<tile_m = 256, tile_n = 64>
// CHECK-SAME:  products are computed in tile registers
func.func @d64(%q: memref<1x8x512x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x512x64xbf16>)
  return
}

// -----

// Sums of larger heads are in memory, with weights of several key tiles: scores
// leave room for them.
// CHECK-LABEL: func @d128
// CHECK:       #attn.schedule<tile_m = 256, tile_n = 64>
func.func @d128(%q: memref<1x8x512x128xbf16>, %k: memref<1x8x512x128xbf16>, %v: memref<1x8x512x128xbf16>, %o: memref<1x8x512x128xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x512x128xbf16>, memref<1x8x512x128xbf16>, memref<1x8x512x128xbf16>) outs(%o : memref<1x8x512x128xbf16>)
  return
}

// -----

// Without a mask, packing is shared by more rows where that leaves enough tiles
// for threads.
// CHECK-LABEL: func @long
// CHECK:       #attn.schedule<tile_m = 512, tile_n = 64>
// CHECK-SAME:  enough for threads
func.func @long(%q: memref<1x8x1024x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x1024x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x1024x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x1024x64xbf16>)
  return
}

// -----

// Twice as many have more rows still.
// CHECK-LABEL: func @longer
// CHECK:       #attn.schedule<tile_m = 1024, tile_n = 64>
func.func @longer(%q: memref<1x8x2048x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x2048x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x2048x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x2048x64xbf16>)
  return
}

// -----

// Strips end with the keys of their rows. Of more rows, the first would pack
// what only the last attend.
// CHECK-LABEL: func @long_causal
// CHECK:       #attn.schedule<tile_m = 512, tile_n = 64>
func.func @long_causal(%q: memref<1x8x2048x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x2048x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x2048x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x2048x64xbf16>)
  mask(%b: index, %h: index, %i: index, %j: index) {
    %kv = attn.kv_len : index
    %q_len = attn.q_len : index
    %more = arith.subi %kv, %q_len : index
    %end = arith.addi %i, %more : index
    %keep = arith.cmpi sle, %j, %end : index
    attn.yield %keep : i1
  }
  return
}

// -----

// So they do however the end is written, with several of them the first.
// CHECK-LABEL: func @long_ends
// CHECK:       #attn.schedule<tile_m = 512, tile_n = 64>
func.func @long_ends(%q: memref<1x8x1024x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x1024x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x1024x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x1024x64xbf16>)
  mask(%b: index, %h: index, %i: index, %j: index) {
    %more = attn.q_len : index
    %end = arith.addi %more, %i : index
    %before = arith.cmpi sgt, %end, %j : index
    %causal = arith.cmpi sle, %j, %i : index
    %keep = arith.andi %before, %causal : i1
    attn.yield %keep : i1
  }
  return
}

// -----

// The edge of another mask is in all of the rows.
// CHECK-LABEL: func @long_masked
// CHECK:       #attn.schedule<tile_m = 256, tile_n = 64>
func.func @long_masked(%q: memref<1x8x1024x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x1024x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x1024x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x1024x64xbf16>)
  mask(%b: index, %h: index, %i: index, %j: index) {
    %keep = arith.cmpi sge, %j, %i : index
    attn.yield %keep : i1
  }
  return
}

// -----

// Where sizes are not known, larger tiles are versions; their conditions have
// the tiles that there are.
// CHECK-LABEL: func @dynamic
// CHECK:       [[MOST:%.+]] = arith.constant 513 : index
// CHECK:       arith.cmpi sge, %{{.*}}, [[MOST]]
// CHECK:       [[ENOUGH_OF_MOST:%.+]] = arith.constant 16384 : index
// CHECK:       arith.cmpi sge, %{{.*}}, [[ENOUGH_OF_MOST]]
// CHECK:       scf.if
// CHECK:       #attn.schedule<tile_m = 1024, tile_n = 64>
// CHECK:       else
// CHECK:       [[MORE:%.+]] = arith.constant 257 : index
// CHECK:       arith.cmpi sge, %{{.*}}, [[MORE]]
// CHECK:       [[ENOUGH:%.+]] = arith.constant 8192 : index
// CHECK:       arith.cmpi sge, %{{.*}}, [[ENOUGH]]
// CHECK:       scf.if
// CHECK:       #attn.schedule<tile_m = 512, tile_n = 64>
// CHECK:       else
// CHECK:       #attn.schedule<tile_m = 256, tile_n = 64>
func.func @dynamic(%q: memref<?x?x?x64xbf16>, %k: memref<?x?x?x64xbf16>, %v: memref<?x?x?x64xbf16>, %o: memref<?x?x?x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<?x?x?x64xbf16>, memref<?x?x?x64xbf16>, memref<?x?x?x64xbf16>) outs(%o : memref<?x?x?x64xbf16>)
  return
}

// -----

// Few queries are bound by what they read: 64 keys take 8 of the 48 KiB of L1.
// CHECK-LABEL: func @decode
// CHECK:       #attn.schedule<tile_m = 1, tile_n = 64, workers = 128>
func.func @decode(%q: memref<1x8x1x64xbf16>, %k: memref<1x8x512x64xbf16>, %v: memref<1x8x512x64xbf16>, %o: memref<1x8x1x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x1x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>) outs(%o : memref<1x8x1x64xbf16>)
  return
}

// -----

// Other types have the tiles that vectors want.
// CHECK-LABEL: func @f32
// CHECK:       tile_m = 64
func.func @f32(%q: memref<1x8x512x64xf32>, %k: memref<1x8x512x64xf32>, %v: memref<1x8x512x64xf32>, %o: memref<1x8x512x64xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x8x512x64xf32>, memref<1x8x512x64xf32>, memref<1x8x512x64xf32>) outs(%o : memref<1x8x512x64xf32>)
  return
}
