// The examples in the descriptions of TileOps.td, which are lines of this file
// (test/Docs/examples.test).
// RUN: attn-opt %s --verify-roundtrip

func.func @load(%mem: memref<?x?x?x64xf32>, %b: index, %h: index, %r: index, %c0: index, %rows: index, %cols: index) {
  %k = tile.load %mem[%b, %h, %r, %c0] valid [%rows, %cols]
      : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
  return
}

func.func @paged(%pool: memref<?x8x16x64xf32>, %table: memref<?x?xi32>, %b: index, %h: index, %r: index, %c0: index, %rows: index, %cols: index) {
  %k = tile.load %pool[%h, %r, %c0] valid [%rows, %cols] paged %table[%b]
      : memref<?x8x16x64xf32>, memref<?x?xi32> -> !tile.tile<128x64xf32>
  return
}

func.func @packed(%mem: memref<?x?x?x64xf32>, %b: index, %h: index, %r: index, %c0: index, %rows: index, %cols: index, %g: index) {
  %q = tile.load %mem[%b, %h, %r, %c0] valid [%rows, %cols] packed %g
      : memref<?x?x?x64xf32> -> !tile.tile<64x64xf32>
  return
}

func.func @where(%mem: memref<?x?x?x64xf32>, %b: index, %h: index, %r: index, %c0: index, %rows: index, %cols: index, %mixed: i1, %first: index) {
  %v = tile.load %mem[%b, %h, %r, %c0] valid [%rows, %cols] where %mixed {
  ^bb0(%row: index):
    %key = arith.addi %r, %row : index
    %keep = arith.cmpi sge, %key, %first : index
    tile.yield %keep : i1
  } : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
  return
}

func.func @prefetched(%mem: memref<?x64xf16>, %r: index, %c0: index, %rows: index, %cols: index) {
  %p = tile.load %mem[%r, %c0] valid [%rows, %cols]
      : memref<?x64xf16> -> !tile.tile<64x64xf16, #tile.pieces<elements = 8, threads = 256>>
  %k = tile.load %mem[%r, %c0] valid [%rows, %cols]
      prefetched(%p : !tile.tile<64x64xf16, #tile.pieces<elements = 8, threads = 256>>)
      : memref<?x64xf16> -> !tile.tile<64x64xf16, #tile.shared<padding = 8>>
  return
}

func.func @store(%o: !tile.tile<64x64xf32>, %mem: memref<?x?x?x64xf32>, %b: index, %h: index, %r: index, %c0: index, %rows: index, %cols: index) {
  tile.store %o, %mem[%b, %h, %r, %c0] valid [%rows, %cols]
      : !tile.tile<64x64xf32>, memref<?x?x?x64xf32>
  return
}

func.func @splat(%c0: f32) {
  %zero = tile.splat %c0 : f32 -> !tile.tile<64x64xf32>
  return
}

func.func @dot(%q: !tile.tile<64x64xf32>, %k: !tile.tile<128x64xf32>, %zero: !tile.tile<64x128xf32>) {
  %s = tile.dot %q, %k, %zero {transpose_b}
      : !tile.tile<64x64xf32>, !tile.tile<128x64xf32> -> !tile.tile<64x128xf32>
  return
}

func.func @map(%s: !tile.tile<64x128xf32>, %m: !tile.tile<64xf32>, %i0: index, %j0: index) {
  %p = tile.map (%s, %m) at [%i0, %j0]
      : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
  ^bb0(%x: f32, %max: f32, %i: index, %j: index):
    %d = arith.subf %x, %max : f32
    %e = math.exp2 %d : f32
    tile.yield %e : f32
  }
  return
}

func.func @reduce(%s: !tile.tile<64x128xf32>, %m0: !tile.tile<64xf32>) {
  %m1 = tile.reduce max %s, %m0 : !tile.tile<64x128xf32> -> !tile.tile<64xf32>
  return
}

func.func @convert(%p: !tile.tile<64x128xf32>) {
  %p16 = tile.convert %p : !tile.tile<64x128xf32> -> !tile.tile<64x128xbf16>
  return
}

func.func @ranges(%b0: index, %e0: index, %fb0: index, %fe0: index, %b1: index, %e1: index, %fb1: index, %fe1: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %false = arith.constant false
  %v = tile.ranges [%b0, %e0, %fb0, %fe0], [%b1, %e1, %fb1, %fe1] : !tile.ranges
  %w = tile.ranges [%b0, %e0, %fb0, %fe0] where {
  ^bb0(%c: index):
    %odd = arith.remui %c, %c2 : index
    %visit = arith.cmpi eq, %odd, %c0 : index
    tile.yield %visit, %false : i1, i1
  } : !tile.ranges
  %n = tile.range_count %v : index
  %c, %full = tile.range_at %v[%n] : index, i1
  return
}

func.func @check(%same: i1, %bk: index, %bq: index) {
  tile.check %same, "rule 1: B of key must be B of query" ["B of key" = %bk, "B of query" = %bq]
  return
}

func.func private @f_kernel0(memref<f32>, memref<f32>, index, index, index, index, index, index) attributes {tile.kernel}
func.func @launch(%q: memref<?xf32>, %o: memref<?xf32>, %nb: index, %nh: index, %nt: index, %f: index, %s: index) {
  tile.launch @f_kernel0 grid [%nb, %nh, %nt] (%q, %o) writes [1] : memref<?xf32>, memref<?xf32>
  tile.estimate flops %f scores %s
  return
}

func.func @relayout(%p: !tile.tile<8x8xf32, #tile.layout<lane = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>) {
  %b = tile.relayout %p : !tile.tile<8x8xf32, #tile.layout<lane = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
      -> !tile.tile<8x8xf32, #tile.shared<padding = 4>>
  return
}

func.func @reduce_to_columns(%p: !tile.tile<64x128xf32>, %l0: !tile.tile<64x16xf32>) {
  %l1 = tile.reduce sum %p, %l0 : !tile.tile<64x128xf32> -> !tile.tile<64x16xf32>
  return
}

func.func @subgroup(%m: !tile.tile<4xf32>) {
  %number, %count = tile.subgroup
  %max = tile.combine max %m : !tile.tile<4xf32> -> !tile.tile<4xf32>
  return
}

func.func @arrive(%counters: memref<?xi32>, %group: index, %count: index) {
  %last = tile.arrive %counters[%group] of %count : memref<?xi32>
  return
}

func.func @any_above(%s: !tile.tile<64x16xf32>, %limit: !tile.tile<64xf32>) {
  %outgrown = tile.any_above %s, %limit : !tile.tile<64x16xf32>, !tile.tile<64xf32>
  return
}

func.func @subgroups() {
  tile.subgroup_barrier
  return
}

func.func @aligned(%mem: memref<?x64xf16, strided<[?, 1]>>) -> i1 {
  %usable = tile.aligned %mem : memref<?x64xf16, strided<[?, 1]>>
  return %usable : i1
}
