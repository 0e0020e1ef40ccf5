// RUN: attn-opt %s --tile-expand-math | FileCheck %s
// RUN: attn-opt %s --tile-expand-math=keep-tanh | FileCheck %s --check-prefix=KEEP
// RUN: attn-opt %S/Inputs/short_tanh.mlir --tile-expand-math=short-tanh | FileCheck %s --check-prefix=SHORT
// RUN: attn-opt %S/Inputs/short_tanh.mlir --tile-attach-target=target=vulkan --tile-expand-math=short-tanh | FileCheck %s --check-prefix=BOUNDED
// RUN: attn-opt %s --tile-attach-target=target=vulkan --tile-expand-math --convert-math-to-llvm --convert-vector-to-llvm --convert-arith-to-llvm --convert-func-to-llvm --reconcile-unrealized-casts | sed 's/^module attributes .*/module {/; s/ {tile.exact}//' | %python %S/Inputs/expand_math_accuracy.py %llvm_tools_dir rounds-twice
// RUN: attn-opt %s --tile-attach-target=target=vulkan --tile-expand-math | FileCheck %s --check-prefix=EXACT
// RUN: attn-opt %s --tile-expand-math --convert-math-to-llvm --convert-vector-to-llvm --convert-arith-to-llvm --convert-func-to-llvm --reconcile-unrealized-casts | %python %S/Inputs/expand_math_accuracy.py %llvm_tools_dir

// Only exp2, log2, the roundings, sqrt, abs and fma are left of the math dialect.
// CHECK-NOT: math.{{exp |log |tanh|sin|cos|log1p|powf|erf|round |clampf|isnan}}

// CHECK-LABEL: func.func @exp
// One special-function operation: the correction is arithmetic.
// CHECK-COUNT-1: math.exp2
// CHECK-NOT: math.exp2
func.func @exp(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// What a device must not regroup, where fma may round twice; and no exp2 of its.
// EXACT-LABEL: func.func @exp(
// EXACT: %[[HIGH:.*]] = arith.mulf %[[X:.*]], %cst{{.*}} {tile.exact} : f32
// EXACT: %[[LESS:.*]] = arith.negf %[[HIGH]] {tile.exact}
// EXACT: %[[BITS:.*]] = arith.bitcast %[[X]] : f32 to i32
// EXACT: %[[UPPER:.*]] = arith.andi %[[BITS]], %c-4096_i32
// EXACT: %[[FIRST:.*]] = arith.bitcast %[[UPPER]] : i32 to f32
// EXACT: %[[SECOND:.*]] = arith.subf %[[X]], %[[FIRST]] {tile.exact}
// EXACT: %[[LOST:.*]] = math.fma %[[FIRST]], %[[C:.*]], %[[LESS]] {tile.exact}
// EXACT: %[[LOST2:.*]] = math.fma %[[FIRST]], %[[D:.*]], %[[LOST]] {tile.exact}
// EXACT: %[[LOST3:.*]] = math.fma %[[SECOND]], %[[C]], %[[LOST2]] {tile.exact}
// EXACT: math.fma %[[SECOND]], %[[D]], %[[LOST3]] {tile.exact}
// EXACT-NOT: math.exp2
// EXACT: func.func @log

// CHECK-LABEL: func.func @log
// CHECK: math.log2
func.func @log(%x: f32) -> f32 {
  %y = math.log %x : f32
  return %y : f32
}

// CHECK-LABEL: func.func @tanh
// CHECK: math.exp2
// CHECK: arith.divf {{.+}} fastmath<arcp,afn>
func.func @tanh(%x: f32) -> f32 {
  %y = math.tanh %x : f32
  return %y : f32
}

// approx_tanh sets afn; only targets with such an instruction keep it.
// CHECK-LABEL: func.func @approximate
// KEEP-NOT: math.tanh
// KEEP: math.tanh %{{.*}} fastmath<afn>
// KEEP-NOT: math.tanh
func.func @approximate(%x: f32) -> f32 {
  %y = math.tanh %x fastmath<afn> : f32
  return %y : f32
}

// Where products have 16 bits no polynomial is needed, whatever the other
// functions of the module multiply.
// SHORT-LABEL: func.func @sixteen
// SHORT-NOT: math.fma
// SHORT-NOT: arith.select
// SHORT-LABEL: func.func @thirtytwo
// SHORT: math.fma

// Factors before it are one with its own: 2 log2(e) / 16.
// SHORT-LABEL: func.func @capped
// SHORT: %[[FACTOR:.*]] = arith.constant 0.180336878 : f32
// SHORT: %[[EXPONENT:.*]] = arith.mulf %[[SCORE:.*]], %[[FACTOR]] : f32
// SHORT: %[[POWER:.*]] = math.exp2 %[[EXPONENT]] : f32
// SHORT: %[[DIVISOR:.*]] = arith.addf %[[POWER]], %{{.*}} : f32
// The cap is one with the constants behind it.
// SHORT: %[[QUOTIENT:.*]] = arith.divf %cst{{.*}}, %[[DIVISOR]] fastmath<arcp,afn> : f32
// SHORT: %[[CAPPED:.*]] = arith.subf %cst{{.*}}, %[[QUOTIENT]] : f32
// SHORT: tile.yield %[[CAPPED]] : f32

// A polynomial where the error of a short form would show: times more than 256
// in all, times a score, or compared.
// SHORT-LABEL: func.func @magnified_little
// SHORT-NOT: math.fma
// SHORT-LABEL: func.func @magnified(
// SHORT: math.fma
// SHORT-LABEL: func.func @large_cap
// SHORT: math.fma
// SHORT-LABEL: func.func @product
// SHORT: math.fma
// SHORT-LABEL: func.func @compared
// SHORT: math.fma

// exp2 stays finite where nothing may be infinite; a NaN is not above.
// BOUNDED-LABEL: func.func @sixteen
// BOUNDED: %[[ABOVE:.*]] = arith.cmpf ogt, %[[X:.*]], %cst{{.*}} : f32
// BOUNDED: arith.select %[[ABOVE]], %cst{{.*}}, %[[X]] : f32
// BOUNDED-NOT: math.fma
// BOUNDED-LABEL: func.func @thirtytwo
// BOUNDED-LABEL: func.func @capped
// BOUNDED: %[[BOUND:.*]] = arith.constant 46.16624{{.*}} : f32
// BOUNDED: %[[ABOVE:.*]] = arith.cmpf ogt, %[[EXPONENT:.*]], %[[BOUND]] : f32
// BOUNDED: %[[SAFE:.*]] = arith.select %[[ABOVE]], %[[BOUND]], %[[EXPONENT]] : f32
// BOUNDED: math.exp2 %[[SAFE]] : f32

// Past the reach of the reduction to a quadrant, the polynomials still get a
// number within theirs.
// CHECK-LABEL: func.func @sin
// CHECK-NOT: fptosi
// CHECK: %[[SIZE:.*]] = math.absf %[[R:.*]] : f32
// CHECK: %[[REACHED:.*]] = arith.cmpf ole, %[[SIZE]], %cst{{.*}}
// CHECK: %[[NONE:.*]] = arith.mulf %arg0, %cst
// CHECK: arith.select %[[REACHED]], %[[R]], %[[NONE]]
func.func @sin(%x: f32) -> f32 {
  %y = math.sin %x : f32
  return %y : f32
}

// CHECK-LABEL: func.func @cos
// CHECK-NOT: fptosi
func.func @cos(%x: f32) -> f32 {
  %y = math.cos %x : f32
  return %y : f32
}

// Small arguments take a series, which needs no log2.
// CHECK-LABEL: func.func @log1p
// CHECK-COUNT-1: math.log2
// CHECK-NOT: math.log2
func.func @log1p(%x: f32) -> f32 {
  %y = math.log1p %x : f32
  return %y : f32
}

// The logarithm has two parts, which no log2 of a target has.
// CHECK-LABEL: func.func @powf_
// CHECK-NOT: math.log2
// CHECK-COUNT-1: math.exp2
func.func @powf_(%x: f32, %y: f32) -> f32 {
  %z = math.powf %x, %y : f32
  return %z : f32
}

// CHECK-LABEL: func.func @erf
// CHECK-COUNT-1: math.exp2
func.func @erf(%x: f32) -> f32 {
  %y = math.erf %x : f32
  return %y : f32
}

// CHECK-LABEL: func.func @round
// CHECK: math.trunc
func.func @round(%x: f32) -> f32 {
  %y = math.round %x : f32
  return %y : f32
}

// CHECK-LABEL: func.func @clampf
// CHECK: %[[X:.*]] = arith.minimumf %arg0, %arg2
// CHECK: arith.maximumf %[[X]], %arg1
func.func @clampf(%x: f32, %low: f32, %high: f32) -> f32 {
  %y = math.clampf %x to [%low, %high] : f32
  return %y : f32
}

// CHECK-LABEL: func.func @isnan
// CHECK: arith.cmpf uno, %arg0, %arg0
func.func @isnan(%x: f32) -> i1 {
  %y = math.isnan %x : f32
  return %y : i1
}

// Vectors expand like scalars.
// CHECK-LABEL: func.func @vectors
// CHECK: arith.bitcast %{{.*}} : vector<8xf32> to vector<8xi32>
func.func @vectors(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %z = math.powf %x, %y : vector<8xf32>
  return %z : vector<8xf32>
}

// CHECK-LABEL: func.func @vector
// CHECK: arith.constant dense<0.693147182> : vector<8xf32>
func.func @vector(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.log %x : vector<8xf32>
  return %y : vector<8xf32>
}

// Other types are not touched.
// CHECK-LABEL: func.func @double
// CHECK: math.absf
func.func @double(%x: f64) -> f64 {
  %y = math.absf %x : f64
  return %y : f64
}
