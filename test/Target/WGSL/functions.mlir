// REQUIRES: naga
// All of rule 8 is valid WGSL.
// RUN: attn-opt %S/../Inputs/functions.mlir --attn-to-tile="tile-m=32 tile-n=32" --attn-to-wgsl --mlir-print-debuginfo -o %t.mlir
// RUN: attn-translate --kernels-to-wgsl %t.mlir -o %t.wgsl
// RUN: naga %t.wgsl
// RUN: FileCheck %s --input-file=%t.wgsl
// Indices are shifted by any amount in two words.
// CHECK: select({{.+}} << u32({{.+}}), 0, {{.+}})
