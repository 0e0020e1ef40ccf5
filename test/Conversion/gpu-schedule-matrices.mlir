// gpu-schedule with matrix units: the most rows and keys that 256 registers and
// a workgroup's memory hold, by the size of heads; few queries take no more rows
// than fragments have; other elements have no units.
// RUN: attn-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(gpu-schedule))' | FileCheck %s

module attributes {tile.target = #tile.target<name = "vulkan", chip = "vulkan-matrix", threads = 1024, subgroup = 32, shared_bytes = 49152, static_shared_bytes = 49152, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
// CHECK-LABEL: func @d128
// CHECK: attn.schedule = #attn.schedule<tile_m = 128, tile_n = 64>, attn.schedule_reason = "rows and keys in matrix fragments
func.func @d128(%t: memref<?x8x?x128xf16>, %o: memref<?x8x?x128xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x128xf16>, memref<?x8x?x128xf16>, memref<?x8x?x128xf16>) outs(%o : memref<?x8x?x128xf16>)
  return
}

// Fewer rows than half of the threads have take all of them.
// CHECK-LABEL: func @short
// CHECK: #attn.schedule<tile_m = 64, tile_n = 64>
func.func @short(%t: memref<2x8x60x64xf16>, %o: memref<2x8x60x64xf16>) {
  attn.attention ins(%t, %t, %t : memref<2x8x60x64xf16>, memref<2x8x60x64xf16>, memref<2x8x60x64xf16>) outs(%o : memref<2x8x60x64xf16>)
  return
}

// Queries stay in workgroup memory.
// CHECK-LABEL: func @d256
// CHECK: #attn.schedule<tile_m = 64, tile_n = 16>
func.func @d256(%t: memref<?x8x?x256xf16>, %o: memref<?x8x?x256xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x256xf16>, memref<?x8x?x256xf16>, memref<?x8x?x256xf16>) outs(%o : memref<?x8x?x256xf16>)
  return
}

// CHECK-LABEL: func @few
// CHECK: #attn.schedule<tile_m = 16, tile_n = 64>
func.func @few(%q: memref<2x8x5x72xf16>, %k: memref<2x8x70x72xf16>, %o: memref<2x8x5x72xf16>) {
  attn.attention ins(%q, %k, %k : memref<2x8x5x72xf16>, memref<2x8x70x72xf16>, memref<2x8x70x72xf16>) outs(%o : memref<2x8x5x72xf16>)
  return
}

// Without queries, as many as a matrix has.
// CHECK-LABEL: func @none
// CHECK: #attn.schedule<tile_m = 16, tile_n = 64>
func.func @none(%q: memref<2x8x0x72xf16>, %k: memref<2x8x70x72xf16>, %o: memref<2x8x0x72xf16>) {
  attn.attention ins(%q, %k, %k : memref<2x8x0x72xf16>, memref<2x8x70x72xf16>, memref<2x8x70x72xf16>) outs(%o : memref<2x8x0x72xf16>)
  return
}

// CHECK-LABEL: func @f32
// CHECK: #attn.schedule<tile_m = 32, tile_n = 32>
func.func @f32(%t: memref<?x8x?x64xf32>, %o: memref<?x8x?x64xf32>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x64xf32>, memref<?x8x?x64xf32>, memref<?x8x?x64xf32>) outs(%o : memref<?x8x?x64xf32>)
  return
}
}

// -----

// Partial results of split keys leave as floats beside keys and values: of long
// rows a workgroup has room for fewer.
module attributes {tile.target = #tile.target<name = "metal", chip = "metal3.1", threads = 1024, subgroup = 32, shared_bytes = 32768, static_shared_bytes = 32768, workers = 512, matrix = cooperative, features = ["matrix-element-map"], matrix_shape = [8, 8, 8]>} {
  // CHECK-LABEL: func @split
  // CHECK: #attn.schedule<tile_m = 8, tile_n = 8, workers = 64, threads = 512>
  // CHECK: #attn.schedule<tile_m = 16, tile_n = 16, workers = 128>
  func.func @split(%t: memref<?x8x?x128xf16>, %o: memref<?x8x?x128xf16>) {
    attn.attention ins(%t, %t, %t : memref<?x8x?x128xf16>, memref<?x8x?x128xf16>, memref<?x8x?x128xf16>) outs(%o : memref<?x8x?x128xf16>)
    return
  }
}

// -----

// Where keys are split, parts of outputs are f32 and take memory of their own:
// fewer rows and keys fit; so do the outputs of an op in f32.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "vulkan-matrix", threads = 1024, subgroup = 32, shared_bytes = 49152, static_shared_bytes = 49152, workers = 512, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
// CHECK-LABEL: func @parts
// CHECK: #attn.schedule<tile_m = 8, tile_n = 8, workers = 64, threads = 512>
// CHECK: #attn.schedule<tile_m = 16, tile_n = 16, workers = 128>
// CHECK: #attn.schedule<tile_m = 64, tile_n = 16>
func.func @parts(%t: memref<?x?x?x256xf16>, %o: memref<?x?x?x256xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x?x?x256xf16>, memref<?x?x?x256xf16>, memref<?x?x?x256xf16>) outs(%o : memref<?x?x?x256xf16>)
  return
}

// Half as many keys are read ahead.
// CHECK-LABEL: func @small
// CHECK: #attn.schedule<tile_m = 32, tile_n = 16, workers = 128>
func.func @small(%t: memref<?x?x?x128xf16>, %o: memref<?x?x?x128xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x?x?x128xf16>, memref<?x?x?x128xf16>, memref<?x?x?x128xf16>) outs(%o : memref<?x?x?x128xf16>)
  return
}

// CHECK-LABEL: func @floats
// CHECK: #attn.schedule<tile_m = 32, tile_n = 64>, attn.schedule_reason = "rows and keys in matrix fragments
func.func @floats(%t: memref<2x8x900x128xf16>, %o: memref<2x8x900x128xf32>) {
  attn.attention ins(%t, %t, %t : memref<2x8x900x128xf16>, memref<2x8x900x128xf16>, memref<2x8x900x128xf16>) outs(%o : memref<2x8x900x128xf32>)
  return
}
}

// -----

// Few columns leave room for two fragments of rows in each of half the threads.
module attributes {tile.target = #tile.target<name = "vulkan", chip = "vulkan-matrix-map", threads = 1024, subgroup = 32, shared_bytes = 49152, static_shared_bytes = 49152, matrix = cooperative, features = ["matrix-element-map"], matrix_shape = [16, 16, 16]>} {
// CHECK-LABEL: func @d64
// CHECK: #attn.schedule<tile_m = 128, tile_n = 32, threads = 128>
func.func @d64(%t: memref<?x8x?x64xf16>, %o: memref<?x8x?x64xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x64xf16>, memref<?x8x?x64xf16>, memref<?x8x?x64xf16>) outs(%o : memref<?x8x?x64xf16>)
  return
}
}

// -----

// Lanes that cannot look into matrices have registers beside them: fewer rows and
// keys.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu-matrix", threads = 256, subgroup = 32, shared_bytes = 32768, static_shared_bytes = 32768, matrix = cooperative, features = ["matrix-opaque"], matrix_shape = [16, 16, 16], lacks = "int64|small_int|small_storage|infinity">} {
// CHECK-LABEL: func @d64
// CHECK: attn.schedule = #attn.schedule<tile_m = 64, tile_n = 32>, attn.schedule_reason = "rows and keys in matrix fragments
func.func @d64(%t: memref<?x8x?x64xf16>, %o: memref<?x8x?x64xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x64xf16>, memref<?x8x?x64xf16>, memref<?x8x?x64xf16>) outs(%o : memref<?x8x?x64xf16>)
  return
}

// CHECK-LABEL: func @d128
// CHECK: #attn.schedule<tile_m = 64, tile_n = 16>
func.func @d128(%t: memref<?x8x?x128xf16>, %o: memref<?x8x?x128xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x128xf16>, memref<?x8x?x128xf16>, memref<?x8x?x128xf16>) outs(%o : memref<?x8x?x128xf16>)
  return
}

// CHECK-LABEL: func @d256
// CHECK: #attn.schedule<tile_m = 32, tile_n = 16>
func.func @d256(%t: memref<?x8x?x256xf16>, %o: memref<?x8x?x256xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x256xf16>, memref<?x8x?x256xf16>, memref<?x8x?x256xf16>) outs(%o : memref<?x8x?x256xf16>)
  return
}
}

// -----

// More memory has room for the queries of more rows on their way to registers, and
// for more keys: no other workgroup has registers beside.
module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu-matrix-48k", threads = 256, subgroup = 32, shared_bytes = 49152, static_shared_bytes = 49152, matrix = cooperative, features = ["matrix-opaque"], matrix_shape = [16, 16, 16], lacks = "int64|small_int|small_storage|infinity">} {
// CHECK-LABEL: func @d256
// CHECK: #attn.schedule<tile_m = 64, tile_n = 32>
func.func @d256(%t: memref<?x8x?x256xf16>, %o: memref<?x8x?x256xf16>) {
  attn.attention ins(%t, %t, %t : memref<?x8x?x256xf16>, memref<?x8x?x256xf16>, memref<?x8x?x256xf16>) outs(%o : memref<?x8x?x256xf16>)
  return
}
}
