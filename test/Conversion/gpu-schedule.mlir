// gpu-schedule: one tile for all sizes, fewer rows where there are fewer, what
// was given otherwise.
// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(gpu-schedule))' | FileCheck %s
// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(gpu-schedule{tile-n=16}))' | FileCheck %s --check-prefix=GIVEN

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
