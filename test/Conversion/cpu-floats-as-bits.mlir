// RUN: attn-opt %s --split-input-file --verify-diagnostics --cpu-floats-as-bits=half | FileCheck %s
// RUN: attn-opt %s --split-input-file --verify-diagnostics --cpu-floats-as-bits | FileCheck %s --check-prefix=BRAIN

// A machine with conversions of f16 keeps them.
// BRAIN-LABEL: func.func @converts(
// BRAIN-SAME: f16, %{{.+}}: vector<4xi16>
// BRAIN-NOT: bf16
// BRAIN: arith.extf %{{.+}} : f16 to f32
// BRAIN: arith.truncf %{{.+}} : f32 to f16
// BRAIN-NOT: bf16
// BRAIN: return

// No value is of 16 bits, neither in memory nor in a loop or a branch.
// CHECK-LABEL: func.func @moves(
// CHECK-SAME: %[[M:[^:]+]]: memref<?xi16, strided<[?]>>, %[[N:[^:]+]]: memref<8xi16>
// CHECK-NOT: f16
// CHECK: %[[FOUR:.+]] = arith.constant 16512 : i16
// CHECK: %[[V:.+]] = arith.constant dense<15360> : vector<4xi16>
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<8xi16>
// CHECK: %[[X:.+]] = scf.for {{.*}} iter_args(%[[CARRIED:.+]] = %[[FOUR]]) -> (i16)
// CHECK:   %[[Y:.+]] = scf.if {{.*}} -> (i16)
// CHECK:     %[[L:.+]] = memref.load %[[M]]
// CHECK:     scf.yield %[[L]] : i16
// CHECK:   arith.select {{.*}}, %[[Y]], %[[CARRIED]] : i16
// CHECK: vector.store %[[V]], {{.*}} : memref<8xi16>, vector<4xi16>
// CHECK: return %[[X]] : i16
// CHECK-NOT: f16
func.func @moves(%m: memref<?xbf16, strided<[?]>>, %n: memref<8xf16>, %i: index, %c: i1) -> bf16 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %four = arith.constant 4.0 : bf16
  %v = arith.constant dense<1.0> : vector<4xf16>
  %buffer = memref.alloca() {alignment = 64 : i64} : memref<8xf16>
  %x = scf.for %k = %c0 to %i step %c1 iter_args(%carried = %four) -> bf16 {
    %y = scf.if %c -> bf16 {
      %l = memref.load %m[%k] : memref<?xbf16, strided<[?]>>
      scf.yield %l : bf16
    } else {
      scf.yield %carried : bf16
    }
    %z = arith.select %c, %y, %carried : bf16
    scf.yield %z : bf16
  }
  vector.store %v, %buffer[%c0] : memref<8xf16>, vector<4xf16>
  return %x : bf16
}

// -----

// CHECK-LABEL: func.func @converts(
// CHECK-NOT: f16
// CHECK: return
func.func @converts(%x: f16, %y: vector<4xbf16>, %a: f32, %b: vector<4xf32>) -> (f32, vector<4xf32>, f16, vector<4xbf16>) {
  %0 = arith.extf %x : f16 to f32
  %1 = arith.extf %y : vector<4xbf16> to vector<4xf32>
  %2 = arith.truncf %a : f32 to f16
  %3 = arith.truncf %b : vector<4xf32> to vector<4xbf16>
  return %0, %1, %2, %3 : f32, vector<4xf32>, f16, vector<4xbf16>
}

// -----

func.func @computes(%x: bf16) -> bf16 {
  // expected-error @+1 {{failed to legalize operation 'arith.addf'}}
  %y = arith.addf %x, %x : bf16
  return %y : bf16
}
