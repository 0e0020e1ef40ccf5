// cpu-expand-exp2: polynomials, no library call, no subnormal number.
// RUN: attn-opt %s -cpu-expand-exp2 | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: attn-opt %s -cpu-expand-exp2=scalef | FileCheck %s --check-prefixes=CHECK,SCALEF

// CHECK-LABEL: func @exp2
// CHECK-SAME: %[[X:.*]]: vector<16xf32>
func.func @exp2(%x: vector<16xf32>) -> vector<16xf32> {
  // CHECK-NOT: math.exp2
  // Nothing below 2^-126 is computed: such lanes are 0 by their argument.
  // CHECK: %[[UNDERFLOWS:.*]] = arith.cmpf olt, %[[X]], %[[LEAST:.*]] : vector<16xf32>
  // PLAIN: arith.select %[[UNDERFLOWS]], %[[LEAST]], %[[X]]
  // SCALEF-NOT: arith.select %[[UNDERFLOWS]]
  // PLAIN: math.roundeven
  // What vreduceps leaves of an infinity is 0: the argument has no upper bound.
  // SCALEF: %[[F:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"(%[[X]],
  // SCALEF-NEXT: arith.subf %[[X]], %[[F]]
  // CHECK-COUNT-6: math.fma
  // SCALEF: %[[SCALED:.*]] = x86vector.avx512.mask.scalef
  // SCALEF: arith.select %[[UNDERFLOWS]], %{{.*}}, %[[SCALED]]
  // PLAIN: arith.shli
  // NaN in, NaN out.
  // PLAIN: arith.cmpf uno
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: func @log2
func.func @log2(%x: f32) -> f32 {
  // CHECK-NOT: math.log2
  // CHECK-COUNT-4: math.fma
  %y = math.log2 %x : f32
  return %y : f32
}

// Other types are left alone.
// CHECK-LABEL: func @f64
func.func @f64(%x: f64) -> f64 {
  // CHECK: math.exp2
  %y = math.exp2 %x : f64
  return %y : f64
}

// The exponential of a difference: the product with log2(e) is not rounded.
// CHECK-LABEL: func @product
// CHECK-SAME: %[[D:.*]]: vector<16xf32>
func.func @product(%d: vector<16xf32>) -> vector<16xf32> {
  %c = arith.constant dense<1.44269502> : vector<16xf32>
  // CHECK: %[[N:.*]] = math.roundeven
  // CHECK: %[[MINUS:.*]] = arith.negf %[[N]]
  // CHECK: math.fma %{{.*}}, %{{.*}}, %[[MINUS]]
  // CHECK-COUNT-6: math.fma
  %x = arith.mulf %d, %c : vector<16xf32>
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// Where an approximation will do: fewer terms, and no care of its own for what
// is below 2^-126.
// CHECK-LABEL: func @approximate
// CHECK-SAME: %[[X:.*]]: vector<16xf32>
func.func @approximate(%x: vector<16xf32>) -> vector<16xf32> {
  // SCALEF: llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"(%[[X]],
  // SCALEF-COUNT-3: math.fma
  // SCALEF: %[[SCALED:.*]] = x86vector.avx512.mask.scalef %{{.*}}, %[[X]],
  // SCALEF-NEXT: return %[[SCALED]]
  // PLAIN-COUNT-6: math.fma
  %y = math.exp2 %x fastmath<afn> : vector<16xf32>
  return %y : vector<16xf32>
}
