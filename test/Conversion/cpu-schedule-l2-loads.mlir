// cpu-schedule keeps queries in L1 beside the scores where L1 holds both, unless
// a core reads them from L2 as fast.
// RUN: attn-opt %s -pass-pipeline="builtin.module(builtin.module(func.func(cpu-schedule)))" | FileCheck %s

// CHECK: #attn.schedule<tile_m = 64, tile_n = 96>
module attributes {tile.target = #tile.target<name = "cpu", chip = "c", vector_bits = 512, vector_registers = 32, l1_bytes = 49152, l2_bytes = 2097152, workers = 64>} {
  func.func @in_l1(%q: memref<1x8x512x64xf32>, %o: memref<1x8x512x64xf32>) {
    attn.attention ins(%q, %q, %q : memref<1x8x512x64xf32>, memref<1x8x512x64xf32>, memref<1x8x512x64xf32>) outs(%o : memref<1x8x512x64xf32>)
    return
  }
}

// -----

// CHECK: #attn.schedule<tile_m = 64, tile_n = 144>
module attributes {tile.target = #tile.target<name = "cpu", chip = "c", vector_bits = 512, vector_registers = 32, l1_bytes = 49152, l2_bytes = 2097152, workers = 64, fast = l2_loads>} {
  func.func @in_l2(%q: memref<1x8x512x64xf32>, %o: memref<1x8x512x64xf32>) {
    attn.attention ins(%q, %q, %q : memref<1x8x512x64xf32>, memref<1x8x512x64xf32>, memref<1x8x512x64xf32>) outs(%o : memref<1x8x512x64xf32>)
    return
  }
}

// -----

// Large heads leave room for few keys, each tile of which would pass through
// all sums.
// CHECK: #attn.schedule<tile_m = 64, tile_n = 144>
module attributes {tile.target = #tile.target<name = "cpu", chip = "c", vector_bits = 512, vector_registers = 32, l1_bytes = 49152, l2_bytes = 2097152, workers = 64>} {
  func.func @large(%q: memref<1x8x512x128xf32>, %o: memref<1x8x512x128xf32>) {
    attn.attention ins(%q, %q, %q : memref<1x8x512x128xf32>, memref<1x8x512x128xf32>, memref<1x8x512x128xf32>) outs(%o : memref<1x8x512x128xf32>)
    return
  }
}

// -----

// Copies of keys are in L1, too.
// CHECK: #attn.schedule<tile_m = 64, tile_n = 48>
module attributes {tile.target = #tile.target<name = "cpu", chip = "c", vector_bits = 512, vector_registers = 32, l1_bytes = 49152, l2_bytes = 2097152, workers = 64>} {
  func.func @copied(%q: memref<1x8x512x128xbf16>, %o: memref<1x8x512x128xbf16>) {
    attn.attention ins(%q, %q, %q : memref<1x8x512x128xbf16>, memref<1x8x512x128xbf16>, memref<1x8x512x128xbf16>) outs(%o : memref<1x8x512x128xbf16>)
    return
  }
}
