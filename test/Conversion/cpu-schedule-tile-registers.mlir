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

// Sums of larger heads are in memory: the more keys, the less often they are
// read.
// CHECK-LABEL: func @d128
// CHECK:       #attn.schedule<tile_m = 256, tile_n = 256>
func.func @d128(%q: memref<1x8x512x128xbf16>, %k: memref<1x8x512x128xbf16>, %v: memref<1x8x512x128xbf16>, %o: memref<1x8x512x128xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x8x512x128xbf16>, memref<1x8x512x128xbf16>, memref<1x8x512x128xbf16>) outs(%o : memref<1x8x512x128xbf16>)
  return
}

// -----

// Few queries are bound by what they read.
// CHECK-LABEL: func @decode
// CHECK:       #attn.schedule<tile_m = 1, tile_n = 128, workers = 64>
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
