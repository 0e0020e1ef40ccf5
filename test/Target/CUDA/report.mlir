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
// HOPPER-NEXT: "f_kernel0: 2 buffers of keys and values, {{[12]}} of queries: {{[0-9]+}} bytes of shared memory of 232448 (stages): one is loaded while another is multiplied"
// HOPPER-NEXT: "f_kernel0: q is gathered by threads: its rows are those of several heads"
// HOPPER-NEXT: "f_kernel0: k comes by TMA"
// HOPPER-NEXT: "f_kernel0: v comes by TMA"
// HOPPER-NEXT: "f_kernel0: o is stored by threads (tma_store): TMA or the rest of shared memory cannot take it"
// HOPPER-NEXT: "f_kernel0: the product with v is one key tile behind (one_behind): the exponentials of a tile overlap it"
// HOPPER-NEXT: "f_kernel0: warpgroups take no turns (ping_pong): there is one"
// HOPPER-NEXT: "f_kernel0: a block a multiprocessor stays (persistent): it loads the next query tile while it finishes one"
// HOPPER-NEXT: "f_kernel0: blocks are dealt query tiles in turn (deal_equal): all are equal work"
// HOPPER-NEXT: "f_kernel0: query tiles in the order of the grid (longest_first, head_group): none has more key tiles than another for where it lies"
// HOPPER-NEXT: "f_kernel1: {{[0-9]+}} threads without matrix units (threads): one a row, in whole warps; those of a lone row share it"
// HOPPER-NEXT: "f_kernel2: wgmma: 64 rows of queries on each of 2 warpgroups, one more loads"
//      HOPPER: "f_kernel2: warpgroups take turns at the tensor cores (ping_pong): one multiplies while another exponentiates"
//      HOPPER: "f_kernel2: blocks fetch query tiles from a counter (deal_equal): some are more work"
// HOPPER-NEXT: "f_kernel2: the longest query tiles first (longest_first): the short ones fill the end; 8 heads at once (head_group): their keys and values stay in the L2 cache"
//    MMA-NEXT: "chip sm_80: mma.sync and cp.async, 166912 bytes of shared memory a block, 108 multiprocessors assumed for splits"
//         MMA: "f_kernel2: mma.sync: 16 rows of queries on each of 4 warps (warp_rows): more would leave too few warps or registers"
//    MMA-NEXT: "f_kernel2: {{[12]}} buffers of keys and values: {{[0-9]+}} bytes of shared memory of 166912 (stages): {{.*}}"
//    MMA-NEXT: "f_kernel2: queries in registers (query_in_registers): they are read once"
//    MMA-NEXT: "f_kernel2: registers for 1 block a multiprocessor (blocks): threads have all that their tiles need"
//    MMA-NEXT: "f_kernel2: the longest query tiles first (longest_first): the short ones fill the end; 8 heads at once (head_group): their keys and values stay in the L2 cache"
//       CHECK: "phases": [
//       CHECK: "ranges": [
//  CHECK-NEXT: "query tiles of 64, key tiles of {{64|128}}\n  tiles [0, min(kv_len ceildiv
//  CHECK-NEXT: "query tiles of
!t = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1]>>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<top_left>}
  return
}
