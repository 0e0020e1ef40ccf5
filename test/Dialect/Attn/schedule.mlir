// The attribute attn.schedule: where it may stand and what it may say.
// RUN: attn-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK: attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96>
// CHECK: attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96, workers = 8>
// CHECK: attn.schedule = #attn.schedule<stages = 2, head_group = 4, warp_rows = 32, blocks = 2, threads = 64, longest_first = on, one_behind = off, ping_pong = on, persistent = off, deal_equal = on, tma_store = off, query_in_registers = on, split_loops = off, key_ends = on, share_columns = off, divide = on, scores_only = off, defer_sums = on, lazy_maxima = off, prefetch = on>
func.func @valid(%q: memref<1x1x64x64xf32>, %o: memref<1x1x64x64xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x64x64xf32>, memref<1x1x64x64xf32>, memref<1x1x64x64xf32>) outs(%o : memref<1x1x64x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96>}
  attn.attention ins(%q, %q, %q : memref<1x1x64x64xf32>, memref<1x1x64x64xf32>, memref<1x1x64x64xf32>) outs(%o : memref<1x1x64x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96, workers = 8>}
  attn.attention ins(%q, %q, %q : memref<1x1x64x64xf32>, memref<1x1x64x64xf32>, memref<1x1x64x64xf32>) outs(%o : memref<1x1x64x64xf32>)
      {attn.schedule = #attn.schedule<prefetch = on, lazy_maxima = off, defer_sums = on, scores_only = off, divide = on, share_columns = off, key_ends = on, split_loops = off, query_in_registers = on, tma_store = off, deal_equal = on, persistent = off, ping_pong = on, one_behind = off, longest_first = on, threads = 64, blocks = 2, warp_rows = 32, head_group = 4, stages = 2>}
  return
}

// -----

// expected-error @+1 {{attn.schedule is for attn.attention and its kernels only}}
func.func @place() attributes {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96>} {
  return
}

// -----

// expected-error @+1 {{schedule: tile sizes must be in 0 .. 65536, got -1 x 96}}
func.func private @tiles() attributes {x = #attn.schedule<tile_m = -1, tile_n = 96>}

// -----

// expected-error @+1 {{schedule: tile sizes must be in 0 .. 65536, got 64 x 9223372036854775807}}
func.func private @huge() attributes {x = #attn.schedule<tile_m = 64, tile_n = 9223372036854775807>}

// -----

// expected-error @+1 {{schedule: workers must be in 0 .. 65536, got -1}}
func.func private @workers() attributes {x = #attn.schedule<tile_m = 64, tile_n = 96, workers = -1>}

// -----

func.func @type(%q: memref<1x1x64x64xf32>, %o: memref<1x1x64x64xf32>) {
  // expected-error @+1 {{attn.schedule must be an #attn.schedule}}
  attn.attention ins(%q, %q, %q : memref<1x1x64x64xf32>, memref<1x1x64x64xf32>, memref<1x1x64x64xf32>) outs(%o : memref<1x1x64x64xf32>) {attn.schedule = 64 : index}
  return
}

// -----

func.func @ragged(%q: memref<2x?x64xf32>, %c: memref<3xi32>, %o: memref<2x?x64xf32>) {
  // expected-error @+1 {{schedule: the keys of ragged sequences cannot be split (rule 11)}}
  attn.attention ins(%q, %q, %q : memref<2x?x64xf32>, memref<2x?x64xf32>, memref<2x?x64xf32>) cu_seqlens(%c, %c : memref<3xi32>, memref<3xi32>) outs(%o : memref<2x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96, workers = 8>}
  return
}

// -----

// expected-error @+1 {{schedule: stages must be in 0 .. 1024, got -1}}
func.func private @stages() attributes {x = #attn.schedule<stages = -1>}

// -----

// expected-error @+1 {{schedule: threads must be in 0 .. 1024, got 2000}}
func.func private @threads() attributes {x = #attn.schedule<threads = 2000>}

// -----

// expected-error @+1 {{schedule: unknown knob 'stride'; there are tile_m, tile_n, workers, }}
func.func private @unknown() attributes {x = #attn.schedule<stages = 2, stride = 1>}

// -----

// expected-error @+1 {{schedule: stages is given twice}}
func.func private @twice() attributes {x = #attn.schedule<stages = 2, stages = 2>}

// -----

// expected-error @+1 {{schedule: prefetch is chosen, off or on, not maybe}}
func.func private @word() attributes {x = #attn.schedule<prefetch = maybe>}
