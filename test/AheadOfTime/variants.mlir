// Several targets make one artifact, of which the runtime takes what runs; one
// alone stays what it was.
// RUN: attn-compile %s --target=cpu:x86-64-v3,cpu:x86-64-v4,cpu-standard:haswell -o %t.attn
// RUN: attn-compile --inspect=%t.attn | grep '^[a-z0-9].*:' | FileCheck %s
// CHECK: cpu:x86-64-v3
// CHECK-NEXT: cpu:x86-64-v4
// CHECK-NEXT: cpu:haswell

// RUN: attn-compile %s --target=cpu:x86-64-v3 -o %t.one.attn
// RUN: attn-compile %s --chip=x86-64-v3 -o %t.other.attn
// RUN: cmp %t.one.attn %t.other.attn

// RUN: not attn-compile %s --target=cpu:x86-64-v3,cpu:x86-64-v3 -o %t.bad 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: attn-compile: error: --target names cpu:x86-64-v3 twice
// RUN: not attn-compile %s --target=cpu,,cuda -o %t.bad 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not attn-compile %s --target=cpu: -o %t.bad 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: attn-compile: error: --target=cpu{{.*}}: expected TARGET or TARGET:CHIP
// RUN: not attn-compile %s --target=cpu,cuda:sm_1 -o %t.bad 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: unknown chip 'sm_1'
// RUN: not ls %t.bad

// All chips of a target, in its order; without those that the op needs too much
// of, and those with the code of one before. Those that browsers only try out
// have to be asked for.
// RUN: attn-compile %s --target=wgsl:all -o %t.all.attn
// RUN: attn-compile --inspect=%t.all.attn | grep '^wgsl' | FileCheck %s --check-prefixes=ALL,EVEN
// ALL: wgsl:webgpu
// ALL-NEXT: wgsl:webgpu-tiled
// ALL-NEXT: wgsl:webgpu-software, needs software subgroups
// ALL-NEXT: wgsl:webgpu-subgroups, needs subgroups
// ALL-NEXT: wgsl:webgpu-subgroups32, needs subgroups subgroup-min-size:32
// EVEN-NEXT: wgsl:webgpu-matrix, needs subgroups subgroup-size:32 subgroup-matrix:16x16x16:f16:f32
// EVEN-NEXT: wgsl:webgpu-matrix8, needs subgroups subgroup-size:8 subgroup-matrix:8x8x8:f16:f32
// ALL-NOT: wgsl
// RUN: attn-compile %s --target=wgsl -o %t.default.attn
// RUN: attn-compile --inspect=%t.default.attn | grep '^wgsl' | FileCheck %s --check-prefix=ALL
// RUN: attn-compile %s --target=wgsl,wgsl:webgpu-matrix -o %t.asked.attn
// RUN: attn-compile --inspect=%t.asked.attn | grep '^wgsl' | FileCheck %s --check-prefix=ASKED
// ASKED: wgsl:webgpu-subgroups32
// ASKED-NEXT: wgsl:webgpu-matrix
// ASKED-NOT: wgsl

// What binds more buffers than a chip reads small tables from one.
// RUN: attn-compile %S/Inputs/many-buffers.mlir --target=wgsl:all -o %t.many.attn 2>&1 | FileCheck %s --check-prefix=MANY
// MANY: remark: copies 'alibi' into one buffer, which is slower: it uses 10 buffers, the device binds 8
// RUN: attn-compile --inspect=%t.many.attn | grep '^wgsl' | FileCheck %s --check-prefix=OWN
// OWN: wgsl:webgpu{{$}}
// OWN-NEXT: wgsl:webgpu-10{{$}}
// RUN: attn-compile %S/Inputs/too-many-buffers.mlir --target=wgsl:webgpu-desktop -o %t.tables.attn 2>&1 | FileCheck %s --check-prefix=TABLES
// TABLES: remark: copies 'capture0', 'capture1', 'capture2' into one buffer, which is slower: it uses 18 buffers, the device binds 16

func.func @plain(%q: tensor<?x2x?x32xf32>, %k: tensor<?x2x?x32xf32>, %v: tensor<?x2x?x32xf32>,
                 %o: tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32>
  return %r : tensor<?x2x?x32xf32>
}
