// RUN: attn-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(cuda-schedule))'
// RUN: not attn-opt %S/Inputs/causal_f32.mlir -pass-pipeline='builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(cuda-schedule{tile-m=-64}))' 2>&1 | FileCheck %s --check-prefix=ROWS --implicit-check-not=error:
// RUN: not attn-opt %S/Inputs/causal_f32.mlir -pass-pipeline='builtin.module(tile-attach-target{target=cuda chip=sm_90a},func.func(cuda-schedule{tile-n=65537}))' 2>&1 | FileCheck %s --check-prefix=KEYS --implicit-check-not=error:
// RUN: not attn-compile %S/../Target/CUDA/chips.mlir --target=cuda --tile-m=-64 -o %t.attn 2>&1 | FileCheck %s --check-prefix=ROWS --implicit-check-not=error:

// ROWS: error: cuda-schedule: tile-m = -64 is not in 0 .. 65536
// KEYS: error: cuda-schedule: tile-n = 65537 is not in 0 .. 65536

func.func @tensors(%q: tensor<1x1x64x64xf16>, %o: tensor<1x1x64x64xf16>) -> tensor<1x1x64x64xf16> {
  // expected-error @+1 {{'attn.attention' op is on tensors; bufferize it first}}
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x64x64xf16>, tensor<1x1x64x64xf16>, tensor<1x1x64x64xf16>) outs(%o : tensor<1x1x64x64xf16>) -> tensor<1x1x64x64xf16>
  return %r : tensor<1x1x64x64xf16>
}
