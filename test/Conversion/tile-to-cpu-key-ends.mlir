// tile-to-cpu: where a mask ends the keys of a row with the row, products leave
// out the vectors of rows whose keys have ended.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},attn-to-cpu{launches=true},cse)' | FileCheck %s

// In the branch without a mask, all of a block's four vectors have all keys.
// CHECK-LABEL: func.func private @causal_kernel0
// CHECK:       scf.if
// CHECK:       scf.for {{.*}} = %c0 to %c32 step %c1 iter_args
// CHECK-COUNT-24: vector.fma
// CHECK:       } else {
// Of a block of keys with a mask, the vectors up to the first that reaches its
// first key are left out.
// CHECK:       [[END:%.+]] = arith.addi %{{.*}}, %c16
// CHECK:       [[FIRST:%.+]] = arith.subi [[END]], %[[KEY:.*]] : index
// CHECK:       arith.addi %{{.*}}, %c32
// CHECK:       [[SECOND:%.+]] = arith.subi %{{.*}}, %[[KEY]] : index
// CHECK:       arith.addi %{{.*}}, %c48
// CHECK:       [[THIRD:%.+]] = arith.subi %{{.*}}, %[[KEY]] : index
// CHECK:       scf.for [[COL:%.+]] = %c0 to %{{.*}} step %c6
// CHECK:       [[IN_FIRST:%.+]] = arith.cmpi slt, [[COL]], [[FIRST]]
// CHECK:       scf.if [[IN_FIRST]]
// CHECK-COUNT-24: vector.fma
// CHECK:       } else {
// CHECK-NEXT:  [[IN_SECOND:%.+]] = arith.cmpi slt, [[COL]], [[SECOND]]
// CHECK:       scf.if [[IN_SECOND]]
// CHECK-COUNT-18: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       } else {
// CHECK-NEXT:  [[IN_THIRD:%.+]] = arith.cmpi slt, [[COL]], [[THIRD]]
// CHECK:       scf.if [[IN_THIRD]]
// CHECK-COUNT-12: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       } else {
// CHECK-COUNT-6: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       scf.yield
// Their weights are 0: values are added to a vector up to its end, in tiles
// with the mask.
// CHECK:       [[END_OF_TILE:%.+]] = arith.select %{{.*}}, %c{{[0-9]+}}, %{{.*}} : index
// CHECK:       [[NOT_NEGATIVE:%.+]] = arith.maxsi [[END_OF_TILE]], %c0
// CHECK:       [[FIRST_STEPS:%.+]] = arith.minsi [[NOT_NEGATIVE]],
// CHECK:       scf.for %{{.*}} = %c0 to [[FIRST_STEPS]] step %c1 iter_args
// CHECK-COUNT-24: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       scf.for %{{.*}} = [[FIRST_STEPS]] to [[SECOND_STEPS:%.+]] step %c1 iter_args
// CHECK-COUNT-18: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       scf.for %{{.*}} = [[SECOND_STEPS]] to [[THIRD_STEPS:%.+]] step %c1 iter_args
// CHECK-COUNT-12: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       scf.for %{{.*}} = [[THIRD_STEPS]] to %{{.*}} step %c1 iter_args
// CHECK-COUNT-6: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       vector.store
func.func @causal(%q: memref<1x2x512x32xf32>, %k: memref<1x2x512x32xf32>, %v: memref<1x2x512x32xf32>, %o: memref<1x2x512x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x32xf32>, memref<1x2x512x32xf32>, memref<1x2x512x32xf32>) outs(%o : memref<1x2x512x32xf32>) {causal = #attn.causal<top_left>}
  return
}

// -----

// Keys that are not there are left out of products, so that their mask is no
// code but -inf, and tiles with such keys need no products of their own.
// CHECK-LABEL: func.func private @ragged_kernel0
// CHECK:       [[REST:%.+]] = arith.remui [[KEYS:%.+]], %c6
// CHECK-NEXT:  [[WHOLE:%.+]] = arith.subi [[KEYS]], [[REST]]
// CHECK:       scf.for %{{.*}} = %c0 to [[WHOLE]] step %c6
// CHECK-COUNT-24: vector.fma
// CHECK-NOT:   arith.cmpi
// CHECK:       scf.for %{{.*}} = [[WHOLE]] to [[KEYS]] step %c1
// CHECK-COUNT-4: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       scf.for [[COL:%.+]] = [[KEYS]] to %c96 step %c1
// CHECK-NOT:   arith.cmp
// CHECK:       vector.store [[MASKED:%.+]], [[SCORES:%.+]]{{\[}}[[COL]], %c0]
// CHECK-COUNT-3: vector.store [[MASKED]], [[SCORES]]{{\[}}[[COL]],
// The products with values.
// CHECK-COUNT-24: vector.fma
// CHECK-NOT:   vector.fma
// CHECK:       return
func.func @ragged(%q: memref<1x2x512x24xf32>, %k: memref<1x2x?x24xf32>, %v: memref<1x2x?x24xf32>, %o: memref<1x2x512x24xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x24xf32>, memref<1x2x?x24xf32>, memref<1x2x?x24xf32>) outs(%o : memref<1x2x512x24xf32>)
  return
}
