// The embedded pipelines leave parallel loops around calls and upstream ops
// only; the fused one allocates nothing, the standard one the score matrix.
// RUN: attn-opt %s -attn-to-cpu | FileCheck %s --check-prefixes=CHECK --implicit-check-not=attn. --implicit-check-not='{{tile\.(load|store|dot|map|reduce|launch|estimate)}}' --implicit-check-not='memref.alloc('
// RUN: attn-opt %s -attn-to-cpu-standard | FileCheck %s --check-prefixes=CHECK,STANDARD --implicit-check-not=attn. --implicit-check-not='{{tile\.(load|store|dot|map|reduce|launch|estimate)}}' --implicit-check-not='memref.alloc('

// CHECK: func.func @f
// STANDARD: memref.alloc({{.*}}) : memref<?x4x?x?xf32>
// CHECK: scf.parallel
// CHECK:   func.call @f_kernel0
func.func @f(%q: tensor<?x4x?x32xf32>, %k: tensor<?x4x?x32xf32>, %v: tensor<?x4x?x32xf32>, %o: tensor<?x4x?x32xf32>) -> tensor<?x4x?x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x4x?x32xf32>, tensor<?x4x?x32xf32>, tensor<?x4x?x32xf32>)
      outs(%o : tensor<?x4x?x32xf32>) {causal = #attn.causal<bottom_right>} -> tensor<?x4x?x32xf32>
  return %r : tensor<?x4x?x32xf32>
}
