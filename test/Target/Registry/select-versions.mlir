// Where sizes decide between versions of an op, the others go, and a check stays.
// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-select-versions{shapes=2x4x100x16,2x4x?x16,2x4x?x16,2x4x100x16}))' --split-input-file | FileCheck %s
// Nothing is known, or not enough.
// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-select-versions{shapes=?,2x4x7x16,?}))' --split-input-file | FileCheck %s --check-prefix=OPEN

// One branch inside of another; the keys, which decide the outer one, are not known.
// CHECK-LABEL: func @nested(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: memref
// CHECK:       %[[NQ:.*]] = memref.dim %[[Q]]
// CHECK:       %[[FEW:.*]] = arith.cmpi sle, %[[NQ]]
// CHECK:       scf.if %{{.*}} {
// CHECK-NOT:     scf.if
// CHECK:         %[[MANY:.*]] = arith.xori %[[FEW]], %true
// CHECK-NEXT:    tile.check %[[MANY]], "the program was compiled for other sizes" ["dimension 2 of query" = %[[NQ]]]
// CHECK-NEXT:    attn.attention
// CHECK-SAME:      tile_m = 32
// CHECK-SAME:      attn.schedule_reason = "b; versions for other sizes are left out"
// CHECK-NEXT:  } else {
// CHECK:         tile_m = 48
// CHECK-SAME:    attn.schedule_reason = "c"
// OPEN-LABEL:  func @nested(
// The keys alone.
// OPEN-NOT:    tile_m = 16
// OPEN:        tile.check
// OPEN-NEXT:   attn.attention
// OPEN-SAME:   tile_m = 48
func.func @nested(%q: memref<2x4x?x16xf32>, %k: memref<2x4x?x16xf32>, %v: memref<2x4x?x16xf32>, %o: memref<2x4x?x16xf32>) {
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %c1000 = arith.constant 1000 : index
  %nq = memref.dim %q, %c2 : memref<2x4x?x16xf32>
  %nk = memref.dim %k, %c2 : memref<2x4x?x16xf32>
  %few = arith.cmpi sle, %nq, %c16 : index
  %many = arith.cmpi sge, %nk, %c1000 : index
  scf.if %many {
    scf.if %few {
      attn.attention ins(%q, %k, %v : memref<2x4x?x16xf32>, memref<2x4x?x16xf32>, memref<2x4x?x16xf32>) outs(%o : memref<2x4x?x16xf32>)
          {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 64>, attn.schedule_reason = "a"}
    } else {
      attn.attention ins(%q, %k, %v : memref<2x4x?x16xf32>, memref<2x4x?x16xf32>, memref<2x4x?x16xf32>) outs(%o : memref<2x4x?x16xf32>)
          {attn.schedule = #attn.schedule<tile_m = 32, tile_n = 64>, attn.schedule_reason = "b"}
    }
  } else {
    attn.attention ins(%q, %k, %v : memref<2x4x?x16xf32>, memref<2x4x?x16xf32>, memref<2x4x?x16xf32>) outs(%o : memref<2x4x?x16xf32>)
        {attn.schedule = #attn.schedule<tile_m = 48, tile_n = 64>, attn.schedule_reason = "c"}
  }
  return
}

// -----

// Arithmetic of several sizes; a branch without attention is a program's own.
// CHECK-LABEL: func @product(
// CHECK:       scf.if
// CHECK:         memref.store
// CHECK:       tile.check %{{.*}}, "the program was compiled for other sizes" ["dimension 2 of query" = %{{.*}}, "dimension 1 of query" = %{{.*}}]
// CHECK-NEXT:  attn.attention
// CHECK-SAME:    tile_m = 16
// CHECK-NOT:   attn.attention
// OPEN-LABEL:  func @product(
// OPEN:        tile_m = 16
// OPEN:        tile_m = 32
func.func @product(%q: memref<2x?x?x16xf32>, %k: memref<2x?x?x16xf32>, %v: memref<2x?x?x16xf32>, %o: memref<2x?x?x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c400 = arith.constant 400 : index
  %nq = memref.dim %q, %c2 : memref<2x?x?x16xf32>
  %hq = memref.dim %q, %c1 : memref<2x?x?x16xf32>
  %rows = arith.muli %nq, %hq : index
  %fits = arith.cmpi sle, %rows, %c400 : index
  scf.if %fits {
    memref.store %zero, %o[%c0, %c0, %c0, %c0] : memref<2x?x?x16xf32>
  }
  scf.if %fits {
    attn.attention ins(%q, %k, %v : memref<2x?x?x16xf32>, memref<2x?x?x16xf32>, memref<2x?x?x16xf32>) outs(%o : memref<2x?x?x16xf32>)
        {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 64>}
  } else {
    attn.attention ins(%q, %k, %v : memref<2x?x?x16xf32>, memref<2x?x?x16xf32>, memref<2x?x?x16xf32>) outs(%o : memref<2x?x?x16xf32>)
        {attn.schedule = #attn.schedule<tile_m = 32, tile_n = 64>}
  }
  return
}
