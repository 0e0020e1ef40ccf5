// tile-to-cpu on a chip whose products of bf16 pairs are fast: nothing is
// widened, keys are read where they are, two rows of values lie side by side.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=znver4},attn-to-cpu{launches=true},cse)' | FileCheck %s --implicit-check-not=!tile.tile
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=cooperlake},attn-to-cpu{launches=true},cse)' | FileCheck %s --check-prefix=SLOW --implicit-check-not=x86vector.avx512.dot
// SLOW: vector.fma

// CHECK-LABEL: func.func private @plain_kernel0
// CHECK-NOT:   memref<96x64xf32>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<32x128xbf16>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<48x128xbf16>
// Scores: pairs of d, 24 accumulators.
// CHECK:       scf.for %{{.*}} = %c0 to %c32 step %c1 iter_args({{(%[^,]*, ){23}%[^,]*}})
// CHECK:       vector.load %reinterpret_cast{{.*}}, vector<2xbf16>
// CHECK:       vector.bitcast {{.*}} : vector<2xbf16> to vector<1xi32>
// CHECK:       vector.bitcast {{.*}} : vector<16xi32> to vector<32xbf16>
// CHECK-COUNT-24: x86vector.avx512.dot
// Weights of two keys side by side, then rows of values, and the product.
// CHECK:       vector.interleave {{.*}} : vector<16xbf16> -> vector<32xbf16>
// CHECK:       vector.interleave {{.*}} : vector<16xbf16> -> vector<32xbf16>
// CHECK:       x86vector.avx512.dot
func.func @plain(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o : memref<1x2x512x64xbf16>)
  return
}

// -----

// Heads of an odd size, and values with rows that do not count, are widened.
// CHECK-LABEL: func.func private @odd_kernel0
// CHECK:       vector.fma
// CHECK:       x86vector.avx512.dot
func.func @odd(%q: memref<1x2x512x33xbf16>, %k: memref<1x2x512x33xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x33xbf16>, memref<1x2x512x33xbf16>, memref<1x2x512x64xbf16>) outs(%o : memref<1x2x512x64xbf16>)
  return
}

// -----

// CHECK-LABEL: func.func private @window_kernel0
// CHECK:       x86vector.avx512.dot
// CHECK:       vector.fma
func.func @window(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x?x64xbf16>, %v: memref<1x2x?x64xbf16>, %o: memref<1x2x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x?x64xbf16>, memref<1x2x?x64xbf16>) outs(%o : memref<1x2x512x64xbf16>)
      {causal = #attn.causal<bottom_right>, window = #attn.window<left = 99>}
  return
}

// -----

// Values whose columns are not contiguous are copied element by element, two
// rows side by side as well.
// CHECK-LABEL: func.func private @strided_values_kernel0
// CHECK:       x86vector.avx512.dot
// CHECK:       memref.load {{.*}} strided<[?, ?, ?, ?]>>
// CHECK-NEXT:  memref.load {{.*}} strided<[?, ?, ?, ?]>>
// CHECK:       x86vector.avx512.dot
func.func @strided_values(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16, strided<[?, ?, ?, ?], offset: ?>>, %o: memref<1x2x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16, strided<[?, ?, ?, ?], offset: ?>>) outs(%o : memref<1x2x512x64xbf16>)
  return
}
