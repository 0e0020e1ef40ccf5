// The description is printed from lowered kernels: what each target says of the
// parameters, the grid, the block and the memory of a launch.
// RUN: attn-opt %s -attn-to-hopper | attn-translate --program-to-json | FileCheck %s --check-prefixes=CHECK,HOPPER
// RUN: attn-opt %s -attn-to-mma | attn-translate --program-to-json | FileCheck %s --check-prefixes=CHECK,MMA
// RUN: attn-opt %s -attn-to-tile -attn-to-nvptx-plain | attn-translate --program-to-json | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: sed s/bf16/f16/ %s | attn-opt -attn-to-tile -attn-to-wgsl | attn-translate --program-to-json | FileCheck %s --check-prefixes=CHECK,PLAIN,INTERLEAVED
// RUN: attn-opt %s -attn-set-artifact=target=cpu -attn-to-tile | attn-opt --pass-pipeline="builtin.module(tile-attach-target{target=cpu chip=x86-64-v3},func.func(tile-expand-math,tile-to-cpu))" | attn-translate --program-to-json | FileCheck %s --check-prefixes=CHECK,CPU
// Kernels that are not lowered have nothing to say, nor has a module that is for
// no target.
// RUN: attn-opt %s -attn-set-artifact=target=cpu -attn-to-tile | not attn-translate --program-to-json 2>&1 | FileCheck %s --check-prefix=TILE
// RUN: attn-opt %s -attn-to-tile | not attn-translate --program-to-json 2>&1 | FileCheck %s --check-prefix=NONE

// CHECK: "access": "read",
// CHECK: "access": "readwrite",
// CHECK: "launches": [
// HOPPER: "tensormap": {
// HOPPER: "buffer": "counter0"
// HOPPER: "block": [
// HOPPER-NEXT: 384,
// HOPPER: "code": "code/f_kernel0"
// HOPPER: "sm_count"
// HOPPER: "kernel": "f_kernel0"
// HOPPER: "shared":
// HOPPER: "zero": true
// MMA: "type": "i32"
// MMA: "block": [
// MMA-NEXT: 128,
// MMA: "code": "code/f_kernel0"
// MMA: "mul",
// MMA: "shared":
// PLAIN: "block": [
// PLAIN: "code": "code/kernels"
// The head is x of the grid, and the query tile y.
// INTERLEAVED: "grid": [
// INTERLEAVED-NEXT: 8,
// INTERLEAVED-NEXT: 64,
// INTERLEAVED-NEXT: 2
// PLAIN-NOT: "stack"
// CPU-NOT: "block"
// CPU: "type": "i64"
// CPU: "code": "code/cpu"
// CPU: "stack": {{[0-9]+}}
// NONE: error: is in a module without tile.artifact, which says what it is compiled for; attn-set-artifact writes it
// TILE: error: 'tile.launch' op is of a kernel that is not lowered: @f_kernel0 has no tile.launch_info

!t = memref<2x8x4096x128xbf16>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}
