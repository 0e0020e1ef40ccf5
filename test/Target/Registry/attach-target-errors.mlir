// Unknown names list what there is, with the nearest name.
// RUN: split-file %s %t
// RUN: not attn-opt %t/none.mlir --tile-attach-target="target=cudaa" 2>&1 | FileCheck %s --check-prefix=TARGET --implicit-check-not=error:
// RUN: not attn-opt %t/none.mlir --tile-attach-target="target=cuda chip=sm_90" 2>&1 | FileCheck %s --check-prefix=CHIP --implicit-check-not=error:
// RUN: not attn-opt %t/none.mlir --attn-to-cpu=chip=x86-64-v33 2>&1 | FileCheck %s --check-prefix=NAMES --implicit-check-not=error:
// RUN: not attn-opt %t/given.mlir --attn-to-cpu=chip=x86-64-v3 2>&1 | FileCheck %s --check-prefix=OTHER --implicit-check-not=error:
// RUN: not attn-opt %t/given.mlir --attn-to-cuda=chip=sm_86 2>&1 | FileCheck %s --check-prefix=OTHERCHIP --implicit-check-not=error:
// RUN: not attn-opt %t/dlti.mlir --attn-to-cpu=chip=x86-64-v3 2>&1 | FileCheck %s --check-prefix=DLTI --implicit-check-not=error:
// RUN: not attn-opt %S/../../Conversion/Inputs/causal_f32.mlir --tile-to-gpu 2>&1 | FileCheck %s --check-prefix=NONE --implicit-check-not=error:
// TARGET: error: unknown target 'cudaa'; did you mean 'cuda'?; known: cpu, cpu-standard, cuda, {{.*}}wgsl
// CHIP: error: unknown chip 'sm_90' of the target cuda; did you mean 'sm_90a'?; known: sm_80, sm_86, sm_89, sm_90a
// NAMES: error: unknown chip 'x86-64-v33' of the target cpu; did you mean 'x86-64-v3'?; known: host, {{.*}}znver4
// OTHER: error: is for the target cuda, not for cpu
// OTHERCHIP: error: is for the chip sm_80, not for sm_86
// DLTI: error: CPU: l1_bytes = 1 is not in 1024 .. 1099511627776
// NONE: error: tile-to-gpu: the module does not say what machine it is for; tile-attach-target puts tile.target there

//--- none.mlir
module {}

//--- given.mlir
module attributes {tile.target = #tile.target<name = "cuda", chip = "sm_80", threads = 64, workers = 3>} {}

//--- dlti.mlir
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<"L1_cache_size_in_bytes" = 1 : i64>>} {}
