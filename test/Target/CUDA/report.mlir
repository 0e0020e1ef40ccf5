// RUN: attn-compile %s --target=cuda -o %t.attn --report=json | FileCheck %s --check-prefixes=CHECK,HOPPER
// RUN: attn-compile %s --target=cuda --chip=sm_80 -o %t.attn --report=json | FileCheck %s --check-prefixes=CHECK,MMA
// Where there is a ptxas it is asked for registers, though the artifact is PTX.
// RUN: mkdir -p %t.bin && printf '#!/bin/sh\nfor last; do :; done\necho code > "$last"\necho "ptxas info    : 0 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads"\necho "ptxas info    : Used 168 registers, used 1 barriers"\n' > %t.bin/ptxas && chmod +x %t.bin/ptxas
// RUN: sh -c 'PATH=%t.bin:$PATH attn-compile %s --target=cuda -o %t.attn --report=json' | FileCheck %s --check-prefix=REGISTERS
// RUN: grep -q '\.target sm_90a' %t.attn
// REGISTERS-DAG: "f_kernel0: 168 registers a thread, 8 bytes spilled"
// REGISTERS-DAG: "f_kernel2: 168 registers a thread, 8 bytes spilled"

// What was chosen and why, and the key tiles of each version: what --explain
// prints of a device, too.
//      CHECK: "choices": [
// HOPPER-NEXT: "chip sm_90a: wgmma and TMA, 232448 bytes of shared memory a block, 132 multiprocessors assumed for splits"
// HOPPER-NEXT: "64 queries x 128 keys a tile; heads that share keys are packed into one tile, whose keys are split for 132 multiprocessors: where a launch has few queries a key head and many keys; one tile holds the queries of all heads of a key head, and keys are many"
// HOPPER-NEXT: "128 queries x 128 keys a tile: for all other sizes; two warpgroups have registers for scores and output"
// HOPPER-NEXT: "f_kernel0: wgmma: 64 rows of queries on each of 1 warpgroup, one more loads"
// HOPPER-NEXT: "f_kernel0: 2 buffers of keys and values, {{[12]}} of queries: {{[0-9]+}} bytes of shared memory of 232448"
// HOPPER-NEXT: "f_kernel0: q is gathered by threads: its rows are those of several heads"
// HOPPER-NEXT: "f_kernel0: k comes by TMA"
// HOPPER-NEXT: "f_kernel0: v comes by TMA"
// HOPPER-NEXT: "f_kernel0: blocks stay and are dealt query tiles in turn: all are equal work"
// HOPPER-NEXT: "f_kernel1: {{[0-9]+}} threads without tensor cores"
// HOPPER-NEXT: "f_kernel2: wgmma: 64 rows of queries on each of 2 warpgroups, one more loads"
//    MMA-NEXT: "chip sm_80: mma.sync and cp.async, 166912 bytes of shared memory a block, 108 multiprocessors assumed for splits"
//         MMA: "f_kernel2: mma.sync: 16 rows of queries on each of 4 warps"
//    MMA-NEXT: "f_kernel2: {{[12]}} buffers of keys and values, queries in registers: {{[0-9]+}} bytes of shared memory of 166912"
//       CHECK: "phases": [
//       CHECK: "ranges": [
//  CHECK-NEXT: "query tiles of 64, key tiles of {{64|128}}\n  tiles [0, min(kv_len ceildiv
//  CHECK-NEXT: "query tiles of
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}
