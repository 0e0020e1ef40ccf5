// All of rule 8 stays on tensor cores: no remark, no call of a function.
// RUN: attn-opt %S/../Inputs/functions.mlir --attn-to-hopper="tile-m=128" -o %t.hopper.mlir 2> %t.hopper.txt
// RUN: FileCheck %s --check-prefix=REMARK --allow-empty --input-file=%t.hopper.txt
// RUN: attn-translate --kernels-to-ptx --chip=sm_90a %t.hopper.mlir | FileCheck %s --check-prefixes=PTX,HOPPER
// RUN: attn-opt %S/../Inputs/functions.mlir --attn-to-mma="tile-m=64 tile-n=32" -o %t.mma.mlir 2> %t.mma.txt
// RUN: FileCheck %s --check-prefix=REMARK --allow-empty --input-file=%t.mma.txt
// RUN: attn-translate --kernels-to-ptx --chip=sm_80 %t.mma.mlir | FileCheck %s --check-prefixes=PTX,MMA
// REMARK-NOT: remark
// PTX-NOT: call
// HOPPER: wgmma
// MMA: mma.sync
// PTX: ex2.approx
// PTX-NOT: call
