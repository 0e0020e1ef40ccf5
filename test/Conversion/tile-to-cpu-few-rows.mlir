// tile-to-cpu where rows do not fill vectors: keys and head elements lie on the
// lanes, keys and values are read where they are, in their own type, and what
// the next product reads is on its way to L1.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},attn-to-cpu{launches=true},cse)' | FileCheck %s --implicit-check-not=!tile.tile

// Four heads share a key head: each vector of a key is widened once and meets
// four queries; sixteen accumulators become a vector of scores.
// CHECK-LABEL: func.func private @decode_kernel0
// CHECK-NOT:   memref<32x128xf32>
// Even columns of the queries are parted from odd ones, as widening a key parts
// its columns.
// CHECK:       scf.for %{{.*}} = %c0 to %c128 step %c32 {
// CHECK-COUNT-8: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
// CHECK-NOT:   vector.shuffle
// The values of the same keys are on their way.
// CHECK:       scf.for %[[KEY:.*]] = %c0 to %{{.*}} step %c4 {
// CHECK-NOT:   arith.minsi
// CHECK:       memref.prefetch {{.*}} locality<3>
// CHECK:       scf.for {{.*}} iter_args({{(%[^,]*, ){15}%[^,]*}})
// CHECK:       %[[PAIRS:.*]] = vector.bitcast {{.*}} : vector<32xbf16> to vector<16xi32>
// CHECK-DAG:   arith.shli %[[PAIRS]]
// CHECK-DAG:   arith.andi %[[PAIRS]]
// CHECK-COUNT-3: vector.bitcast {{.*}} : vector<32xbf16> to vector<16xi32>
// CHECK-NOT:   arith.extf
// CHECK-COUNT-32: vector.fma {{.*}} : vector<16xf32>
// CHECK-NOT:   vector.fma
// CHECK:       scf.yield
// CHECK-COUNT-30: vector.shuffle
// CHECK-NOT:   vector.shuffle
// CHECK-COUNT-4: vector.store {{.*}} vector<4xf32>
// The maximum of a row is that of the lanes, in halves; those of the rows are
// put together in registers, and stored at once.
// CHECK:       vector.extract_strided_slice {{.*}} : vector<16xf32> to vector<8xf32>
// CHECK:       vector.extract_strided_slice {{.*}} : vector<2xf32> to vector<1xf32>
// CHECK-NOT:   memref.store
// CHECK:       %[[IS_ROW:.*]] = arith.cmpi eq, {{.*}} : vector<16xi32>
// CHECK:       %[[MAXIMA:.*]] = arith.select %[[IS_ROW]], {{.*}} : vector<16xi1>, vector<16xf32>
// CHECK:       scf.yield %[[MAXIMA]] : vector<16xf32>
// CHECK-NEXT:  }
// CHECK-NEXT:  vector.store {{.*}} vector<16xf32>
// While values are added, the keys of the next tile are on their way.
// CHECK-COUNT-8: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
// CHECK:       scf.for {{.*}} iter_args({{(%[^,]*, ){15}%[^,]*}})
// CHECK:       %[[AHEAD:.*]] = arith.addi {{.*}}, %c32 : index
// CHECK:       %[[NEXT:.*]] = arith.addi %{{.*}}, %[[AHEAD]] : index
// CHECK:       arith.minsi %[[NEXT]], %c4095
// CHECK:       memref.prefetch {{.*}} locality<3>
// CHECK:       scf.yield
// CHECK-COUNT-16: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
func.func @decode(%q: memref<1x32x1x128xbf16>, %k: memref<1x8x4096x128xbf16>, %v: memref<1x8x4096x128xbf16>, %o: memref<1x32x1x128xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x32x1x128xbf16>, memref<1x8x4096x128xbf16>, memref<1x8x4096x128xbf16>) outs(%o : memref<1x32x1x128xbf16>)
  return
}

// -----

// Rows of pages are looked up once a tile, and stay where they are.
// CHECK-LABEL: func.func private @paged_kernel0
// CHECK:       memref.alloca() {{.*}} : memref<[[KEYS:[0-9]+]]xi32>
// CHECK-NOT:   memref<[[KEYS]]x64xf16>
// CHECK:       memref.store {{.*}} : memref<[[KEYS]]xi32>
// CHECK:       memref.load {{.*}} : memref<[[KEYS]]xi32>
// CHECK:       vector.load {{.*}}, vector<16xf16>
func.func @paged(%q: memref<2x4x1x64xf16>, %k: memref<?x2x16x64xf16>, %v: memref<?x2x16x64xf16>, %t: memref<2x?xi32>, %n: memref<2xi32>, %o: memref<2x4x1x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<2x4x1x64xf16>, memref<?x2x16x64xf16>, memref<?x2x16x64xf16>) kv_len(%n : memref<2xi32>) page_table(%t : memref<2x?xi32>) outs(%o : memref<2x4x1x64xf16>)
  return
}

// -----

// Of a vector of rows, blocks of four are computed as far as queries reach, and
// no other rows have a maximum or weights.
// CHECK-LABEL: func.func private @rows_kernel0
// CHECK-SAME:  %[[SQ:[a-z0-9]*]]: index
// CHECK:       arith.divui %{{.*}}, %c4
// CHECK:       %[[END:.*]] = arith.minsi %{{.*}}, %c16
// CHECK:       %[[BLOCKS:.*]] = arith.minsi %[[END]], %c16
// CHECK:       scf.for %{{.*}} = %c0 to %[[BLOCKS]] step %c4
// CHECK:       scf.for %[[ROWS:.*]] = %c0 to %[[END]] step %c16
// CHECK:       %[[ROWS_END:.*]] = arith.minsi %{{.*}}, %[[END]]
// Maxima of sixteen rows: lanes are combined together, after all of the rows.
// CHECK-NEXT:  scf.for %[[ROW:.*]] = %[[ROWS]] to %[[ROWS_END]] step %c1 {
// CHECK:         vector.store {{.*}} : memref<16x16xf32>, vector<16xf32>
// CHECK:       vector.load {{.*}} : memref<16x16xf32>, vector<16xf32>
// CHECK-COUNT-30: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
func.func @rows(%q: memref<1x2x?x64xf32>, %k: memref<1x2x?x64xf32>, %v: memref<1x2x?x64xf32>, %o: memref<1x2x?x64xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>) outs(%o : memref<1x2x?x64xf32>)
  return
}

// -----

// Heads that do not fill vectors are copied, in their own type, and padded.
// CHECK-LABEL: func.func private @padded_kernel0
// CHECK-DAG:   memref.alloca() {{.*}} : memref<{{[0-9]+}}x48xbf16>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<2x48xf32>
// CHECK-DAG:   %[[MASK:.*]] = arith.constant dense<[true, true, true, true, true, true, true, true, false
// CHECK:       arith.select %[[MASK]]
func.func @padded(%q: memref<1x2x2x40xbf16>, %k: memref<1x2x500x40xbf16>, %v: memref<1x2x500x40xbf16>, %o: memref<1x2x2x40xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x2x40xbf16>, memref<1x2x500x40xbf16>, memref<1x2x500x40xbf16>) outs(%o : memref<1x2x2x40xbf16>)
  return
}

// -----

// The rescale of the accumulator is applied where the product loads it, though
// the sum of the rows is stored after it and before the product.
// CHECK-LABEL: func.func private @rescaled
// CHECK:       vector.load %[[ACC:.*]][%{{.*}}] : memref<5x16xf32>, vector<16xf32>
// CHECK:       vector.load %[[FACTOR:.*]][
func.func private @rescaled(%k: memref<256x16xf32>, %f: memref<5xf32>, %o: memref<5x16xf32>, %l: memref<5xf32>, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %c16 = arith.constant 16 : index
  %c256 = arith.constant 256 : index
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %q = tile.load %k[%c0, %c0] valid [%c5, %c16] : memref<256x16xf32> -> !tile.tile<5x16xf32>
  %factor = tile.load %f[%c0] valid [%c5] : memref<5xf32> -> !tile.tile<5xf32>
  %kt = tile.load %k[%c0, %c0] valid [%c256, %c16] : memref<256x16xf32> -> !tile.tile<256x16xf32>
  %none = tile.splat %zero : f32 -> !tile.tile<5x256xf32>
  %s = tile.dot %q, %kt, %none {transpose_b} : !tile.tile<5x16xf32>, !tile.tile<256x16xf32> -> !tile.tile<5x256xf32>
  %ones = tile.splat %one : f32 -> !tile.tile<5xf32>
  %sum = tile.reduce sum %s, %ones : !tile.tile<5x256xf32> -> !tile.tile<5xf32>
  %acc = tile.map(%q, %factor) at [%c0, %c0] : (!tile.tile<5x16xf32>, !tile.tile<5xf32>) -> !tile.tile<5x16xf32> {
  ^bb0(%x: f32, %y: f32, %row: index, %col: index):
    %z = arith.mulf %x, %y : f32
    tile.yield %z : f32
  }
  %r = tile.dot %s, %kt, %acc : !tile.tile<5x256xf32>, !tile.tile<256x16xf32> -> !tile.tile<5x16xf32>
  tile.store %sum, %l[%c0] valid [%c5] : !tile.tile<5xf32>, memref<5xf32>
  tile.store %r, %o[%c0, %c0] valid [%c5, %c16] : !tile.tile<5x16xf32>, memref<5x16xf32>
  return
}
