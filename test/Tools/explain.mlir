// What was chosen, the tiles that this visits, what it costs: in this order. A
// window of 33 keys on a causal diagonal, in tiles of 16 queries and 32 keys.
// RUN: attn-run %s --backend=cpu --chip=x86-64-v3 --tile-m=16 --tile-n=32 --random=B=2,Sq=100,Skv=100 --explain | FileCheck %s
// CHECK: backend: cpu, compiled for x86-64-v3
// CHECK-NEXT: chosen:
// CHECK: 16 queries a tile (given)
// CHECK: online softmax fused: scores are never stored
// CHECK-NEXT: window_kernel0: o is divided by the sum of its row (divide):
// CHECK-NEXT: window_kernel0: tiles end with the keys that their rows attend (key_ends):
// CHECK-NEXT: window_kernel0: tiles without a mask have scores of their own (scores_only):
// CHECK-NEXT: key tiles, in closed form:
// CHECK: exact
// CHECK-NEXT: key tiles, with these sizes:
// CHECK-NEXT: batch 0, head 0, tiles of 16 x 32 (# full, + partial, . skipped)
// CHECK-NEXT: {{^}}         0 +...
// CHECK-NEXT: {{^}}        16 +...
// CHECK-NEXT: {{^}}        32 ++..
// CHECK-NEXT: {{^}}        48 ++..
// CHECK-NEXT: {{^}}        64 .++.
// CHECK-NEXT: {{^}}        80 .++.
// CHECK-NEXT: {{^}}        96 ..++
// CHECK-NEXT: query tile 0 visits 1 of 4 key tiles, 0 .. 0; 0 of them full
// CHECK-NEXT: query tile 6 visits 2 of 4 key tiles, 2 .. 3; 0 of them full
// CHECK-NEXT: memory:
// CHECK-NEXT: 0 bytes between the kernels; standard attention stores 80000 bytes of scores
// CHECK: compiled in {{.*}} ms:
// CHECK: ms attn-tile

// Long sequences are drawn in a few lines.
// RUN: attn-run %s --backend=cpu --chip=x86-64-v3 --tile-m=16 --tile-n=32 --random=B=1,Sq=600,Skv=6000 --explain | FileCheck %s --check-prefix=LONG
// LONG: (# full, + partial, . skipped; 3 key tiles a character)
// LONG-NEXT: {{^}}         0 +{{[.]+$}}
// LONG-COUNT-12: {{^}} {{ *[0-9]+ [.+#]+$}}
// LONG-NEXT: query tile 0 visits
// LONG-NEXT: query tile 37 visits

// Of the versions that sizes choose between there is the one that these take.
// RUN: attn-run %s --backend=cpu --chip=x86-64-v3 --random=B=1,Sq=1,Skv=2000 --explain | FileCheck %s --check-prefix=FEW --implicit-check-not="queries a tile"
// FEW: 8 queries a tile
// FEW: [[N:[0-9]+]] keys a tile: {{.*}}; versions for other sizes are left out
// FEW: key tiles, with these sizes:
// FEW-NEXT: batch 0, head 0, tiles of 8 x [[N]] (
// FEW-NOT: tiles of
// RUN: attn-run %s --backend=cpu --chip=x86-64-v3 --random=B=1,Sq=9,Skv=2000 --explain | FileCheck %s --check-prefix=MANY --implicit-check-not="queries a tile"
// MANY: [[M:[0-9]+]] queries a tile
// MANY: [[N:[0-9]+]] keys a tile: {{.*}}; versions for other sizes are left out
// MANY: key tiles, with these sizes:
// MANY-NEXT: batch 0, head 0, tiles of [[M]] x [[N]] (
// MANY-NOT: tiles of

// GFLOP/s count what attends: 2 (64 + 64) operations for each of 33 keys a
// query, fewer for the first 32.
// RUN: attn-run %s --backend=reference --random=B=2,Sq=100,Skv=100 --bench=1 --report=json | %python -c "import json, sys; b = json.load(sys.stdin)['bench']; flops = 2 * 2 * 128 * sum(min(i + 1, 33) for i in range(100)); sys.exit(abs(b['gflops'] * b['median_ms'] * 1e6 - flops) > 1e-6 * flops)"
func.func @window(%q: tensor<?x1x?x64xf32>, %k: tensor<?x1x?x64xf32>, %v: tensor<?x1x?x64xf32>, %o: tensor<?x1x?x64xf32>) -> tensor<?x1x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x1x?x64xf32>, tensor<?x1x?x64xf32>, tensor<?x1x?x64xf32>) outs(%o : tensor<?x1x?x64xf32>)
      {causal = #attn.causal<top_left>, window = #attn.window<left = 32>} -> tensor<?x1x?x64xf32>
  return %r : tensor<?x1x?x64xf32>
}
