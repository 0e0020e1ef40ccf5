// What an artifact holds, for people: of each chip the signature, the launches
// with their expressions, the checks, and the functions in the code.
// RUN: attn-compile %s --target=cpu:x86-64-v3,cuda:sm_80 -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s

// CHECK: {{^[0-9]+}} bytes, 2 variants
// CHECK-NEXT: cpu:x86-64-v3, needs {{.*}}avx2{{.*}}fma
// CHECK-NEXT: function causal
// CHECK-NEXT: query: f16 [?, 2, ?, 32], read
// CHECK-NEXT: key: f16 [?, 2, ?, 32], read
// CHECK-NEXT: value: f16 [?, 2, ?, 32], read
// CHECK-NEXT: output: f16 [?, 2, ?, 32], readwrite
// CHECK-NEXT: result output: f16 [output.size(0), 2, output.size(2), 32], in argument 3
// CHECK: sizes
// CHECK: n{{[0-9]+}} = ceildiv(query.size(2), {{[0-9]+}})
// CHECK: launches
// CHECK-NEXT: causal_kernel0
// CHECK-NEXT: grid {{.*}} x query.size(0)
// CHECK: stack {{[0-9]+}} bytes
// CHECK: given {{.*}}&query{{.*}}query.stride(0){{.*}}&key
// CHECK: checks
// CHECK: rule 21: dimension 0 of query is too large
// CHECK-NEXT: unless query.size(0) <= {{[0-9]+}}
// CHECK: rule 1: Skv of value must be Skv of key
// CHECK-NEXT: unless value.size(2) == key.size(2)
// CHECK: code/cpu: {{[0-9]+}} bytes
// CHECK-DAG: causal_kernel0: {{[0-9]+}} bytes
// CHECK: cuda:sm_80
// CHECK: launches
// CHECK: threads {{[0-9]+}} x 1 x 1
// CHECK: code/kernels: {{[0-9]+}} bytes of text{{.*}} registers are not known

// RUN: not attn-compile --inspect=%s 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: attn-compile: error: {{.*}}inspect.mlir: not an attention artifact
// RUN: head -c 1000 %t.attn > %t.cut
// RUN: not attn-compile --inspect=%t.cut 2>&1 | FileCheck %s --check-prefix=CUT
// CUT: attn-compile: error: {{.*}}truncated
// RUN: not attn-compile --inspect=%t.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: attn-compile: error: {{.*}}missing

func.func @causal(%q: tensor<?x2x?x32xf16>, %k: tensor<?x2x?x32xf16>, %v: tensor<?x2x?x32xf16>,
                  %o: tensor<?x2x?x32xf16>) -> tensor<?x2x?x32xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf16>, tensor<?x2x?x32xf16>, tensor<?x2x?x32xf16>)
      outs(%o : tensor<?x2x?x32xf16>) {causal = #attn.causal<bottom_right>} -> tensor<?x2x?x32xf16>
  return %r : tensor<?x2x?x32xf16>
}
