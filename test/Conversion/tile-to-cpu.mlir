// tile-to-cpu: queries on lanes, keys broadcast, statistics lane-wise. No
// horizontal operation, no transposition of keys, no tile left.
// RUN: attn-opt %s -pass-pipeline='builtin.module(attn-to-tile{tile-m=64 tile-n=96},func.func(tile-clamp-reads,tile-expand-math,tile-to-cpu{vector-bits=512 registers=32},canonicalize,cse))' | FileCheck %s --check-prefixes=CHECK,AVX512 --implicit-check-not=vector.reduction --implicit-check-not=vector.transpose --implicit-check-not=!tile.tile
// RUN: attn-opt %s -pass-pipeline='builtin.module(attn-to-tile{tile-m=64 tile-n=96},func.func(tile-clamp-reads,tile-expand-math,tile-to-cpu{vector-bits=256 registers=16},canonicalize,cse))' | FileCheck %s --check-prefixes=CHECK,AVX2 --implicit-check-not=vector.reduction --implicit-check-not=vector.transpose --implicit-check-not=!tile.tile

// CHECK-LABEL: func.func private @f_kernel0
// Buffers are aligned stack memory: q and o as [d][query], scores as
// [key][query]; f32 keys and values are read where they are.
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<32x64xf32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<96x64xf32>
// CHECK-NOT: memref<96x32xf32>
// 6 columns times 4 vectors of 16 rows (2 vectors of 8 with 16 registers) are
// accumulated in registers over the head size.
// AVX512: scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args({{(%[^,]*, ){23}%[^,]*}})
// AVX512-COUNT-24: vector.fma {{.*}} : vector<16xf32>
// AVX2: scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args({{(%[^,]*, ){11}%[^,]*}})
// AVX2-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// CHECK: scf.yield
func.func @f(%q: memref<1x4x?x32xf32>, %k: memref<1x4x?x32xf32>, %v: memref<1x4x?x32xf32>, %o: memref<1x4x?x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xf32>, memref<1x4x?x32xf32>, memref<1x4x?x32xf32>) outs(%o : memref<1x4x?x32xf32>)
  return
}

// Keys and values of 16 bits are widened once a key tile.
// CHECK-LABEL: func.func private @bf16_kernel0
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<96x32xf32>
// CHECK: arith.extf {{.*}}xbf16> to vector
func.func @bf16(%q: memref<1x4x?x32xbf16>, %k: memref<1x4x?x32xbf16>, %v: memref<1x4x?x32xbf16>, %o: memref<1x4x?x32xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xbf16>, memref<1x4x?x32xbf16>, memref<1x4x?x32xbf16>) outs(%o : memref<1x4x?x32xbf16>)
  return
}
