// The embedded pipelines leave parallel loops around calls and upstream ops
// only. Fused attention allocates nothing but, where queries are few, the parts
// of split keys, and frees them; the standard one the score matrix.
// RUN: attn-opt %s -attn-to-cpu='chip=x86-64-v3' | FileCheck %s --check-prefixes=CHECK,FUSED --implicit-check-not='{{attn\.(attention|yield)|tile\.(load|store|dot|map|reduce|launch|estimate)}}'
// RUN: attn-opt %s -attn-to-cpu-standard='chip=x86-64-v3' | FileCheck %s --check-prefixes=CHECK,STANDARD --implicit-check-not='{{attn\.(attention|yield)|tile\.(load|store|dot|map|reduce|launch|estimate)}}'
// RUN: attn-opt %s -attn-to-cpu='chip=x86-64-v3 tile-m=64' | FileCheck %s --check-prefix=GIVEN --implicit-check-not='memref.alloc('
// What is lowered is left alone by the pipelines of other targets.
// RUN: attn-opt %s -attn-to-cpu='chip=x86-64-v3' -o %t.cpu.mlir
// RUN: attn-opt %t.cpu.mlir -attn-to-metal | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: attn-opt %t.cpu.mlir -attn-to-cuda | FileCheck %s --check-prefixes=CHECK,FUSED
// A pipeline is for modules.
// RUN: not attn-opt %s --pass-pipeline='func.func(attn-to-cpu)' 2>&1 | FileCheck %s --check-prefix=ANCHOR
// RUN: not attn-opt %s --pass-pipeline='any(attn-to-cpu)' 2>&1 | FileCheck %s --check-prefix=ANY
// RUN: not attn-opt %s --pass-pipeline='builtin.module(func.func(attn-to-tile))' 2>&1 | FileCheck %s --check-prefix=TILE
// ANCHOR: error: attn-to-cpu is for builtin.module, not for func.func
// ANY: error: attn-to-cpu is for builtin.module, not for any
// TILE: error: attn-to-tile is for builtin.module, not for func.func

// CHECK: func.func @f
// CHECK: scf.if
// FUSED: %[[MAX:.*]] = memref.alloc({{.*}}) : memref<?x4x?x?xf32>
// FUSED: %[[SUM:.*]] = memref.alloc({{.*}}) : memref<?x4x?x?xf32>
// FUSED: %[[ACC:.*]] = memref.alloc({{.*}}) : memref<?x4x?x?x32xf32>
// CHECK: scf.parallel
// CHECK:   func.call @f_kernel0
// CHECK: scf.parallel
// CHECK:   func.call @f_kernel1
// FUSED-DAG: memref.dealloc %[[MAX]]
// FUSED-DAG: memref.dealloc %[[SUM]]
// FUSED-DAG: memref.dealloc %[[ACC]]
// CHECK: } else {
// FUSED-NOT: memref.alloc(
// STANDARD: %[[SCORES:.*]] = memref.alloc({{.*}}) : memref<?x4x?x?xf32>
// CHECK: scf.parallel
// CHECK:   func.call @f_kernel2
// STANDARD: memref.dealloc %[[SCORES]]
// FUSED-NOT: memref.alloc(
// CHECK: return

// GIVEN: func.func @f
// GIVEN-NOT: scf.if
// GIVEN: func.call @f_kernel0
func.func @f(%q: tensor<?x4x?x32xf32>, %k: tensor<?x4x?x32xf32>, %v: tensor<?x4x?x32xf32>, %o: tensor<?x4x?x32xf32>) -> tensor<?x4x?x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x4x?x32xf32>, tensor<?x4x?x32xf32>, tensor<?x4x?x32xf32>)
      outs(%o : tensor<?x4x?x32xf32>) {causal = #attn.causal<bottom_right>} -> tensor<?x4x?x32xf32>
  return %r : tensor<?x4x?x32xf32>
}
