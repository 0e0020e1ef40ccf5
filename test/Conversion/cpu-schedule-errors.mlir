// RUN: not attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v3},func.func(cpu-schedule))' 2>&1 | FileCheck %s
// RUN: not attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v3},func.func(cpu-schedule{tile-m=-64}))' 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},func.func(cpu-schedule{tile-m=24}))' 2>&1 | FileCheck %s --check-prefix=LANES
// RUN: not attn-opt %s -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v3},func.func(cpu-schedule{tile-n=5}))' 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: not attn-opt %s -attn-to-cpu='chip=x86-64-v3 tile-m=-64' 2>&1 | FileCheck %s --check-prefix=ROWS

// CHECK: error: 'attn.attention' op is on tensors; bufferize it first
// ROWS: error: cpu-schedule: tile-m = -64 is not a multiple of the 8 lanes of a vector of 256 bits in 0 .. 1024
// LANES: error: cpu-schedule: tile-m = 24 is not a multiple of the 16 lanes of a vector of 512 bits in 0 .. 1024
// KEYS: error: cpu-schedule: tile-n = 5 is not a multiple of the 8 lanes of a vector of 256 bits in 0 .. 4096
func.func @tensors(%q: tensor<1x1x64x64xf16>, %o: tensor<1x1x64x64xf16>) -> tensor<1x1x64x64xf16> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x64x64xf16>, tensor<1x1x64x64xf16>, tensor<1x1x64x64xf16>) outs(%o : tensor<1x1x64x64xf16>) -> tensor<1x1x64x64xf16>
  return %r : tensor<1x1x64x64xf16>
}
