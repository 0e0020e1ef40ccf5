// RUN: attn-opt %s --math-to-nvptx | FileCheck %s

// CHECK-LABEL: func.func @f32
// CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
// CHECK: llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"
// CHECK: llvm.call_intrinsic "llvm.nvvm.rsqrt.approx.f"
// CHECK: llvm.inline_asm {{.*}}"tanh.approx.f32 $0, $1;"
// CHECK: llvm.call_intrinsic "llvm.sqrt.f32"
// CHECK: llvm.call_intrinsic "llvm.floor.f32"
// CHECK-NOT: math.
func.func @f32(%x: f32) -> f32 {
  %0 = math.exp2 %x : f32
  %1 = math.log2 %0 : f32
  %2 = math.rsqrt %1 : f32
  %3 = math.tanh %2 : f32
  %4 = math.sqrt %3 : f32
  %5 = math.floor %4 : f32
  return %5 : f32
}

// Other types have no such instruction.
// CHECK-LABEL: func.func @f64
// CHECK: math.exp2
func.func @f64(%x: f64) -> f64 {
  %0 = math.exp2 %x : f64
  return %0 : f64
}
