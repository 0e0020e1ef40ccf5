// RUN: attn-opt %src_root/test/Conversion/Inputs/causal_f32.mlir --attn-to-nvptx-plain | attn-translate --kernels-to-ptx --chip=sm_80 | FileCheck %s
// RUN: attn-opt %src_root/test/Conversion/Inputs/causal_f32.mlir --attn-to-nvptx-plain | not attn-translate --kernels-to-ptx --chip=sm_75 2>&1 | FileCheck %s --check-prefix=CHIP

// The parameters are those of the tile kernel without the grid, in order.
// CHECK: .target sm_80
// CHECK-NOT: .extern
// CHECK: .visible .entry causal(
// CHECK-COUNT-8: .param .u64
// CHECK-NEXT: .param .f32
// CHECK-NEXT: )
// CHECK-NEXT: .maxntid 32
// CHECK-DAG: %ctaid.x
// CHECK-DAG: %ctaid.y
// CHECK-DAG: %ctaid.z
// CHECK: ex2.approx.ftz.f32
// CHECK: lg2.approx.f32

// CHIP: error: PTX needs a chip from sm_80 on, not 'sm_75'
