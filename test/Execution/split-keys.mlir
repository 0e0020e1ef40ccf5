// Keys split among blocks (split-KV): the combined parts are what one block
// computes, for packed heads, masks, sinks, pages and rows without keys.
// RUN: attn-run %s --entry=plain --backend=cpu --check=reference --random=B=1,Hq=6,Hkv=2,Sq=5,Skv=9000 | FileCheck %s
// RUN: attn-run %s --entry=plain --backend=cpu --check=reference --random=B=3,Hq=7,Hkv=7,Sq=1,Skv=333 | FileCheck %s
// RUN: attn-run %s --entry=plain --backend=cpu --check=reference --random=B=40,Hq=8,Hkv=8,Sq=1,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=plain --backend=cpu --check=reference --random=B=2,Hq=4,Hkv=1,Sq=2,Skv=0 | FileCheck %s
// RUN: attn-run %s --entry=plain --backend=cpu-standard --check=reference --random=B=1,Hq=6,Hkv=2,Sq=5,Skv=1000 | FileCheck %s
// RUN: attn-run %s --entry=sugar --backend=cpu --check=reference --random=B=2,Hq=8,Hkv=2,Sq=4,Skv=2000 | FileCheck %s
// RUN: attn-run %s --entry=by_head --backend=cpu --check=reference --random=B=1,Hq=4,Hkv=2,Sq=70,Skv=1500 | FileCheck %s
// RUN: attn-run %s --entry=pages --backend=cpu --check=reference --random=B=3,Hq=4,Hkv=2,Sq=3,pages=130 | FileCheck %s
// CHECK: output 0 {{.*}} matches the reference
// CHECK: output 1 {{.*}} matches the reference

// Packed rows that do not fit one tile are refused.
// RUN: not attn-run %s --entry=plain --backend=cpu --random=B=1,Hq=6,Hkv=2,Sq=50,Skv=900 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: schedule: the rows of the packed heads are more than a tile has (rows = 150, tile_m = 64)

func.func @plain(%q: memref<?x?x?x40xf32>, %k: memref<?x?x?x40xf32>, %v: memref<?x?x?x64xf32>, %o: memref<?x?x?x64xf32>, %lse: memref<?x?x?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x?x?x40xf32>, memref<?x?x?x40xf32>, memref<?x?x?x64xf32>)
      outs(%o, %lse : memref<?x?x?x64xf32>, memref<?x?x?xf32>)
      {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 32, workers = 132>}
  return
}

// Score terms that differ between the packed heads, bottom-right causal, a
// window that leaves some parts without keys, kv_len and a sink.
func.func @sugar(%q: memref<?x?x?x64xf32>, %k: memref<?x?x?x64xf32>, %v: memref<?x?x?x64xf32>, %o: memref<?x?x?x64xf32>, %lse: memref<?x?x?xf32>,
    %slopes: memref<?xf32> {attn.dims = ["Hq"]}, %n: memref<?xi32>, %sink: memref<?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x?x?x64xf32>, memref<?x?x?x64xf32>, memref<?x?x?x64xf32>)
      alibi(%slopes : memref<?xf32>) kv_len(%n : memref<?xi32>) sink(%sink : memref<?xf32>)
      outs(%o, %lse : memref<?x?x?x64xf32>, memref<?x?x?xf32>)
      {attn.schedule = #attn.schedule<tile_m = 32, tile_n = 32, workers = 100>, causal = #attn.causal<bottom_right>, window = #attn.window<left = 300>, softcap = 20.0 : f32}
  return
}

// A mask that depends on the head: heads are not packed, but keys are split,
// for two tiles of queries here.
func.func @by_head(%q: memref<?x?x?x64xbf16>, %k: memref<?x?x?x64xbf16>, %v: memref<?x?x?x64xbf16>, %o: memref<?x?x?x64xbf16>, %lse: memref<?x?x?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x?x?x64xbf16>, memref<?x?x?x64xbf16>, memref<?x?x?x64xbf16>)
      outs(%o, %lse : memref<?x?x?x64xbf16>, memref<?x?x?xf32>)
      {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 64, workers = 32>}
      mask(%b: index, %h: index, %i: index, %j: index) {
    %step = arith.constant 200 : index
    %begin = arith.muli %h, %step : index
    %keep = arith.cmpi sge, %j, %begin : index
    attn.yield %keep : i1
  }
  return
}

func.func @pages(%q: memref<?x?x?x64xf32>, %k: memref<?x?x16x64xf32>, %v: memref<?x?x16x64xf32>, %o: memref<?x?x?x64xf32>, %lse: memref<?x?x?xf32>,
    %table: memref<?x40xi32>, %n: memref<?xi32>) {
  attn.attention ins(%q, %k, %v : memref<?x?x?x64xf32>, memref<?x?x16x64xf32>, memref<?x?x16x64xf32>)
      kv_len(%n : memref<?xi32>) page_table(%table : memref<?x40xi32>)
      outs(%o, %lse : memref<?x?x?x64xf32>, memref<?x?x?xf32>)
      {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 32, workers = 50>, causal = #attn.causal<bottom_right>}
  return
}
